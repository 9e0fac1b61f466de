"""Which way of searching so many rows get, and whether it finds enough of them: measured before it is used."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from portside.retrieval.finders import Finder, FlatFinder, HnswFinder, IvfPqFinder, Kind

__all__ = ["RECALL", "SIZES", "Measured", "Sizes", "build_finder", "recall_at_10"]

log = logging.getLogger(__name__)

RECALL: Mapping[Kind, float] = {"flat": 1.0, "hnsw": 0.99, "ivf-pq": 0.97}
"""Share of the ten nearest that a way of searching must find. By codes .95 is meant: new texts are found less easily
than rows are by themselves, two points less among a million headlines."""
MOST_EFFORT = 1_024
"""Beyond, looking at every row is hardly slower."""
QUERIES = 200
"""Rows that are looked for in a measurement: an interval of about half a point."""
NEAREST = 10


@dataclass(frozen=True)
class Sizes:
    """Rows up to which each way of searching is taken."""

    flat: int = 20_000
    """Looking at so many rows takes two to eight milliseconds, and a graph of them seconds to build."""
    hnsw: int = 400_000
    """A graph of so many takes minutes to build on two cores, and 270 bytes a row."""

    def kind(self, rows: int) -> Kind:
        """How so many rows are searched."""
        if rows <= self.flat:
            return "flat"
        return "hnsw" if rows <= self.hnsw else "ivf-pq"


SIZES = Sizes()
BUILD: Mapping[Kind, Callable[[NDArray[np.float32]], Finder]] = {
    "flat": FlatFinder.build,
    "hnsw": HnswFinder.build,
    "ivf-pq": IvfPqFinder.build,
}


@dataclass(frozen=True)
class Measured:
    """A way of searching, and what it found."""

    finder: Finder
    recall: float
    """Share of the exact ten nearest, over the queries it was measured with."""


def build_finder(
    vectors: NDArray[np.float32],
    kind: Kind,
    *,
    queries: NDArray[np.float32] | None = None,
    seed: int = 0,
    build: Mapping[Kind, Callable[[NDArray[np.float32]], Finder]] = BUILD,
) -> Measured:
    """Build the way ``kind`` of searching ``vectors``, shape (rows, dim), with the least effort that finds enough.

    It is measured with ``queries``, shape (n, dim); without them with some of the rows, which do not count as found.
    Where no effort finds enough, every row is looked at.
    """
    if kind == "flat":
        return Measured(FlatFinder.build(vectors), 1.0)
    finder, least = build[kind](vectors), RECALL[kind]
    own: NDArray[np.int64] | None = None
    if queries is None:
        own = np.random.default_rng(seed).choice(len(vectors), min(QUERIES, len(vectors)), replace=False)
        queries = np.ascontiguousarray(vectors[own])
    truth = _nearest(vectors, queries, own)
    while True:
        recall = recall_at_10(finder, queries, truth, own)
        if recall >= least:
            return Measured(finder, recall)
        more = finder.with_effort(finder.effort + max(1, finder.effort // 2))
        if finder.effort >= MOST_EFFORT or more.effort == finder.effort:
            break
        finder = more
    log.warning(
        "%s finds %.3f of the ten nearest of %d rows, not %.2f: all are looked at", kind, recall, len(vectors), least
    )
    return Measured(FlatFinder.build(vectors), 1.0)


def recall_at_10(
    finder: Finder,
    queries: NDArray[np.float32],
    truth: NDArray[np.int64],
    own: NDArray[np.int64] | None = None,
) -> float:
    """Share of ``truth``, shape (n, up to 10), that is found; ``own``: the row that each query is, which counts not."""
    _, rows = finder.search(queries, NEAREST + (own is not None))
    found = 0
    for place, (line, right) in enumerate(zip(rows, truth, strict=True)):
        kept = line if own is None else line[line != own[place]]
        found += len(set(kept[:NEAREST].tolist()) & set(right.tolist()))
    return found / truth.size if truth.size else 1.0


def _nearest(
    vectors: NDArray[np.float32], queries: NDArray[np.float32], own: NDArray[np.int64] | None
) -> NDArray[np.int64]:
    """The exact ten nearest of each query, shape (n, up to 10)."""
    import faiss

    count = min(NEAREST + (own is not None), len(vectors))
    _, rows = faiss.knn(queries, vectors, count, metric=faiss.METRIC_INNER_PRODUCT)
    if own is None:
        return np.asarray(rows)
    kept = [[row for row in line if row != mine][: count - 1] for line, mine in zip(rows.tolist(), own, strict=True)]
    return np.array(kept, dtype=np.int64)
