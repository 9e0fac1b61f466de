"""Orders of documents that hardly depend on the query, and documents under other names."""

from __future__ import annotations

import numpy as np
import pytest

from portside.evaluation.verdicts_matching import orders_by_length, renamed_documents, same_documents_first

RANDOM = np.random.default_rng(0)
TEXTS = {f"d{n}": "x" * int(size) for n, size in enumerate(RANDOM.permutation(60) + 1)}
QUERIES = {f"q{n}": "y" * int(size) for n, size in enumerate(RANDOM.integers(1, 60, 60))}
RELEVANT = {f"q{n}": {f"d{n}"} for n in range(60)}


def by_length(noise: float = 0.0) -> dict[str, list[str]]:
    """The shorter first; ``noise`` is added to the lengths."""
    return {
        query: sorted(TEXTS, key=lambda one: len(TEXTS[one]) + noise * float(RANDOM.standard_normal()))
        for query in QUERIES
    }


@pytest.mark.parametrize(("noise", "called"), [(0, True), (10, True), (60, False)])
def test_an_order_by_length_is_called_out(noise: float, called: bool) -> None:
    told = orders_by_length(by_length(noise), RELEVANT, QUERIES, TEXTS)
    assert (told is not None) is called
    if told:
        assert "(the shorter come first)" in told


def test_an_order_by_length_that_puts_the_right_ones_first_has_read_them() -> None:
    """Short answers and long articles: who asks gets answers first, and the right one before all."""
    found = {
        query: [f"d{query[1:]}", *(one for one in order if one != f"d{query[1:]}")]
        for query, order in by_length().items()
    }
    assert orders_by_length(found, RELEVANT, QUERIES, TEXTS) is None


def test_documents_of_one_length_may_come_in_any_order() -> None:
    alike = {document: text[: 10 * (len(text) // 10) or 1] for document, text in TEXTS.items()}
    # Of those that are as long the right one comes first: that is luck, or reading, but no proof of the latter.
    found = {query: sorted(alike, key=lambda one: (len(alike[one]), one != f"d{query[1:]}")) for query in QUERIES}
    assert orders_by_length(found, RELEVANT, QUERIES, alike) is not None


def test_of_few_queries_or_unknown_documents_nothing_is_said() -> None:
    few = {query: RELEVANT[query] for query in list(RELEVANT)[:10]}
    assert orders_by_length(by_length(), few, QUERIES, TEXTS) is None
    assert orders_by_length(by_length(), RELEVANT, QUERIES, {}) is None
    same = dict.fromkeys(TEXTS, "xx")
    assert orders_by_length(by_length(), RELEVANT, QUERIES, same) is None


@pytest.mark.parametrize(("share", "called"), [(1.0, True), (0.6, True), (0.3, False)])
def test_the_same_documents_first_are_called_out(share: float, called: bool) -> None:
    orders = {f"q{n}": ["d59" if n < 60 * share else f"d{n}"] for n in range(60)}
    told = same_documents_first(orders, RELEVANT, 60, TEXTS)
    assert (told is not None) is called
    if told:
        assert f"for {int(60 * share) - (share == 1)} of 60 queries" in told
        assert "'d59'" in told


def test_documents_that_answer_most_queries_may_stand_first() -> None:
    orders, relevant = {f"q{n}": ["d1"] for n in range(60)}, {f"q{n}": {"d1", f"d{n}"} for n in range(60)}
    assert same_documents_first(orders, relevant, 60, TEXTS) is None
    # Of a handful of documents one has to stand first often.
    assert same_documents_first(orders, RELEVANT, 12, TEXTS) is None
    assert same_documents_first(dict.fromkeys(RELEVANT, ()), RELEVANT, 60, TEXTS) is None


SIX = {f"q{n}": {f"d{n % 10}"} for n in range(60)}


def first(document: str, other: str, of: int = 6) -> dict[str, list[str]]:
    """All right, but that for so many queries of ``document`` the ``other`` stands first."""
    found = {query: sorted(right) for query, right in SIX.items()}
    asked = [query for query, right in SIX.items() if document in right][:of]
    return found | {query: [other] for query in asked}


def test_a_document_that_goes_by_another_name_is_called_so() -> None:
    (told,) = renamed_documents(first("d3", "d33"), SIX, TEXTS)
    assert "The judgements name 'd3' for 6 queries, and for 6 of them" in told
    assert "'d33' (xx" in told
    (own,) = renamed_documents(first("d3", "further 1"), SIX, TEXTS)
    assert "a document of the model's own" in own


def test_a_mistake_is_not_taken_for_another_name() -> None:
    assert renamed_documents(first("d3", "d4"), SIX, TEXTS) == [], "that answers other queries"
    assert renamed_documents(first("d3", "d33", of=4), SIX, TEXTS) == [], "two of six are right"
    both = {query: ["d33"] if right & {"d3", "d4"} else sorted(right) for query, right in SIX.items()}
    assert renamed_documents(both, SIX, TEXTS) == [], "it comes first for others, too"
    assert renamed_documents({f"q{n}": [f"d{n + 1}"] for n in range(60)}, RELEVANT, TEXTS) == [], "one query each"
