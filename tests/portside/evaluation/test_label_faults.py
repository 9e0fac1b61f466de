"""Wrong labels and mixed-up labels, of one label a row or several, on rows small enough to check by hand."""

from __future__ import annotations

import numpy as np
import pytest

from portside.errors import UsageError
from portside.evaluation.label_faults import confusable_labels, confusable_marks, suspect_labels, suspect_marks


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


def marks(rows: list[list[int]]) -> np.ndarray:  # type: ignore[type-arg]
    return np.array(rows, dtype=bool)


def test_a_label_too_much_and_a_missing_one_are_told_apart() -> None:
    truth = marks([[1, 0], [0, 1], [1, 1], [0, 0]] * 6)
    given = truth.copy()
    given[0, 1] = True
    given[6, 0] = False
    chances = np.where(truth, 0.9, 0.1)
    chances[6, 0] = 0.95
    found = suspect_marks(chances, given)
    assert [(one.place, one.label, one.given) for one in found] == [(6, 0, False), (0, 1, True)]
    assert [one.chance for one in found] == pytest.approx([0.95, 0.1])


def test_of_a_label_that_all_rows_have_nothing_is_said() -> None:
    truth = marks([[1, 1, 0], [1, 0, 0]] * 8)
    assert suspect_marks(np.where(truth, 0.2, 0.8)[:, [0, 2]], truth[:, [0, 2]]) == []
    assert suspect_marks(np.where(truth, 0.9, 0.1), truth) == []
    assert suspect_marks(np.zeros((0, 0)), np.zeros((0, 0), dtype=bool)) == []
    with pytest.raises(UsageError, match="rows"):
        suspect_marks(np.ones((4, 2)), truth)


def test_of_two_labels_that_change_places_the_rows_are_named() -> None:
    truth = marks([[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 1, 1], [1, 0, 0]])
    chances = np.where(truth, 0.9, 0.1)
    chances[[0, 1, 2]] = [[0.1, 0.8, 0.1], [0.2, 0.9, 0.9], [0.7, 0.3, 0.1]]
    chances[4] = [0.2, 0.3, 0.2]  # a label too much alone is not mixed up with another
    (found,) = confusable_marks(chances, truth)
    assert (found.first, found.second, found.rows, found.share) == (0, 1, 3, 3 / 5)
    assert (found.taken_for_second, found.taken_for_first) == ((1, 0), (2,))
