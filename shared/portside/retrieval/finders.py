"""Ways to search one large table of vectors: all of it, along a graph, or by coded cells and then exactly.

The approximate ones are built beside the exact one and measured against it on the same rows before they take its
place. All of them give exact inner products: only which rows are looked at differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Finder", "FlatFinder", "HnswFinder", "IvfPqFinder", "Kind", "living", "read_finder"]

Kind = Literal["flat", "hnsw", "ivf-pq"]
Found = tuple[NDArray[np.float32], NDArray[np.int64]]
"""Scores and rows, both of shape (queries, k), best first; row -1: nothing more was found."""


class Finder(Protocol):
    """Searches a table of vectors that never changes. Safe to share between threads."""

    @property
    def kind(self) -> Kind:
        """How it searches."""
        ...

    @property
    def vectors(self) -> NDArray[np.float32]:
        """The table, shape (rows, dim): a view, not to be written to."""
        ...

    @property
    def effort(self) -> int:
        """How much is looked at for ten results; more finds more. 0 where all is."""
        ...

    def search(self, queries: NDArray[np.float32], k: int, selector: Any = None) -> Found:
        """The ``k`` rows with the largest inner product, among those that ``selector`` (see ``living``) lets pass."""
        ...

    def with_effort(self, effort: int) -> Finder:
        """The same, looking at more or less."""
        ...

    def to_bytes(self, alive: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """What ``read_finder`` needs beside the vectors; nothing of the rows that are not ``alive`` is in it."""
        ...


def living(alive: NDArray[np.bool_]) -> Any:
    """A FAISS selector of the rows where ``alive`` is true."""
    import faiss

    # FAISS replaces these constructors at import by ones that type checkers do not see.
    make: Any = faiss
    return make.IDSelectorBitmap(np.packbits(alive, bitorder="little"))


@dataclass(frozen=True, eq=False)
class FlatFinder:
    """Looks at every row."""

    index: Any
    """A ``faiss.IndexFlatIP``."""
    kind: Kind = "flat"
    effort: int = 0

    @classmethod
    def build(cls, vectors: NDArray[np.float32]) -> FlatFinder:
        """Copies ``vectors``, shape (rows, dim)."""
        import faiss

        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        return cls(index)

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        return _flat_view(self.index)

    def search(self, queries: NDArray[np.float32], k: int, selector: Any = None) -> Found:
        import faiss

        make: Any = faiss
        params = None if selector is None else make.SearchParameters(sel=selector)
        scores, rows = self.index.search(queries, k, params=params)
        return scores, rows

    def with_effort(self, effort: int) -> FlatFinder:
        return self

    def to_bytes(self, alive: NDArray[np.bool_]) -> NDArray[np.uint8]:
        return np.zeros(0, dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class HnswFinder:
    """Walks a graph of neighbours. Source: Malkov and Yashunin, "Hierarchical Navigable Small World graphs", 2018."""

    index: Any
    """A ``faiss.IndexHNSW`` over a flat index."""
    effort: int
    """Rows kept in view while walking (efSearch)."""
    flat: Any = None
    """Its flat index, where it does not own it itself."""
    kind: Kind = "hnsw"

    LINKS = 32
    """Of a row on the lowest layer are twice as many: what recall of .99 takes among millions of sentences."""
    BUILD_EFFORT = 100
    START_EFFORT = 64

    @classmethod
    def build(cls, vectors: NDArray[np.float32]) -> HnswFinder:
        """Copies ``vectors``, shape (rows, dim)."""
        import faiss

        index = faiss.IndexHNSWFlat(vectors.shape[1], cls.LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = cls.BUILD_EFFORT
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        return cls(index, cls.START_EFFORT)

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        import faiss

        return _flat_view(faiss.downcast_index(self.index.storage) if self.flat is None else self.flat)

    def search(self, queries: NDArray[np.float32], k: int, selector: Any = None) -> Found:
        import faiss

        make: Any = faiss
        params = make.SearchParametersHNSW(efSearch=max(self.effort, 2 * k), sel=selector)
        scores, rows = self.index.search(queries, k, params=params)
        return scores, rows

    def with_effort(self, effort: int) -> HnswFinder:
        return HnswFinder(self.index, effort, self.flat)

    def to_bytes(self, alive: NDArray[np.bool_]) -> NDArray[np.uint8]:
        import faiss

        # Links between rows only: a dead one is still walked past.
        return np.asarray(faiss.serialize_index(self.index, faiss.IO_FLAG_SKIP_STORAGE))


@dataclass(frozen=True, eq=False)
class IvfPqFinder:
    """Reads the codes of the nearest cells, then compares the likeliest rows exactly; the vectors may lie on disk.

    Source: Jégou, Douze and Schmid, "Product Quantization for Nearest Neighbor Search", 2011; codes of four bits as in
    André, Kermarrec and Le Scouarnec, "Quicker ADC", 2019.
    """

    index: Any
    """A ``faiss.IndexIVFPQFastScan``: 4 bits for 4 numbers."""
    vectors: NDArray[np.float32]
    effort: int
    """Cells read (nprobe)."""
    kind: Kind = "ivf-pq"

    START_EFFORT = 48
    COMPARED = 30
    """Rows compared exactly for each one asked for, and for ten at the least. With 10 it takes 128 of 2,000 cells to
    reach a recall of .95 among a million headlines, with 30 it takes 32."""
    ROWS_A_CENTRE = 40
    """Rows that cells and codes are learned from, for each cell: what k-means asks for at the least."""

    @classmethod
    def build(cls, vectors: NDArray[np.float32], *, seed: int = 0) -> IvfPqFinder:
        """Keeps ``vectors``, shape (rows, dim), and learns from a sample of them."""
        import faiss

        rows, dim = vectors.shape
        cells = max(1, int(2 * rows**0.5))
        index = faiss.index_factory(dim, f"IVF{cells},PQ{_parts(dim)}x4fs", faiss.METRIC_INNER_PRODUCT)
        random = np.random.default_rng(seed)
        sample = np.sort(random.choice(rows, min(rows, max(cells * cls.ROWS_A_CENTRE, 1_000)), replace=False))
        index.train(np.ascontiguousarray(vectors[sample]))
        for start in range(0, rows, _ROWS_AT_ONCE):
            index.add(np.ascontiguousarray(vectors[start : start + _ROWS_AT_ONCE]))
        return cls(index, vectors, cls.START_EFFORT)

    def search(self, queries: NDArray[np.float32], k: int, selector: Any = None) -> Found:
        import faiss

        make: Any = faiss
        params = make.SearchParametersIVF(nprobe=self.effort, sel=selector)
        _, near = self.index.search(queries, min(self.index.ntotal, max(k, 10) * self.COMPARED), params=params)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        rows = np.full((len(queries), k), -1, dtype=np.int64)
        for place, (query, line) in enumerate(zip(queries, near, strict=True)):
            kept = np.sort(line[line >= 0])  # the nearer in the file, the fewer pages are read
            exact = self.vectors[kept] @ query
            best = np.argsort(-exact)[:k]
            scores[place, : len(best)], rows[place, : len(best)] = exact[best], kept[best]
        return scores, rows

    def with_effort(self, effort: int) -> IvfPqFinder:
        return IvfPqFinder(self.index, self.vectors, min(effort, self.index.nlist))

    def to_bytes(self, alive: NDArray[np.bool_]) -> NDArray[np.uint8]:
        import faiss

        content = np.asarray(faiss.serialize_index(self.index))
        if alive.all():
            return content
        fresh: Any = faiss.deserialize_index(content)
        fresh.remove_ids(np.flatnonzero(~alive).astype(np.int64))
        return np.asarray(faiss.serialize_index(fresh))


def read_finder(kind: str, content: NDArray[np.uint8], vectors: NDArray[np.float32], effort: int) -> Finder:
    """What ``to_bytes`` gave, over the same vectors. ``content`` must be known to be ours: FAISS trusts it.

    Raises:
        ValueError: no such kind, or content and vectors do not belong together.
    """
    import faiss

    if kind == "flat":
        return FlatFinder.build(vectors)
    try:
        index: Any = faiss.deserialize_index(content)
    except RuntimeError as error:
        raise ValueError(f"no index: {error}") from error
    if index.ntotal > len(vectors) or index.d != vectors.shape[1]:
        raise ValueError(f"an index of {index.ntotal} rows with {len(vectors)} vectors")
    if kind == "hnsw":
        flat = FlatFinder.build(vectors).index
        index.storage, index.own_fields = flat, False
        return HnswFinder(index, effort, flat)
    if kind == "ivf-pq":
        return IvfPqFinder(index, vectors, effort)
    raise ValueError(f"no kind of index: {kind}")


_ROWS_AT_ONCE = 65_536


def _flat_view(index: Any) -> NDArray[np.float32]:
    import faiss

    flat = faiss.rev_swig_ptr(index.get_xb(), index.ntotal * index.d)
    view: NDArray[np.float32] = flat.reshape(index.ntotal, index.d)
    return view


def _parts(dim: int) -> int:
    """Codes of a vector: one for four numbers where they can be so divided."""
    return dim // next(size for size in (4, 8, 2, 3, 5, 1) if dim % size == 0)
