"""Find by meaning: exact inner-product search over vectors with string ids.

Readers never wait: what they search is a ``VectorState`` that never changes. A writer makes the next state, which
shares almost everything with the last, and puts it in place in one step.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from portside.errors import UsageError
from portside.retrieval.hits import Hit
from portside.retrieval.snapshots import load_snapshot, pack, save_snapshot, unpack

__all__ = ["Hit", "VectorIndex", "VectorState"]

KIND = "vector"
SMALL_SEGMENT = 1_024
"""Rows up to which a segment is rebuilt rather than added to: copying so few costs less than searching one more."""
DEAD_SHARE = 0.25
"""Share of deleted rows from which a segment is rewritten: below, skipping them costs less than copying the rest."""


@dataclass(frozen=True, eq=False)
class _Segment:
    """Rows written together. Never changed; ``alive`` is replaced when rows are deleted."""

    ids: tuple[str, ...]
    rows: dict[str, int]
    index: Any
    """A ``faiss.IndexFlatIP``, row for row with ``ids``."""
    alive: NDArray[np.bool_]

    @cached_property
    def dead(self) -> int:
        return len(self.ids) - int(self.alive.sum())

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """All rows, deleted ones too, shape (rows, dim): a view of what FAISS holds."""
        import faiss

        flat = faiss.rev_swig_ptr(self.index.get_xb(), len(self.ids) * self.index.d)
        view: NDArray[np.float32] = flat.reshape(len(self.ids), self.index.d)
        return view

    @cached_property
    def _living(self) -> Any:
        import faiss

        # FAISS replaces these constructors at import by ones that type checkers do not see.
        make: Any = faiss
        return make.SearchParameters(sel=make.IDSelectorBitmap(np.packbits(self.alive, bitorder="little")))

    def search(self, queries: NDArray[np.float32], k: int) -> list[list[Hit]]:
        params = self._living if self.dead else None
        scores, rows = self.index.search(queries, min(len(self.ids) - self.dead, k), params=params)
        return [
            [Hit(self.ids[row], float(score)) for score, row in zip(*line, strict=True) if row >= 0]
            for line in zip(scores, rows, strict=True)
        ]


def _segment(ids: Sequence[str], vectors: NDArray[np.float32]) -> _Segment:
    import faiss

    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors))
    rows = {key: row for row, key in enumerate(ids)}
    return _Segment(tuple(ids), rows, index, np.ones(len(ids), dtype=np.bool_))


def _merged(segments: Sequence[_Segment]) -> _Segment:
    ids = [key for part in segments for key, alive in zip(part.ids, part.alive, strict=True) if alive]
    return _segment(ids, np.concatenate([part.vectors[part.alive] for part in segments]))


@dataclass(frozen=True, eq=False)
class VectorState:
    """The content of a vector index at one moment. Immutable: changes return the next state."""

    dim: int
    segments: tuple[_Segment, ...] = ()

    def __len__(self) -> int:
        return sum(len(part.ids) - part.dead for part in self.segments)

    def __contains__(self, key: str) -> bool:
        return self._find(key) is not None

    def ids(self) -> tuple[str, ...]:
        """Every id, in the order in which it was last written."""
        return tuple(key for part in self.segments for key, alive in zip(part.ids, part.alive, strict=True) if alive)

    def vectors_of(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of these ids, shape (ids, dim), as a copy.

        Raises:
            UsageError: an id is not in the index.
        """
        out = np.empty((len(ids), self.dim), dtype=np.float32)
        for place, key in enumerate(ids):
            found = self._find(key)
            if found is None:
                raise UsageError("This id must be in the index", seen=repr(key), remedy="Add it first")
            out[place] = self.segments[found[0]].vectors[found[1]]
        return out

    def search(self, vectors: NDArray[np.float32], k: int) -> list[list[Hit]]:
        """See ``VectorIndex.search``."""
        queries = _checked_vectors(vectors, self.dim)
        if k < 1:
            raise UsageError("The number of results must be at least 1", seen=str(k))
        found: list[list[Hit]] = [[] for _ in range(len(queries))]
        if len(queries) == 0:
            return found
        for part in self.segments:
            for hits, more in zip(found, part.search(queries, k), strict=True):
                hits.extend(more)
        return [sorted(hits, key=lambda hit: -hit.score)[:k] for hits in found]

    def with_added(self, ids: Sequence[str], vectors: NDArray[np.float32]) -> VectorState:
        """The state with new rows. Raises ``UsageError`` as ``VectorIndex.add`` does."""
        rows = _checked_rows(ids, vectors, self.dim)
        known = next((key for key in ids if key in self), None)
        if known is not None:
            raise UsageError("An id to add must be new", seen=repr(known), remedy="Use update for ids already there")
        if not ids:
            return self
        # Each segment is at least twice as long as the one after it: few segments to search, each row copied
        # about log2(n) times in its life.
        merge: list[_Segment] = []
        kept = list(self.segments)
        size = len(ids)
        while kept and (len(kept[-1].ids) < 2 * size or len(kept[-1].ids) < SMALL_SEGMENT):
            merge.insert(0, kept.pop())
            size += len(merge[0].ids)
        fresh = _segment(ids, rows)
        return VectorState(self.dim, (*kept, _merged([*merge, fresh]) if merge else fresh))

    def without(self, ids: Iterable[str]) -> VectorState:
        """The state without these ids; those it does not have are passed over."""
        gone: dict[int, list[int]] = {}
        for key in set(ids):
            found = self._find(key)
            if found is not None:
                gone.setdefault(found[0], []).append(found[1])
        if not gone:
            return self
        parts: list[_Segment] = []
        for place, part in enumerate(self.segments):
            if place not in gone:
                parts.append(part)
                continue
            alive = part.alive.copy()
            alive[gone[place]] = False
            left = _Segment(part.ids, part.rows, part.index, alive)
            if left.dead == len(left.ids):
                continue
            parts.append(_merged([left]) if left.dead > DEAD_SHARE * len(left.ids) else left)
        return VectorState(self.dim, tuple(parts))

    def _find(self, key: str) -> tuple[int, int] | None:
        for place, part in enumerate(self.segments):
            row = part.rows.get(key)
            if row is not None and part.alive[row]:
                return place, row
        return None

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What ``from_arrays`` needs, as arrays that a snapshot can hold."""
        ids = self.ids()
        whole = np.concatenate([part.vectors[part.alive] for part in self.segments]) if ids else np.empty((0, self.dim))
        return {"vectors.npy": whole.astype(np.float32, copy=False), "vector_ids.npy": pack(ids)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> VectorState:
        """The state that ``to_arrays`` wrote down."""
        vectors = arrays["vectors.npy"]
        return cls(vectors.shape[1]).with_added(unpack(arrays["vector_ids.npy"]), vectors)


class VectorIndex:
    """Vectors by id; search is exact. One writer at a time and any number of readers may share it between threads.

    Writing costs time in proportion to what is written, now and then more when segments are merged: write in batches.
    """

    def __init__(self, dim: int) -> None:
        if dim < 1:
            raise UsageError("A vector must have at least one number", seen=f"dim={dim}")
        self._state = VectorState(dim)
        self._writing = threading.Lock()

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._state.dim

    @property
    def state(self) -> VectorState:
        """The present content; does not change when the index does."""
        return self._state

    def __len__(self) -> int:
        return len(self._state)

    def __contains__(self, key: str) -> bool:
        return key in self._state

    def ids(self) -> tuple[str, ...]:
        """Every id, in the order in which it was last written."""
        return self._state.ids()

    def vectors_of(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of these ids, shape (ids, dim).

        Raises:
            UsageError: an id is not in the index.
        """
        return self._state.vectors_of(ids)

    def add(self, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Add new rows: ``vectors`` has shape (ids, dim). All of them appear to readers at once, or none.

        Raises:
            UsageError: an id is there already or twice in the call, or the vectors do not fit or are not finite.
        """
        with self._writing:
            self._state = self._state.with_added(ids, vectors)

    def update(self, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Give these ids new vectors; ids not there yet are added. Readers see the old rows or the new, never neither.

        Raises:
            UsageError: an id is twice in the call, or the vectors have another shape or are not finite.
        """
        with self._writing:
            self._state = self._state.without(ids).with_added(ids, vectors)

    def delete(self, ids: Iterable[str]) -> int:
        """Remove these ids and say how many were there."""
        with self._writing:
            before = len(self._state)
            self._state = self._state.without(ids)
            return before - len(self._state)

    def search(self, vectors: NDArray[np.float32], k: int) -> list[list[Hit]]:
        """The ``k`` rows with the largest inner product, best first, for each query of shape (queries, dim).

        Fewer than ``k`` come back when the index has fewer. The order of equal scores is not defined.

        Raises:
            UsageError: the queries have another shape or are not finite, or ``k`` is less than 1.
        """
        return self._state.search(vectors, k)

    def save(self, folder: Path) -> None:
        """Write the present content to ``folder``, whole or not at all; the folder may hold an older save.

        Raises:
            StorageError: the folder cannot be written.
        """
        state = self._state
        save_snapshot(folder, KIND, {"dim": state.dim}, state.to_arrays())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what ``save`` wrote.

        Raises:
            StorageError: there is no vector index in the folder.
            ModelDamaged: a file is missing or was changed; names it.
        """
        snapshot = load_snapshot(folder, KIND)
        index = cls(int(snapshot.facts["dim"]))
        index._state = VectorState.from_arrays(snapshot.arrays)
        return index


def _checked_rows(ids: Sequence[str], vectors: NDArray[np.float32], dim: int) -> NDArray[np.float32]:
    rows = _checked_vectors(vectors, dim)
    if len(rows) != len(ids):
        raise UsageError("Each id needs one vector", seen=f"{len(ids)} ids, {len(rows)} vectors")
    if len(set(ids)) != len(ids):
        twice = Counter(ids).most_common(1)[0][0]
        raise UsageError("An id may stand only once in a call", seen=repr(twice))
    return rows


def _checked_vectors(vectors: NDArray[np.float32], dim: int) -> NDArray[np.float32]:
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    if rows.ndim != 2 or rows.shape[1] != dim:
        raise UsageError(f"Vectors must have the shape (n, {dim})", seen=str(rows.shape))
    if not np.isfinite(rows).all():
        raise UsageError("Vectors must hold finite numbers", seen="NaN or infinity")
    return rows
