"""Rows of a vector index that were written together: ids, the way they are searched, and which still count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portside.retrieval.finders import Finder, FlatFinder, Kind, living, read_finder
from portside.retrieval.hits import Hit
from portside.retrieval.snapshots import pack, unpack

__all__ = ["LARGE_VECTORS", "Segment", "flat_segment", "large_arrays", "make_segment", "merged", "read_large"]

LARGE_VECTORS = "large_vectors.npy"
"""The file that need not be read into memory as a whole."""


@dataclass(frozen=True, eq=False)
class Segment:
    """Never changed; where rows are deleted, another takes its place that shares all but ``alive``."""

    ids: tuple[str, ...]
    rows: dict[str, int]
    finder: Finder
    """Over vectors that are row for row those of ``ids``."""
    alive: NDArray[np.bool_]
    recall: float = 1.0
    """Share of the ten nearest that ``finder`` found when it was built."""
    tried: Kind = "flat"
    """What was built for it, and is its ``finder`` if it found enough."""

    @cached_property
    def dead(self) -> int:
        """Rows deleted."""
        return len(self.ids) - int(self.alive.sum())

    @property
    def vectors(self) -> NDArray[np.float32]:
        """All rows, deleted ones too, shape (rows, dim): a view."""
        return self.finder.vectors

    @cached_property
    def _selector(self) -> Any:
        return living(self.alive)

    def living_ids(self) -> list[str]:
        """The ids that count, in their order."""
        return [key for key, alive in zip(self.ids, self.alive, strict=True) if alive]

    def search(self, queries: NDArray[np.float32], k: int) -> list[list[Hit]]:
        """The best of each query, shape (queries, dim), best first."""
        selector = self._selector if self.dead else None
        scores, rows = self.finder.search(queries, min(len(self.ids) - self.dead, k), selector)
        return [
            [Hit(self.ids[row], float(score)) for score, row in zip(*line, strict=True) if row >= 0]
            for line in zip(scores, rows, strict=True)
        ]

    def with_alive(self, alive: NDArray[np.bool_]) -> Segment:
        """The same with other rows counting."""
        return replace(self, alive=alive)


def make_segment(ids: Sequence[str], finder: Finder, *, recall: float = 1.0, tried: Kind = "flat") -> Segment:
    """All rows count; ``finder`` is over their vectors."""
    rows = {key: row for row, key in enumerate(ids)}
    return Segment(tuple(ids), rows, finder, np.ones(len(ids), dtype=np.bool_), recall, tried)


def merged(segments: Sequence[Segment]) -> tuple[list[str], NDArray[np.float32]]:
    """Ids and vectors of the rows that count, shape (rows, dim)."""
    ids = [key for part in segments for key in part.living_ids()]
    return ids, np.concatenate([part.vectors[part.alive] for part in segments])


def large_arrays(part: Segment) -> dict[str, NDArray[Any]]:
    """What ``read_large`` needs, as arrays that a snapshot can hold. Of deleted rows nothing is left in them."""
    vectors: NDArray[np.float32] = part.vectors
    if part.dead:
        vectors = np.where(part.alive[:, None], vectors, np.float32(0.0))
    ids = [key if alive else None for key, alive in zip(part.ids, part.alive, strict=True)]
    facts = {"kind": part.finder.kind, "effort": part.finder.effort, "recall": part.recall}
    return {
        LARGE_VECTORS: vectors,
        "large_ids.npy": pack(ids),
        "large_finder.npy": part.finder.to_bytes(part.alive),
        "large_facts.npy": pack(facts),
    }


def read_large(arrays: Mapping[str, NDArray[Any]]) -> Segment | None:
    """The segment that ``large_arrays`` wrote down; None where there was none.

    Raises:
        ValueError: the arrays do not belong together.
    """
    if LARGE_VECTORS not in arrays:
        return None
    ids, facts = unpack(arrays["large_ids.npy"]), unpack(arrays["large_facts.npy"])
    finder = read_finder(facts["kind"], arrays["large_finder.npy"], arrays[LARGE_VECTORS], int(facts["effort"]))
    rows = {key: row for row, key in enumerate(ids) if key is not None}
    alive = np.array([key is not None for key in ids], dtype=np.bool_)
    return Segment(tuple(key or "" for key in ids), rows, finder, alive, float(facts["recall"]), finder.kind)


def flat_segment(ids: Sequence[str], vectors: NDArray[np.float32]) -> Segment:
    """A segment that is searched exactly; copies ``vectors``, shape (rows, dim)."""
    return make_segment(ids, FlatFinder.build(vectors))
