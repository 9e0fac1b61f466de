"""What is learned from events without words: what goes together, what follows what, what is popular lately."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from portside_recommend.choices import Choices
from portside_recommend.config import BehaviourConfig

__all__ = ["Behaviour", "cosine", "ease", "fit_behaviour", "following", "keep_strongest", "popularity"]

DAY_MS = 86_400_000
ROWS_AT_ONCE = 2_000
"""Rows of a sparse product made dense at a time: bounds memory at rows x items."""


@dataclass(frozen=True, eq=False)
class Behaviour:
    """Item-to-item weights, shape (items, items), row: chosen before, column: to be scored; and popularity."""

    together: sp.csr_matrix[Any]
    following: sp.csr_matrix[Any]
    popular: NDArray[np.float32]
    """Users who chose each item lately, shape (items,)."""
    method: str
    """``ease`` or ``cosine``."""


def fit_behaviour(choices: Choices, config: BehaviourConfig, *, popular_days: float) -> Behaviour:
    """Learn all of it. EASE up to ``ease_max_items`` items: the better of the two, but cubic in their number."""
    exact = choices.items <= config.ease_max_items and len(choices.item) > 0
    return Behaviour(
        together=ease(choices, config) if exact else cosine(choices, neighbours=config.neighbours),
        following=following(choices, config),
        popular=popularity(choices, days=popular_days),
        method="ease" if exact else "cosine",
    )


def choice_matrix(choices: Choices) -> sp.csr_matrix[Any]:
    """1 where a user chose an item, shape (users, items)."""
    ones = np.ones(len(choices.item), dtype=np.float32)
    return sp.csr_matrix((ones, (choices.user, choices.item)), shape=(choices.users, choices.items))


def cosine(choices: Choices, *, neighbours: int) -> sp.csr_matrix[Any]:
    """Cosine of the users of two items, the ``neighbours`` strongest of each row; the diagonal is empty."""
    chosen = choice_matrix(choices)
    scale = sp.diags(1.0 / np.sqrt(np.maximum(choices.counts, 1)).astype(np.float32))
    scaled = (chosen @ scale).tocsr()
    by_item = scaled.T.tocsr()
    parts = []
    for start in range(0, choices.items, ROWS_AT_ONCE):
        block = np.asarray((by_item[start : start + ROWS_AT_ONCE] @ scaled).todense(), dtype=np.float32)
        rows = np.arange(block.shape[0])
        block[rows, start + rows] = 0.0
        parts.append(keep_strongest(block, neighbours))
    return sp.csr_matrix(sp.vstack(parts)) if parts else sp.csr_matrix(np.zeros((0, 0), dtype=np.float32))


def ease(choices: Choices, config: BehaviourConfig) -> sp.csr_matrix[Any]:
    """EASE (Steck 2019): the linear model of a user's items from their others, in closed form.

    Its weights may be negative: "has the red one already, does not need the blue one".
    """
    chosen = choice_matrix(choices)
    gram = np.asarray((chosen.T @ chosen).todense(), dtype=np.float64)
    users = max(len(np.unique(choices.user)), 1)
    gram[np.diag_indices_from(gram)] += config.ease_ridge * len(choices.item) / users
    inverse = np.linalg.inv(gram)
    weights = (-inverse / np.diag(inverse)[None, :]).astype(np.float32)
    np.fill_diagonal(weights, 0.0)
    weights[choices.counts == 0] = 0.0  # never chosen, nothing known
    return keep_strongest(weights, config.neighbours)


def following(choices: Choices, config: BehaviourConfig) -> sp.csr_matrix[Any]:
    """How often each item came within ``steps_back`` choices after another, as a share of the other's followers."""
    shape = (choices.items, choices.items)
    befores, afters, weights = [], [], []
    for step in range(1, config.steps_back + 1):
        same = choices.user[step:] == choices.user[:-step]
        befores.append(choices.item[:-step][same])
        afters.append(choices.item[step:][same])
        weights.append(np.full(int(same.sum()), 1.0 / step, dtype=np.float32))
    pairs = (np.concatenate(befores), np.concatenate(afters))
    total = sp.csr_matrix((np.concatenate(weights), pairs), shape=shape)
    # One is added to the number of followers: a single sighting is weak evidence.
    seen = np.asarray(total.sum(axis=1)).ravel()
    return sp.csr_matrix(sp.diags((1.0 / (seen + 1.0)).astype(np.float32)) @ total)


def popularity(choices: Choices, *, days: float) -> NDArray[np.float32]:
    """Users who chose each item in the last ``days`` before the newest choice, shape (items,).

    0 days, or events that have only an order, count all time.
    """
    item = choices.item
    if days > 0 and choices.timed and len(item):
        item = item[choices.at > choices.at.max() - days * DAY_MS]
    return np.bincount(item, minlength=choices.items).astype(np.float32)


def keep_strongest(weights: NDArray[np.float32], neighbours: int) -> sp.csr_matrix[Any]:
    """The ``neighbours`` entries of each row that are largest in size, as a sparse matrix of the same shape."""
    rows, columns = weights.shape
    if neighbours < columns:
        kept = np.argpartition(-np.abs(weights), neighbours, axis=1)[:, :neighbours]
    else:
        kept = np.tile(np.arange(columns), (rows, 1))
    values = np.take_along_axis(weights, kept, axis=1)
    row = np.repeat(np.arange(rows), kept.shape[1])
    matrix = sp.csr_matrix((values.ravel(), (row, kept.ravel())), shape=weights.shape)
    matrix.eliminate_zeros()
    matrix.sort_indices()
    return matrix
