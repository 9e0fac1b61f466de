"""Everything that scoring needs, in memory and aligned: row ``r`` of every part is the same item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from portside.retrieval.vectors import VectorIndex
from portside_recommend.config import RankingWeights
from portside_recommend.records import Item

__all__ = ["Shelf", "align", "empty_shelf"]


@dataclass(frozen=True, eq=False)
class Shelf:
    """The catalogue at one moment. Never changed; what changes makes the next one."""

    items: tuple[Item, ...]
    vectors: NDArray[np.float32]
    """Of the items' words, shape (items, dim), length 1."""
    index: VectorIndex
    """The same vectors by item id, for fast search."""
    together: sp.csr_matrix[Any]
    following: sp.csr_matrix[Any]
    popular: NDArray[np.float32]
    weights: RankingWeights
    model: str
    """Which encoder made the vectors."""
    users: int = 0
    """How many users' choices the behaviour was learned from."""

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """Item id -> row."""
        return {item.item_id: row for row, item in enumerate(self.items)}

    @cached_property
    def categories(self) -> NDArray[np.str_]:
        """Category of each row, shape (items,)."""
        return np.array([item.category for item in self.items], dtype=np.str_)

    @cached_property
    def popular_order(self) -> NDArray[np.int64]:
        """Rows, the most popular first; among equals the newest in the catalogue first."""
        added = np.array([item.added_at.timestamp() if item.added_at else 0.0 for item in self.items])
        return np.lexsort((-added, -self.popular)) if len(self.items) else np.zeros(0, dtype=np.int64)

    def rows_of(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Rows of those ids that are in the catalogue, in the order given."""
        return np.array([self.rows[each] for each in ids if each in self.rows], dtype=np.int64)

    def with_weights(self, weights: RankingWeights) -> Shelf:
        """The same catalogue, scored otherwise."""
        return replace(self, weights=weights)


def align(matrix: sp.csr_matrix[Any], rows: NDArray[np.int64], size: int) -> sp.csr_matrix[Any]:
    """``matrix`` over other rows: its row and column ``i`` become ``rows[i]``; below 0: no longer in the catalogue."""
    coo = matrix.tocoo()
    row, column = rows[coo.row], rows[coo.col]
    there = (row >= 0) & (column >= 0)
    return sp.csr_matrix((coo.data[there], (row[there], column[there])), shape=(size, size))


def empty_shelf(dim: int, model: str, weights: RankingWeights) -> Shelf:
    """A catalogue without items."""
    nothing: sp.csr_matrix[Any] = sp.csr_matrix(np.zeros((0, 0), dtype=np.float32))
    none = np.zeros(0, dtype=np.float32)
    return Shelf((), np.zeros((0, dim), dtype=np.float32), VectorIndex(dim), nothing, nothing, none, weights, model)
