"""Find by meaning and by word at once, and fuse the two rankings."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from portside.errors import UsageError
from portside.retrieval.finder_choice import SIZES, Sizes
from portside.retrieval.hits import Hit
from portside.retrieval.keywords import KeywordState
from portside.retrieval.segments import LARGE_VECTORS
from portside.retrieval.snapshots import load_snapshot, save_snapshot
from portside.retrieval.vectors import VectorState, read_state

__all__ = ["HybridHit", "HybridIndex", "reciprocal_rank_fusion"]

KIND = "hybrid"
RRF_K = 60
"""Cormack, Clarke & Büttcher (2009): large enough that the first place of one ranking does not overrule the other."""
DEPTH = 50
"""How far down each ranking the fusion looks: past it a rank adds less than a tenth of the first one's score."""


@dataclass(frozen=True, slots=True)
class HybridHit:
    """One thing found, with how each ranking saw it; ``None`` where a ranking did not see it in its first places."""

    id: str
    score: float
    """Fused score: sum of 1 / (60 + rank) over the rankings."""
    similarity: float | None
    """Inner product with the query's vector."""
    keyword_score: float | None
    """BM25 score."""


def reciprocal_rank_fusion(rankings: Sequence[Sequence[str]], k: int = RRF_K) -> list[Hit]:
    """Fuse rankings of ids, best first, into one: an id's score is the sum of ``1 / (k + rank)``, ranks from 1.

    An id that a ranking names twice counts at its better place. Equal scores come in the order in which the rankings,
    first to last, name them.
    """
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, key in enumerate(dict.fromkeys(ranking), start=1):
            scores[key] = scores.get(key, 0.0) + 1.0 / (k + rank)
    return [Hit(key, score) for key, score in sorted(scores.items(), key=lambda item: -item[1])]


class HybridIndex:
    """Vectors and texts by the same ids. One writer at a time and any number of readers may share it between threads.

    A reader always sees vectors and texts of the same moment; saved and loaded they are one.
    """

    def __init__(self, dim: int) -> None:
        if dim < 1:
            raise UsageError("A vector must have at least one number", seen=f"dim={dim}")
        self._state = (VectorState(dim), KeywordState())
        self._writing = threading.Lock()
        self._building = threading.Lock()

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._state[0].dim

    def __len__(self) -> int:
        return len(self._state[0])

    def __contains__(self, key: str) -> bool:
        return key in self._state[0]

    def ids(self) -> tuple[str, ...]:
        """Every id, in the order in which it was last written."""
        return self._state[0].ids()

    def vectors_of(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of these ids, shape (ids, dim).

        Raises:
            UsageError: an id is not in the index.
        """
        return self._state[0].vectors_of(ids)

    def add(self, ids: Sequence[str], texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Add new texts with their vectors, shape (ids, dim). All of them appear to readers at once, or none.

        Raises:
            UsageError: an id is there already or twice in the call, or texts or vectors do not fit the ids.
        """
        with self._writing:
            by_vector, by_word = self._state
            self._state = (by_vector.with_added(ids, vectors), by_word.with_texts(ids, texts))

    def update(self, ids: Sequence[str], texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Give these ids new texts and vectors; ids not there yet are added.

        Raises:
            UsageError: an id is twice in the call, or texts or vectors do not fit the ids.
        """
        with self._writing:
            by_vector, by_word = self._state
            self._state = (by_vector.without(ids).with_added(ids, vectors), by_word.with_texts(ids, texts))

    def delete(self, ids: Iterable[str]) -> int:
        """Remove these ids and say how many were there."""
        gone = set(ids)
        with self._writing:
            by_vector, by_word = self._state
            self._state = (by_vector.without(gone), by_word.without(gone))
            return len(by_vector) - len(self._state[0])

    def search(self, text: str, vector: NDArray[np.float32], k: int, *, depth: int = DEPTH) -> list[HybridHit]:
        """The ``k`` best by reciprocal-rank fusion of the first ``depth`` by meaning and the first ``depth`` by word.

        ``vector`` is the query's, shape (dim,).

        Raises:
            UsageError: the vector has another shape or is not finite, or ``k`` or ``depth`` is less than 1.
        """
        if k < 1:
            raise UsageError("The number of results must be at least 1", seen=str(k))
        by_vector, by_word = self._state
        query = np.asarray(vector, dtype=np.float32).reshape(1, -1)
        near = {hit.id: hit.score for hit in by_vector.search(query, max(k, depth))[0]}
        named = {hit.id: hit.score for hit in by_word.search(text, max(k, depth))}
        fused = reciprocal_rank_fusion([list(near), list(named)])[:k]
        return [HybridHit(hit.id, hit.score, near.get(hit.id), named.get(hit.id)) for hit in fused]

    def speed_up(self, *, sizes: Sizes = SIZES) -> bool:
        """Search many vectors along a graph or by codes, as ``VectorIndex.speed_up`` does."""
        with self._building:
            done = self._state[0].faster(sizes=sizes)
            if done is None:
                return False
            with self._writing:
                by_vector, by_word = self._state
                self._state = (by_vector.with_replaced(done), by_word)
            return True

    def save(self, folder: Path) -> None:
        """Write the present content to ``folder``, whole or not at all; the folder may hold an older save.

        Raises:
            StorageError: the folder cannot be written.
        """
        by_vector, by_word = self._state
        save_snapshot(folder, KIND, {"dim": by_vector.dim}, {**by_vector.to_arrays(), **by_word.to_arrays()})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what ``save`` wrote.

        Raises:
            StorageError: there is no hybrid index in the folder.
            ModelDamaged: a file is missing or was changed; names it.
        """
        arrays = load_snapshot(folder, KIND, mapped=(LARGE_VECTORS,)).arrays
        index = cls(arrays["vectors.npy"].shape[1])
        index._state = (read_state(folder, arrays), KeywordState.from_arrays(arrays))
        return index
