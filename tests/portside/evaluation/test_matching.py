"""Figures of rankings by hand."""

from __future__ import annotations

from collections.abc import Callable
from math import log2

import pytest

from portside.data.matching import MatchingDataset
from portside.errors import DataError
from portside.evaluation.matching import average_precision, evaluate_matcher, ndcg, recall, score_rankings
from portside.inference.ranking import Ranked
from portside.records import Judged
from portside.tasks.matching import JudgedTexts, System


@pytest.mark.parametrize(
    ("ranking", "relevance", "k", "expected"),
    [
        ("abc", {"a": 1.0}, 3, 1.0),
        ("abc", {"b": 1.0}, 3, 1 / log2(3)),
        ("abc", {"c": 1.0}, 2, 0.0),
        ("abc", {"a": 1.0, "c": 1.0}, 3, (1 + 1 / log2(4)) / (1 + 1 / log2(3))),
        # Three are relevant, two places: the best list has two of them.
        ("ab", {"a": 1.0, "b": 1.0, "c": 1.0}, 2, 1.0),
        # Graded: the better document second.
        ("abc", {"a": 1.0, "b": 3.0}, 3, (1 + 3 / log2(3)) / (3 + 1 / log2(3))),
        # Not all are ranked.
        ("", {"a": 1.0}, 3, 0.0),
        ("abc", {}, 3, 0.0),
    ],
)
def test_ndcg_by_hand(ranking: str, relevance: dict[str, float], k: int, expected: float) -> None:
    assert ndcg(list(ranking), relevance, k) == pytest.approx(expected)


def test_recall_and_average_precision_by_hand() -> None:
    assert recall(list("abcd"), {"a", "d", "x"}, 3) == pytest.approx(1 / 3)
    assert average_precision(list("abcd"), {"a", "d"}) == pytest.approx((1 / 1 + 2 / 4) / 2)
    assert average_precision(list("abcd"), {"a", "x"}) == pytest.approx(1 / 2)
    assert recall(list("ab"), set(), 3) == average_precision(list("ab"), set()) == 0.0


def dataset(*judged: Judged) -> MatchingDataset:
    documents = {name: f"text {name}" for name in "abc"}
    return MatchingDataset(documents, {one.query: one.query for one in judged}, judged, "set")


FIRST, SECOND, NOTHING = Judged("q1", "a", 2), Judged("q2", "c", 1), Judged("q3", "a", 0)


def test_queries_without_a_relevant_document_are_left_out() -> None:
    rankings = {"q1": ["a"], "q2": ["a", "b"], "q3": ["a"]}
    found = score_rankings(rankings, dataset(FIRST, SECOND, NOTHING))
    assert (found.ndcg_at_10, found.recall_at_10, found.map) == (0.5, 0.5, 0.5)
    low, high = found.ci95["map"]
    assert low == 0.0
    assert high == 1.0
    assert score_rankings(rankings, dataset(FIRST)).ci95["map"] == (1.0, 1.0)


class Parrot:
    """Says what it was given."""

    model = "parrot:3"
    system: System = "hybrid"

    def rankings(self, dataset: JudgedTexts, *, report: Callable[[int, int], None] | None = None) -> Ranked:
        right, wrong = {"q1": ["a", "b"], "q2": ["c"]}, {"q1": ["b"], "q2": ["b", "c"]}
        return Ranked({"keywords": wrong, "vectors": right, "hybrid": right}, 7, {})


def test_a_report_holds_the_fields_that_are_promised() -> None:
    found = evaluate_matcher(Parrot(), dataset(FIRST, SECOND, NOTHING), seen="q2".__eq__).to_dict()
    assert found["seen_in_training"] == 1
    assert (found["model"], found["version"], found["data"], found["n"]) == ("parrot", 3, "set", 2)
    assert (found["system"], found["documents"], found["without_relevant"]) == ("hybrid", 7, 1)
    assert [found[name] for name in ("ndcg_at_3", "ndcg_at_10", "recall_at_10", "map")] == [1.0] * 4
    assert found["systems"]["keywords"]["map"] == pytest.approx((0 + 1 / 2) / 2)
    assert found["ndcg_at_10_ci95"] == [1.0, 1.0]


def test_nothing_relevant_cannot_be_measured() -> None:
    with pytest.raises(DataError, match="relevant"):
        evaluate_matcher(Parrot(), dataset(NOTHING))
