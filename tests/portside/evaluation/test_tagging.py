"""Entity scores by hand: type and both ends must be right."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from portside.data.tagged import TaggedDataset
from portside.evaluation.tagging import count_entities, entity_scores, evaluate_tagger, known_documents
from portside.records import Tagged

TRUTH = ["B-PER I-PER O B-LOC", "O B-ORG O", "B-PER O"]
FOUND = ["B-PER I-PER O B-ORG", "O B-ORG I-ORG", "B-PER O"]
"""Right: two PER. Wrong: a LOC called ORG, an ORG that is one word too long."""


class Parrot:
    """Says what it was given."""

    model = "parrot:3"
    tags = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")

    def __init__(self, tags: Sequence[str]) -> None:
        self._tags = [each.split() for each in tags]

    def tag(
        self,
        sentences: Sequence[Sequence[str]],
        *,
        documents: Sequence[int] | None = None,
        report: Callable[[int], None] | None = None,
    ) -> list[list[str]]:
        assert documents == [0, 0, 1]
        return self._tags


def dataset() -> TaggedDataset:
    rows = [tags.split() for tags in TRUTH]
    return TaggedDataset(
        tuple(Tagged(tuple("w" * len(row)), tuple(row), place // 2) for place, row in enumerate(rows)), "t.txt"
    )


def test_scores_by_hand() -> None:
    scores = entity_scores(count_entities([each.split() for each in TRUTH], [each.split() for each in FOUND]))
    assert (scores[""].precision, scores[""].recall, scores[""].f1, scores[""].support) == (2 / 4, 2 / 4, 0.5, 4)
    assert (scores["PER"].f1, scores["LOC"].f1, scores["ORG"].f1) == (1.0, 0.0, 0.0)
    assert scores["ORG"].support == 1


def test_a_report_holds_the_fields_that_are_promised() -> None:
    report = evaluate_tagger(Parrot(FOUND), dataset()).to_dict()
    assert (report["model"], report["version"], report["data"], report["n"]) == ("parrot", 3, "t.txt", 3)
    assert report["entity_f1"] == 0.5
    low, high = report["entity_f1_ci95"]
    assert 0.0 <= low <= 0.5 <= high <= 1.0
    assert report["per_type"]["PER"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 2}
    # Seven words of nine are tagged rightly; O is one of the labels.
    assert report["token_report"]["accuracy"] == pytest.approx(7 / 9)
    assert report["token_report"]["O"]["support"] == 4
    assert {"macro avg", "weighted avg"} <= set(report["token_report"])


def test_a_perfect_tagger_is_perfect() -> None:
    report = evaluate_tagger(Parrot(TRUTH), dataset())
    assert report.entity.f1 == 1.0
    assert report.entity_f1_ci95 == (1.0, 1.0)


def test_documents_are_known_where_there_are_several_of_several_sentences() -> None:
    found = known_documents([4, 4, 2])
    assert found is not None
    assert found.tolist() == [4, 4, 2]
    assert known_documents([0, 0, 0]) is None  # a file without marks between documents
    assert known_documents([1, 2, 3]) is None
    assert known_documents([]) is None


def test_documents_not_sentences_are_drawn_for_the_interval() -> None:
    # In document 0 three of six names are wrong, in document 1 none of two.
    low, high = evaluate_tagger(Parrot(FOUND), dataset()).entity_f1_ci95
    assert (low, high) == (pytest.approx(2 / 6), 1.0)
