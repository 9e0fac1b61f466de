"""Find by meaning: inner-product search over vectors with string ids, exact until the rows are many (``speed_up``).

Readers never wait: what they search is a ``VectorState`` that never changes. A writer makes the next state, which
shares almost everything with the last, and puts it in place in one step.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from portside.errors import ModelDamaged, UsageError
from portside.retrieval.finder_choice import SIZES, Sizes, build_finder
from portside.retrieval.finders import Kind
from portside.retrieval.hits import Hit
from portside.retrieval.segments import (
    LARGE_VECTORS,
    Segment,
    flat_segment,
    large_arrays,
    make_segment,
    merged,
    read_large,
)
from portside.retrieval.snapshots import REBUILD, load_snapshot, pack, save_snapshot, unpack

__all__ = ["Hit", "Replacement", "VectorIndex", "VectorState", "read_state"]

KIND = "vector"
SMALL_SEGMENT = 1_024
"""Rows up to which a segment is rebuilt rather than added to: copying so few costs less than searching one more."""
REBUILD_SHARE = 0.25
"""Share of rows written since a large segment was built from which it is built anew: below, looking at all of them
costs less than building."""
DEAD_SHARE = 0.25
"""Share of deleted rows from which a segment is rewritten: below, skipping them costs less than copying the rest."""


@dataclass(frozen=True, eq=False)
class VectorState:
    """The content of a vector index at one moment. Immutable: changes return the next state."""

    dim: int
    segments: tuple[Segment, ...] = ()
    """The first may be large and searched along a graph or by codes; the others are searched exactly."""

    def __len__(self) -> int:
        return sum(len(part.ids) - part.dead for part in self.segments)

    def __contains__(self, key: str) -> bool:
        return self._find(key) is not None

    def ids(self) -> tuple[str, ...]:
        """Every id, in the order in which it was last written."""
        return tuple(key for part in self.segments for key in part.living_ids())

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
        # about log2(n) times in its life. What took long to build is left alone.
        merge: list[Segment] = []
        kept = list(self.segments)
        size = len(ids)
        while kept and kept[-1].finder.kind == "flat" and len(kept[-1].ids) < max(2 * size, SMALL_SEGMENT):
            merge.insert(0, kept.pop())
            size += len(merge[0].ids)
        fresh = flat_segment(ids, rows)
        return VectorState(self.dim, (*kept, flat_segment(*merged([*merge, fresh])) if merge else fresh))

    def without(self, ids: Iterable[str]) -> VectorState:
        """The state without these ids; those it does not have are passed over."""
        gone: dict[int, list[int]] = {}
        for key in set(ids):
            found = self._find(key)
            if found is not None:
                gone.setdefault(found[0], []).append(found[1])
        if not gone:
            return self
        parts: list[Segment] = []
        for place, part in enumerate(self.segments):
            if place not in gone:
                parts.append(part)
                continue
            alive = part.alive.copy()
            alive[gone[place]] = False
            left = part.with_alive(alive)
            if left.dead == len(left.ids):
                continue
            crowded = left.dead > DEAD_SHARE * len(left.ids)
            parts.append(flat_segment(*merged([left])) if crowded else left)
        return VectorState(self.dim, tuple(parts))

    def _find(self, key: str) -> tuple[int, int] | None:
        for place, part in enumerate(self.segments):
            row = part.rows.get(key)
            if row is not None and part.alive[row]:
                return place, row
        return None

    def faster(self, *, sizes: Sizes = SIZES, queries: NDArray[np.float32] | None = None) -> Replacement | None:
        """All rows in one segment that is searched as so many are best; None where it would not be worth building.

        See ``VectorIndex.speed_up``.
        """
        kind = sizes.kind(len(self))
        first = self.segments[0] if self.segments else None
        if kind == "flat" or first is None:
            return None
        others = len(self) - (len(first.ids) - first.dead)
        if first.tried == kind and others <= max(sizes.flat, REBUILD_SHARE * len(first.ids)):
            return None
        ids, vectors = merged(self.segments)
        made = build_finder(vectors, kind, queries=queries)
        return Replacement(self.segments, make_segment(ids, made.finder, recall=made.recall, tried=kind))

    def with_replaced(self, done: Replacement) -> VectorState:
        """The state with ``done`` in place of what it was built of, whatever was written since."""
        alive = done.by.alive.copy()
        since = list(self.segments)
        place = 0
        for old in done.of:
            now = next((part for part in since if part.ids is old.ids), None)
            # What is no longer there was rewritten, so that its rows stand elsewhere by now.
            still = now.alive[old.alive] if now is not None else False
            count = len(old.ids) - old.dead
            alive[place : place + count] = still
            place += count
            if now is not None:
                since.remove(now)
        return VectorState(self.dim, (done.by.with_alive(alive), *since))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What ``from_arrays`` needs, as arrays that a snapshot can hold."""
        flat = [part for part in self.segments if part.finder.kind == "flat"]
        ids, whole = merged(flat) if flat else ([], np.empty((0, self.dim)))
        arrays: dict[str, NDArray[Any]] = {
            "vectors.npy": whole.astype(np.float32, copy=False),
            "vector_ids.npy": pack(ids),
        }
        for part in self.segments:
            if part.finder.kind != "flat":
                arrays |= large_arrays(part)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> VectorState:
        """The state that ``to_arrays`` wrote down.

        Raises:
            ValueError: the arrays do not belong together.
        """
        vectors, large = arrays["vectors.npy"], read_large(arrays)
        state = cls(vectors.shape[1], () if large is None else (large,))
        return state.with_added(unpack(arrays["vector_ids.npy"]), vectors)


@dataclass(frozen=True, eq=False)
class Replacement:
    """A segment built of the living rows of others, in their order."""

    of: tuple[Segment, ...]
    by: Segment


class VectorIndex:
    """Vectors by id. One writer at a time and any number of readers may share it between threads.

    Search is exact until ``speed_up`` was called on many rows, and of rows written since. Writing costs time in
    proportion to what is written, now and then more when segments are merged: write in batches.
    """

    def __init__(self, dim: int) -> None:
        if dim < 1:
            raise UsageError("A vector must have at least one number", seen=f"dim={dim}")
        self._state = VectorState(dim)
        self._writing = threading.Lock()
        self._building = threading.Lock()

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

    @property
    def kind(self) -> Kind:
        """How most of the rows are searched."""
        segments = self._state.segments
        return segments[0].finder.kind if segments else "flat"

    @property
    def recall(self) -> float:
        """Share of the ten nearest that was found when the way of searching was built; 1 where it is exact."""
        return min((part.recall for part in self._state.segments), default=1.0)

    def speed_up(self, *, sizes: Sizes = SIZES, queries: NDArray[np.float32] | None = None) -> bool:
        """Search many rows along a graph, very many by codes; says whether anything was built.

        Up to 20,000 rows nothing happens. Else what is built is measured with ``queries`` like those that will be
        asked, shape (n, dim), or with some of the rows, and goes into service in one step if it finds 99 % of the ten
        nearest along a graph, 97 % by codes. Takes seconds to minutes; meanwhile reading and writing go on.
        """
        with self._building:
            done = self._state.faster(sizes=sizes, queries=queries)
            if done is None:
                return False
            with self._writing:
                self._state = self._state.with_replaced(done)
            return True

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
        snapshot = load_snapshot(folder, KIND, mapped=(LARGE_VECTORS,))
        index = cls(int(snapshot.facts["dim"]))
        index._state = read_state(folder, snapshot.arrays)
        return index


def read_state(folder: Path, arrays: Mapping[str, NDArray[Any]]) -> VectorState:
    """``VectorState.from_arrays`` of a snapshot in ``folder``.

    Raises:
        ModelDamaged: the arrays do not belong together.
    """
    try:
        return VectorState.from_arrays(arrays)
    except (ValueError, KeyError, TypeError) as error:
        raise ModelDamaged("An index must be as it was saved", seen=f"{folder}: {error}", remedy=REBUILD) from error


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
