"""How well documents are found: NDCG, recall and mean average precision over the whole corpus, for each system."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from portside.errors import DataError
from portside.inference.cuts import Cuts
from portside.inference.ranking import Ranked
from portside.tasks.matching import SYSTEMS, JudgedTexts, System, none_relevant, relevance_by_query, relevant_documents

__all__ = [
    "FIGURES",
    "MatchingReport",
    "SystemFigures",
    "average_precision",
    "check_relevant",
    "evaluate_matcher",
    "ndcg",
    "recall",
    "score_rankings",
]

RESAMPLES = 1_000
"""Bootstrap draws of queries for the intervals."""
FIGURES = ("ndcg_at_3", "ndcg_at_10", "recall_at_3", "recall_at_10", "recall_at_100", "map")


def ndcg(ranking: Sequence[str], relevance: Mapping[str, float], k: int) -> float:
    """Normalised discounted cumulative gain of the first ``k``: the gain is the relevance, as trec_eval has it.

    ``relevance`` holds what is above 0; without any it is 0. Source: Järvelin & Kekäläinen, "Cumulated gain-based
    evaluation of IR techniques", TOIS 2002.
    """
    ideal = _discounted(sorted(relevance.values(), reverse=True)[:k])
    return _discounted([relevance.get(document, 0.0) for document in ranking[:k]]) / ideal if ideal else 0.0


def _discounted(gains: Sequence[float]) -> float:
    return float(sum(gain / np.log2(rank + 1) for rank, gain in enumerate(gains, start=1)))


def recall(ranking: Sequence[str], relevant: set[str], k: int) -> float:
    """Share of the relevant documents that are among the first ``k``; 0 without any."""
    return len(relevant.intersection(ranking[:k])) / len(relevant) if relevant else 0.0


def average_precision(ranking: Sequence[str], relevant: set[str]) -> float:
    """Mean precision at the ranks of the relevant documents; one that is not ranked counts 0. 0 without any."""
    found, total = 0, 0.0
    for rank, document in enumerate(ranking, start=1):
        if document in relevant:
            found += 1
            total += found / rank
    return total / len(relevant) if relevant else 0.0


@dataclass(frozen=True)
class SystemFigures:
    """What one way of ranking reaches: means over the queries, with 95 % intervals by bootstrap over queries."""

    ndcg_at_3: float
    ndcg_at_10: float
    recall_at_3: float
    recall_at_10: float
    recall_at_100: float
    map: float
    ci95: dict[str, tuple[float, float]]

    def to_dict(self) -> dict[str, Any]:
        """Figures and intervals as JSON can hold them."""
        means = {name: getattr(self, name) for name in FIGURES}
        return {**means, **{f"{name}_ci95": list(self.ci95[name]) for name in FIGURES}}


def score_rankings(rankings: Mapping[str, Sequence[str]], dataset: JudgedTexts) -> SystemFigures:
    """Figures of ``rankings``, query -> documents with the best first.

    A query without a relevant document is left out: no ranking of it is better than another. NDCG counts every
    relevance above 0 as gain, recall and MAP the documents from ``RELEVANT_FROM`` on.
    """
    gains, relevant = relevance_by_query(dataset.judged), relevant_documents(dataset.judged)
    rows = np.array([_of_query(rankings[query], gains[query], documents) for query, documents in relevant.items()])
    low, high = np.quantile(_resampled_means(rows), [0.025, 0.975], axis=0)
    means = {name: float(rows[:, place].mean()) for place, name in enumerate(FIGURES)}
    intervals = {name: (float(low[place]), float(high[place])) for place, name in enumerate(FIGURES)}
    return SystemFigures(**means, ci95=intervals)


def _of_query(ranking: Sequence[str], gains: Mapping[str, float], relevant: set[str]) -> list[float]:
    found = [recall(ranking, relevant, k) for k in (3, 10, 100)]
    return [ndcg(ranking, gains, 3), ndcg(ranking, gains, 10), *found, average_precision(ranking, relevant)]


def _resampled_means(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    rng = np.random.default_rng(0)
    counts = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=RESAMPLES)
    return np.asarray(counts @ rows / len(rows), dtype=np.float64)


class Matcher(Protocol):
    """Ranks documents."""

    model: str
    system: System
    """The one that it answers with."""

    def rankings(self, dataset: JudgedTexts, *, report: Callable[[int, int], None] | None = None) -> Ranked:
        """Rank documents for every query of ``dataset`` by each system.

        ``report`` is told how many steps are done of how many.
        """
        ...


@dataclass(frozen=True)
class MatchingReport:
    """What a model reaches on judged queries."""

    model: str
    data: str
    n: int
    """Queries with a relevant document."""
    without_relevant: int
    """Queries that were left out: nothing is relevant to them."""
    documents: int
    """Documents that were ranked for each query."""
    system: System
    """The one that the model answers with, chosen on validation queries."""
    systems: dict[System, SystemFigures]
    seen_in_training: int | None = None
    """Queries that the model was trained on; None: not known."""
    cut: Cuts | None = None
    """Queries and documents longer than the model reads; None: not counted."""

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON can hold it; the figures at the top are those of ``system``."""
        name, _, version = self.model.partition(":")
        return {
            "model": name,
            "version": int(version or 0),
            "data": self.data,
            "n": self.n,
            "without_relevant": self.without_relevant,
            "seen_in_training": self.seen_in_training,
            "longer_than_limit": None if self.cut is None else self.cut.to_dict(),
            "documents": self.documents,
            "system": self.system,
            **self.systems[self.system].to_dict(),
            "systems": {system: figures.to_dict() for system, figures in self.systems.items()},
        }


def check_relevant(dataset: JudgedTexts) -> dict[str, set[str]]:
    """Relevant documents of each query that has any.

    Raises:
        DataError: none has.
    """
    relevant = relevant_documents(dataset.judged)
    if not relevant:
        raise DataError(
            "There must be a query with a relevant document to evaluate on",
            seen=none_relevant(dataset.judged),
            remedy="Check the column of the relevance",
            file=dataset.source,
        )
    return relevant


def evaluate_matcher(
    matcher: Matcher,
    dataset: JudgedTexts,
    *,
    seen: Callable[[str], bool] | None = None,
    report: Callable[[int, int], None] | None = None,
) -> MatchingReport:
    """Rank all documents for every query, by each system, and compare with the judgements.

    ``seen`` says whether a query was trained on; such queries are counted in the result, not left out.

    Raises:
        DataError: no document is relevant to any query.
    """
    relevant = check_relevant(dataset)
    ranked = matcher.rankings(dataset, report=report)
    return MatchingReport(
        model=matcher.model,
        data=dataset.source,
        n=len(relevant),
        without_relevant=len(dataset.queries) - len(relevant),
        documents=ranked.documents,
        system=matcher.system,
        systems={system: score_rankings(ranked.orders[system], dataset) for system in SYSTEMS},
        seen_in_training=None if seen is None else sum(seen(dataset.queries[query]) for query in relevant),
    )
