"""Rank documents for queries: by their words, by their vectors, or by both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from portside.retrieval.hits import Hit
from portside.retrieval.hybrid import reciprocal_rank_fusion
from portside.retrieval.keywords import KeywordIndex
from portside.tasks.matching import System

__all__ = ["MOST_RANKED", "Ranked", "Ranker"]

MOST_RANKED = 1_000
"""Documents ranked for a query at most, as in TREC: what comes later changes no figure."""


@dataclass(frozen=True)
class Ranked:
    """What was found for the queries of a data set."""

    orders: Mapping[System, Mapping[str, list[str]]]
    """By system, query -> documents, best first."""
    documents: int
    """How many were ranked."""
    cosines: Mapping[System, Mapping[str, float]]
    """By system, query -> how near in meaning the document is that it ranks first; not of queries without one."""


class Ranker:
    """Documents by id, ready to be ranked. Documents of equal score come in the order in which they were given."""

    def __init__(self, ids: Sequence[str], texts: Sequence[str]) -> None:
        self.ids = tuple(ids)
        self._words = KeywordIndex()
        self._words.add(self.ids, texts)

    def rank(self, system: System, text: str, scores: NDArray[np.float32] | None, k: int = MOST_RANKED) -> list[Hit]:
        """At most ``k`` documents for the query ``text``, best first.

        ``scores`` has the inner product of the query's vector with each document's, shape (documents,); by words alone
        it is not needed. Hybrid is the reciprocal-rank fusion of the two rankings, as in ``portside.retrieval.hybrid``.
        """
        by_word = self._words.search(text, MOST_RANKED) if system != "vectors" else []
        by_vector = self._nearest(scores) if system != "keywords" and scores is not None else []
        if system == "hybrid":
            fused = reciprocal_rank_fusion([[hit.id for hit in by_vector], [hit.id for hit in by_word]])
            return fused[:k]
        return (by_vector or by_word)[:k]

    def _nearest(self, scores: NDArray[np.float32]) -> list[Hit]:
        order = np.arange(len(scores))
        if len(scores) > MOST_RANKED:
            order = np.sort(np.argpartition(-scores, MOST_RANKED - 1)[:MOST_RANKED])
        best = order[np.argsort(-scores[order], kind="stable")]
        return [Hit(self.ids[place], float(scores[place])) for place in best]
