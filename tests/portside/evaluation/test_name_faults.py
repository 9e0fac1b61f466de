"""Words tagged wrongly, on sentences small enough to check by hand."""

from __future__ import annotations

import numpy as np
import pytest

from portside.errors import UsageError
from portside.evaluation.name_faults import name_probabilities, suspect_names, types_of_words
from portside.tasks.tags import Span


def said(kinds: list[int], sure: float = 0.9, count: int = 3) -> np.ndarray:  # type: ignore[type-arg]
    """Probabilities of a tagger that says these types."""
    out = np.full((len(kinds), count), (1 - sure) / (count - 1))
    out[np.arange(len(kinds)), kinds] = sure
    return out


def test_tags_are_read_as_types_of_words() -> None:
    assert types_of_words(["B-PER", "I-PER", "O", "B-LOC"], ["LOC", "PER"]).tolist() == [2, 2, 0, 1]


def test_neighbours_with_the_same_fault_are_one_name() -> None:
    truth = [[1, 1, 0, 0, 2, 0], [0, 2, 0, 1, 1, 0]] * 6
    given = [np.array(kinds) for kinds in truth]
    given[0] = np.array([0, 0, 0, 0, 2, 0])  # a name without its tags
    given[3] = np.array([0, 1, 0, 1, 1, 0])  # a name of the other type
    chances = [said(kinds) for kinds in truth]
    chances[3] = said(truth[3], sure=0.98)
    found = suspect_names(chances, given)
    assert [(one.sentence, one.start, one.end, one.given, one.suggested) for one in found] == [
        (3, 1, 2, 1, 2),
        (0, 0, 2, 0, 1),
    ]
    assert found[1].chance_given == pytest.approx(0.05)
    assert found[1].chance_suggested == pytest.approx(0.9)


def test_tags_that_all_agree_are_not_suspect() -> None:
    given = [np.array([0, 1, 2, 0])] * 6
    assert suspect_names([said(kinds.tolist()) for kinds in given], given) == []
    assert suspect_names([], []) == []


def test_a_type_without_words_is_no_hindrance() -> None:
    given = [np.array([0, 2, 0, 2])] * 6
    truth = [kinds.copy() for kinds in given]
    truth[2][3] = 0
    found = suspect_names([said(kinds.tolist()) for kinds in truth], given)
    assert [(one.sentence, one.start, one.given, one.suggested) for one in found] == [(2, 3, 2, 0)]


def test_as_many_words_as_probabilities() -> None:
    with pytest.raises(UsageError, match="words"):
        suspect_names([said([0, 1])], [np.array([0, 1, 2])])


def test_a_name_is_what_its_words_are_on_average() -> None:
    rows = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    assert name_probabilities(rows, Span("LOC", 1, 3)) == pytest.approx([0.3, 0.7])
