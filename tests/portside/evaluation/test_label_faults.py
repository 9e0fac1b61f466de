"""Wrong labels and mixed-up labels, on rows small enough to check by hand."""

from __future__ import annotations

import numpy as np
import pytest

from portside.errors import UsageError
from portside.evaluation.label_faults import confusable_labels, suspect_labels


def said(labels: list[int], sure: float = 0.9, count: int = 3) -> np.ndarray:  # type: ignore[type-arg]
    """Probabilities of a classifier that says these labels."""
    out = np.full((len(labels), count), (1 - sure) / (count - 1))
    out[np.arange(len(labels)), labels] = sure
    return out


def test_a_label_that_a_sure_classifier_contradicts_is_suspect() -> None:
    given = np.array([0] * 10 + [1] * 10 + [2] * 10)
    truth = given.copy()
    truth[[3, 15]] = [1, 2]
    found = suspect_labels(said(truth.tolist()), given)
    assert {one.place for one in found} == {3, 15}
    assert {(one.given, one.suggested) for one in found} == {(0, 1), (1, 2)}
    assert found[0].chance_suggested == pytest.approx(0.9)


def test_labels_that_all_agree_are_not_suspect() -> None:
    given = np.array([0, 1, 2] * 8)
    assert suspect_labels(said(given.tolist()), given) == []


def test_a_label_without_rows_is_no_hindrance() -> None:
    given = np.array([0] * 10 + [2] * 10)
    truth = given.copy()
    truth[4] = 2
    assert [one.place for one in suspect_labels(said(truth.tolist()), given)] == [4]


def test_one_label_alone_cannot_be_wrong() -> None:
    assert suspect_labels(np.ones((4, 1)), np.zeros(4, dtype=np.int64)) == []


def test_as_many_rows_as_probabilities() -> None:
    with pytest.raises(UsageError, match="rows"):
        suspect_labels(np.ones((4, 2)), np.zeros(3, dtype=np.int64))


def test_labels_are_confusable_both_ways_with_their_rows() -> None:
    given = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2])
    found = confusable_labels(said([1, 1, 0, 0, 0, 1, 1, 1, 2, 1]), given)
    assert [(one.first, one.second, one.rows) for one in found] == [(0, 1, 3)]
    assert found[0].share == pytest.approx(3 / 8)
    assert found[0].taken_for_second == (0, 1)
    assert found[0].taken_for_first == (4,)
