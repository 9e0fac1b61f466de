from __future__ import annotations

import numpy as np
import pytest

from portside.data import Dataset
from portside.errors import DataError
from portside.evaluation.scored import OUTSIDE, score_rows
from portside.inference.interfaces import FakeClassifier, FakeScorer
from portside.records import Example

SCORER = FakeScorer(FakeClassifier({"card": "card", "parcel": "parcel"}, ("card", "parcel"), confidence=0.75))


def rows(*pairs: tuple[str, str]) -> Dataset:
    return Dataset.of([Example(text, label) for text, label in pairs], source="test.csv")


def test_arrays_by_hand() -> None:
    asked = rows(("my parcel", "parcel"), ("parcel card", "parcel"), ("the weather", "oos"))
    scored = score_rows(SCORER, asked, outside=["oos"])
    assert (scored.truth.tolist(), scored.predicted.tolist()) == ([1, 1, OUTSIDE], [1, 0, 0])
    assert scored.right.tolist() == [True, False, False]
    assert scored.inside.tolist() == [True, True, False]
    assert scored.confidence.tolist() == pytest.approx([0.75, 0.75, 0.5])
    assert (scored.rows, scored.features.shape) == ((1, 2, 3), (3, 64))


def test_a_part_keeps_what_belongs_together() -> None:
    scored = score_rows(SCORER, rows(("my parcel", "parcel"), ("card", "card"), ("a card", "card")))
    by_place, by_mask = scored.at([2, 0]), scored.at(scored.truth == 0)
    assert (by_place.texts, by_place.rows, by_place.truth.tolist()) == (("a card", "my parcel"), (3, 1), [0, 1])
    assert (by_mask.texts, by_mask.logits.shape) == (("card", "a card"), (2, 2))
    assert np.array_equal(by_place.logits[1], scored.logits[0])


def test_an_unknown_label_and_one_of_the_model_as_outside_are_refused() -> None:
    with pytest.raises(DataError, match="the model knows"):
        score_rows(SCORER, rows(("what", "oos")))
    with pytest.raises(DataError, match="from outside"):
        score_rows(SCORER, rows(("my card", "card")), outside=["card"])
