from __future__ import annotations

import numpy as np
import pytest

from portside.evaluation.scored import Scored
from portside.evaluation.verdicts import (
    no_better_than_chance,
    reads_only_length,
    renamed_labels,
    sure_beyond_measure,
)

RANDOM = np.random.default_rng(0)
LABELS = ("card", "fee", "parcel")


def scored(
    truth: list[int], predicted: list[int], *, confidence: float = 0.8, texts: list[str] | None = None
) -> Scored:
    """Answers with one and the same confidence."""
    n, rest = len(truth), (1 - confidence) / (len(LABELS) - 1)
    probabilities = np.full((n, len(LABELS)), rest)
    probabilities[np.arange(n), predicted] = confidence
    return Scored(
        model="intents:3",
        data="test.csv",
        labels=LABELS,
        texts=tuple(texts or [f"text {place}" for place in range(n)]),
        rows=tuple(range(1, n + 1)),
        truth=np.array(truth, dtype=np.int64),
        logits=np.log(probabilities).astype(np.float32),
        features=np.zeros((n, 2), dtype=np.float32),
    )


def test_shuffled_labels_are_called_out() -> None:
    truth = RANDOM.integers(0, 3, 300).tolist()
    found = no_better_than_chance(scored(truth, RANDOM.integers(0, 3, 300).tolist()))
    assert found is not None
    assert "no better than always answering" in found


def test_a_model_that_has_learned_something_is_not() -> None:
    truth = RANDOM.integers(0, 3, 300).tolist()
    predicted = [true if place % 2 else 0 for place, true in enumerate(truth)]
    assert no_better_than_chance(scored(truth, predicted)) is None


def test_of_a_few_rows_or_of_one_label_nothing_is_concluded() -> None:
    assert no_better_than_chance(scored([0, 1, 2], [0, 1, 2])) is None, "all three are right"
    assert no_better_than_chance(scored([0] * 100, [0] * 95 + [1] * 5)) is None, "there is but one label"


def test_a_model_may_tell_labels_apart_where_one_is_so_common_that_it_hardly_shows() -> None:
    # 14 of the 20 rare ones are found, for 12 false alarms: 392 right, where the commonest label has 380.
    truth, predicted = [0] * 380 + [1] * 20, [1] * 12 + [0] * 368 + [1] * 14 + [0] * 6
    found = no_better_than_chance(scored(truth, predicted))
    assert found is not None
    assert "It does tell labels apart" in found
    assert "do not fit" not in found


def test_the_commonest_label_is_beaten_on_the_same_rows() -> None:
    """One false alarm and ten found is hardly chance, though 390 of 400 right might be where 381 are common."""
    truth, predicted = [0] * 381 + [1] * 19, [1] + [0] * 380 + [1] * 10 + [0] * 9
    assert no_better_than_chance(scored(truth, predicted)) is None


@pytest.mark.parametrize(("right", "confidence", "called"), [(60, 0.99, True), (95, 0.96, False), (60, 0.62, False)])
def test_over_confident_scores_are_called_out(right: int, confidence: float, called: bool) -> None:
    predicted = [0] * right + [1] * (100 - right)
    found = sure_beyond_measure(scored([0] * 100, predicted, confidence=confidence))
    assert (found is not None) is called
    if found:
        assert "claims 99 %" in found
        assert "right in 60 %" in found


def test_a_renamed_class_is_named_with_its_old_name() -> None:
    truth = ["card", "charge", "charge", "charge", "parcel"]
    found = renamed_labels(LABELS, truth, ["card", "fee", "fee", "fee", "parcel"])
    assert len(found) == 2
    assert "call 'charge' what the model seems to know as 'fee': it gives 3 of 3" in found[0]
    assert "'fee'" in found[1]


def test_a_new_class_is_not_taken_for_a_renamed_one() -> None:
    truth = ["card", "weather", "weather", "weather", "parcel", "fee"]
    (found,) = renamed_labels(LABELS, truth, ["card", "fee", "card", "parcel", "parcel", "fee"])
    assert "does not know the label 'weather' (3 rows): how often it is right is told of the others alone" in found


def test_many_unknown_labels_are_one_sentence() -> None:
    truth = ["card", *(f"new {place % 7}" for place in range(14))]
    (found, missing) = renamed_labels(LABELS, truth, ["card", *(LABELS[place % 2] for place in range(14))])
    assert "does not know 7 labels of the rows ('new 0', 'new 1', 'new 2', 'new 3', 'new 4', …; 14 rows)" in found
    assert "no row has" in missing


def test_two_names_cannot_both_be_new_ones_for_the_same_label() -> None:
    found = renamed_labels(LABELS, ["card", *["a"] * 3, *["b"] * 3], ["card", *["fee"] * 6])
    assert "does not know 2 labels of the rows ('a', 'b'; 6 rows)" in found[0]


def test_rows_for_another_model_are_said_to_be() -> None:
    truth = ["late", "lost", "late", "gone"]
    (found,) = renamed_labels(LABELS, truth, ["card", "fee", "fee", "card"])
    assert "knows no label of these rows ('gone', 'late', 'lost'); it tells 'card', 'fee', 'parcel' apart" in found
    # Where all have new names, each is told: the model may still be the right one.
    truth = [*["Karte"] * 3, *["Gebühr"] * 3, *["Paket"] * 3]
    found_all = renamed_labels(LABELS, truth, [*["card"] * 3, *["fee"] * 3, *["parcel"] * 3])
    assert [("call 'Geb" in one, "call 'Karte'" in one, "call 'Paket'" in one) for one in found_all] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]


def test_known_labels_alone_are_no_news() -> None:
    assert renamed_labels(LABELS, ["card", "card"], ["card", "fee"]) == []


def test_a_model_that_only_looks_at_length_is_called_out() -> None:
    texts = ["x" * int(size) for size in RANDOM.integers(1, 90, 200)]
    found = reads_only_length(scored([0] * 200, [len(text) // 30 for text in texts], texts=texts))
    assert found is not None
    assert "how long a text is" in found


def test_answers_that_do_not_follow_the_length_are_not() -> None:
    texts = ["x" * int(size) for size in RANDOM.integers(1, 90, 200)]
    assert reads_only_length(scored([0] * 200, RANDOM.integers(0, 3, 200).tolist(), texts=texts)) is None
    assert reads_only_length(scored([0] * 20, [len(text) // 30 for text in texts[:20]], texts=texts[:20])) is None
