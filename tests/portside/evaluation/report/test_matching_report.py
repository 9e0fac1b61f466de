"""The report on a matcher: what can be promised, and which queries changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from portside.data.matching import MatchingDataset
from portside.evaluation.report.facts import KEPT_ASIDE
from portside.evaluation.report.matching import changed_rankings, sections_of
from portside.evaluation.report.parts import Report
from portside.evaluation.report.versus import Changed
from portside.evaluation.risk import RISKS
from portside.inference.ranking import Ranked
from portside.records import Judged
from portside.tasks.matching import SYSTEMS

N = 60
DOCUMENTS = {f"d{n}": f"document {n}" for n in range(N)}
QUERIES = {f"q{n}": f"query {n}" for n in range(N)}


def judged(right: Mapping[int, int]) -> MatchingDataset:
    return MatchingDataset(
        DOCUMENTS, QUERIES, tuple(Judged(f"q{q}", f"d{d}", 1.0) for q, d in right.items()), "test.csv"
    )


RIGHT = judged({n: n for n in range(N)})


def ranked(first: Callable[[int], int]) -> dict[str, list[str]]:
    """Each query's documents: the one that ``first`` says, then the others in their order."""
    return {
        f"q{n}": [f"d{first(n)}", *(document for document in DOCUMENTS if document != f"d{first(n)}")] for n in range(N)
    }


def report(
    own: Mapping[str, Sequence[str]],
    dataset: MatchingDataset = RIGHT,
    seen: Callable[[str], bool] = lambda text: False,
    risks: Sequence[float] = RISKS,
) -> Report:
    rankings = {system: own if system != "keywords" else ranked(lambda n: 0) for system in SYSTEMS}
    # The nearer the first document, the lower the query's number.
    cosines = {system: {f"q{n}": 1 - n / N for n in range(N)} for system in SYSTEMS}
    found = Ranked(
        {system: {query: [*each] for query, each in one.items()} for system, one in rankings.items()}, N, cosines
    )
    return Report("answers, version 3", "", [], sections_of(found, "hybrid", dataset, seen, risks=risks))


def test_queries_kept_aside_are_called_so() -> None:
    made = report(ranked(lambda n: n), replace(RIGHT, source=KEPT_ASIDE))
    assert made.sections[-1].sentences[0] == (
        "60 queries that were kept aside from training, for each of which 60 documents were ranked."
    )


def promised(made: Report) -> tuple[list[float | None], str]:
    (section,) = [one for one in made.sections if one.key == "guarantee"]
    return [one["threshold"] for one in section.details["promises"]], " ".join(section.sentences)


def test_the_first_document_is_promised_where_it_is_near() -> None:
    # 45 near ones are right and 15 far ones wrong: 3 wrong of 48 refute one in five, 6 of 51 do not.
    made = report(ranked(lambda n: n if n < 45 else 0), risks=(0.05, 0.2))
    (none, some), words = promised(made)
    assert none is None
    assert some == pytest.approx(1 - 47 / N)
    assert "'At most 5 % wrong' cannot be promised: 60 labelled rows are too few" in words
    assert "its cosine to the query is at least 0.217, the model answers 80 % of queries like these" in words
    assert "A cosine is no probability" in words


def test_nothing_is_promised_from_queries_that_were_trained_on() -> None:
    thresholds, words = promised(report(ranked(lambda n: n), seen=lambda text: True, risks=(0.2,)))
    assert thresholds == [None]
    assert "0 labelled rows are too few" in words


def test_a_model_that_ranks_worse_than_plain_words_is_called_out() -> None:
    made = report({query: [*ranking[::-1]] for query, ranking in ranked(lambda n: n).items()})
    assert any("Plain words rank" in warning for warning in made.warnings)


def test_words_are_better_only_where_the_same_queries_show_it() -> None:
    """Both are right for about half of the queries: six better and none worse is shown, two better is not."""
    own = ranked(lambda n: n if n % 2 else 0)
    better = ranked(lambda n: n if n % 2 or n in range(10, 51, 8) else 0)
    lucky = ranked(lambda n: n if n % 2 or n in (10, 50) else 0)
    for words, called in ((better, True), (lucky, False)):
        rankings = {system: words if system == "keywords" else own for system in SYSTEMS}
        cosines = {system: dict.fromkeys(QUERIES, 0.5) for system in SYSTEMS}
        found = Ranked(rankings, N, cosines)
        made = Report("answers, version 3", "", [], sections_of(found, "hybrid", RIGHT, lambda text: False))
        assert any("Plain words rank" in warning for warning in made.warnings) is called


def test_a_few_queries_may_be_unlucky() -> None:
    assert not any(
        "at random" in one for one in report(ranked(lambda n: 0), judged({n: n + 30 for n in range(9)})).warnings
    )


def test_queries_whose_ranking_changed() -> None:
    dataset = judged({0: 0, 1: 1, 2: 2})
    old = {"q0": ["d0", "d1"], "q1": ["d5", "d1"], "q2": ["d7", "d2"]}
    new = {"q0": ["further 1", "d0"], "q1": ["d5", "d1"], "q2": ["d9", "d8"]}
    assert changed_rankings(new, old, dataset) == [
        Changed(
            1,
            "query 0",
            "document 0",
            "document 0",
            "a document of the model's own (the right one stands at 2)",
            worse=0.5,
        ),
        Changed(
            3,
            "query 2",
            "document 2",
            "document 7 (the right one stands at 2)",
            "document 9 (the right one is not found)",
            worse=0.5,
        ),
    ]
