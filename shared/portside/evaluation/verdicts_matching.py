"""What is wrong with a matcher, in words: orders that hardly depend on the query, and documents under other names."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from portside.evaluation.significance import mcnemar
from portside.said import said

__all__ = ["order_verdicts", "orders_by_length", "renamed_documents", "same_documents_first"]

FEWEST = 20
"""Queries, and documents, below which nothing is said."""
HUBS = 3
"""Documents that may share the first place among them: as many as a user looks at."""
HUB_SHARE = 0.5
"""Share of the queries for which one of these few stands first, and wrongly. They are at most a twentieth of all
documents, so this is ten times what chance would give them."""
FEWEST_HUBS = 20
"""Documents, for each that may be such a one."""
EXPLAINS = 0.5
"""Share of an order that the length explains, from which the words hardly count: on StackFAQ 0.05 by TF-IDF and less by
the bundled encoder, 0.47 by bare counts of words, which put the longest documents first."""
SURE = 0.01
QUERIES_LOOKED_AT = 300
"""Enough for the mean of a correlation."""
FEWEST_RENAMED = 5
RENAMED = 0.8
"""Queries of a document, and their share that gets one and the same other document, from which that looks like the same
under another name. More than for labels: of thousands of documents some are nearly alike."""
RENAMED_SHOWN = 3
SHOWN = 60
"""Characters of a text."""

Orders = Mapping[str, Sequence[str]]
"""Query -> documents, best first."""
Relevant = Mapping[str, set[str]]
"""Query -> documents that answer it; of each at least one."""


def order_verdicts(
    orders: Orders, relevant: Relevant, documents: int, queries: Mapping[str, str], texts: Mapping[str, str]
) -> list[str]:
    """All that is wrong with the ``orders`` of so many ``documents``; ``queries`` and ``texts`` by id.

    The model's own documents, which the data does not have, have no text here.
    """
    of_length = orders_by_length(orders, relevant, queries, texts)
    # Documents in the order of their length put the same first, too: then the length says more.
    same = None if of_length else same_documents_first(orders, relevant, documents, texts)
    found = [one for one in (of_length, same) if one is not None]
    return found or renamed_documents(orders, relevant, texts)


def same_documents_first(orders: Orders, relevant: Relevant, documents: int, texts: Mapping[str, str]) -> str | None:
    """Whether a few of the ``documents`` stand first whatever the query is; ``texts`` are those known, by id."""
    few = min(HUBS, documents // FEWEST_HUBS)
    wrong = Counter(
        orders[query][0] for query, right in relevant.items() if orders[query] and orders[query][0] not in right
    ).most_common(few)
    count, n = sum(each for _, each in wrong), len(relevant)
    if n < FEWEST or count < HUB_SHARE * n or not wrong:
        return None
    first = wrong[0][0]
    return said(
        "The model hardly looks at the query: for {count} of {n} queries the first document is one of the same {few}, "
        "and wrong (most often: {first}). Look whether these are nearly empty or say what many others say, and clean "
        "the documents that it learns from",
        count=f"{count:,}",
        n=f"{n:,}",
        few=len(wrong),
        first=_named(first, texts),
    )


class _Followed(NamedTuple):
    """One query's order against one by length."""

    correlation: float
    """Spearman's, of the places in both."""
    place: float
    """Where the first right document stands."""
    highest: float
    """Where it would stand by length at best,"""
    lowest: float
    """and at worst: documents of one length may come in any order."""


_WAYS: dict[str, Callable[[NDArray[np.float64], int], NDArray[np.float64]]] = {
    said("the shorter come first"): lambda lengths, query: lengths,
    said("the longer come first"): lambda lengths, query: -lengths,
    said("those about as long as the query come first"): lambda lengths, query: np.abs(lengths - query),
}


def orders_by_length(
    orders: Orders, relevant: Relevant, queries: Mapping[str, str], texts: Mapping[str, str]
) -> str | None:
    """Whether the length of the documents is enough to foretell their order.

    Spearman's correlation of the places with the lengths, or with how far these are from the query's, on average over
    the queries. None where the right documents stand further up than the lengths alone would put them: then the order
    follows the words as well. Documents whose text is not in ``texts`` are passed over.
    """
    ranked = {query: [document for document in orders[query] if document in texts] for query in relevant}
    asked = [query for query, order in ranked.items() if len(order) >= FEWEST]
    chosen = asked[:: max(1, len(asked) // QUERIES_LOOKED_AT)]
    if len(chosen) < FEWEST:
        return None
    length_of = {document: float(len(text)) for document, text in texts.items()}
    found = {
        way: [_followed(ranked[one], relevant[one], length_of, by, len(queries[one])) for one in chosen]
        for way, by in _WAYS.items()
    }
    way, followed = max(found.items(), key=lambda item: _mean(item[1]))
    explained = max(0.0, _mean(followed)) ** 2
    lower, higher = [one.place > one.lowest for one in followed], [one.place < one.highest for one in followed]
    if explained < EXPLAINS or mcnemar(lower, higher).p_better < SURE:
        return None
    return said(
        "The model seems to look at little but how long the documents are: their length explains {share} % of their "
        "order ({way}). Look whether the documents that answer the queries it learns from differ from the others in "
        "length, and add some that do not",
        share=f"{100 * explained:.0f}",
        way=way,
    )


def _mean(followed: Sequence[_Followed]) -> float:
    return float(np.mean([one.correlation for one in followed]))


def _followed(
    order: Sequence[str],
    right: set[str],
    length_of: Mapping[str, float],
    by: Callable[[NDArray[np.float64], int], NDArray[np.float64]],
    query: int,
) -> _Followed:
    from scipy.stats import rankdata

    lengths = by(np.array([length_of[document] for document in order]), query)
    by_length = rankdata(lengths)
    correlation = float(np.corrcoef(np.arange(len(order)), by_length)[0, 1]) if np.ptp(by_length) else 0.0
    there = [place for place, document in enumerate(order) if document in right]
    if not there:
        return _Followed(correlation, np.inf, np.inf, np.inf)
    nearest = lengths[there].min()
    return _Followed(correlation, there[0], float((lengths < nearest).sum()), float((lengths <= nearest).sum() - 1))


def renamed_documents(orders: Orders, relevant: Relevant, texts: Mapping[str, str]) -> list[str]:
    """Documents of the judgements that the model seems to know by another name, or in other words.

    For nearly all queries of such a document it ranks one and the same other first, for hardly any other query, and
    no query is judged to be answered by that.
    """
    judged = {document for right in relevant.values() for document in right}
    first = {query: orders[query][0] for query in relevant if orders[query]}
    queries_of: dict[str, list[str]] = defaultdict(list)
    for query, right in relevant.items():
        for document in right:
            queries_of[document].append(query)
    times = Counter(first.values())
    found = []
    for document, queries in sorted(queries_of.items()):
        answers = Counter(first[query] for query in queries if query in first)
        other, count = max(answers.items(), key=lambda item: (item[1], item[0]), default=("", 0))
        alike = count >= RENAMED * max(len(queries), times[other])
        if len(queries) >= FEWEST_RENAMED and alike and other not in judged:
            found.append((document, other, count, len(queries)))
    return [_renamed(*one, texts) for one in found[:RENAMED_SHOWN]]


def _renamed(document: str, other: str, count: int, n: int, texts: Mapping[str, str]) -> str:
    return said(
        "The judgements name '{document}' for {n} queries, and for {count} of them the model ranks first what no query "
        "is judged to be answered by: {other}. Is it the same document in other words or under another id? Then name "
        "that in the judgements, or train anew",
        document=document,
        n=f"{n:,}",
        count=f"{count:,}",
        other=_named(other, texts),
    )


def _named(document: str, texts: Mapping[str, str]) -> str:
    # The model's own documents are ranked, too: they have ids that the file does not know.
    if document not in texts:
        return said("a document of the model's own")
    return f"'{document}' ({texts[document][:SHOWN]})"
