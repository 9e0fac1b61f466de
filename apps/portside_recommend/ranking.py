"""How items are scored for a user: four signals, each scaled to at most 1, weighted and added.

Pure: takes a shelf and a history as arrays, returns rows and parts of their scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from portside_recommend.choices import History
from portside_recommend.config import RankingWeights, RecommendConfig
from portside_recommend.shelf import Shelf

__all__ = ["SIGNALS", "Scores", "alike", "candidates", "diversify", "rank", "score", "signal", "votes", "weigh_history"]

SIGNALS = ("text", "together", "following", "popular")
FOLLOWING_DECAY = 0.5
"""Each step back halves what an item says of the next choice: that signal is about what comes right after."""
SILENT = 1e-3
"""A past item whose weight fell below this no longer changes a list."""


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of candidate rows, and what each signal gave them; all arrays have shape (candidates,)."""

    rows: NDArray[np.int64]
    total: NDArray[np.float32]
    parts: Mapping[str, NDArray[np.float32]]

    def take(self, places: NDArray[np.int64]) -> Scores:
        """Some of the candidates, in the order of ``places``."""
        return Scores(self.rows[places], self.total[places], {name: part[places] for name, part in self.parts.items()})


def weigh_history(history: History, decay: float) -> NDArray[np.float32]:
    """How much each past item counts: its event's weight, less for each step back; shape (liked,)."""
    return (history.weight * decay ** np.arange(len(history.items))).astype(np.float32)


def candidates(shelf: Shelf, history: History, config: RecommendConfig) -> NDArray[np.int64]:
    """Rows worth scoring: near in words to newest items, best by co-occurrence, most popular; none seen before."""
    found = [shelf.popular_order[: config.candidates_popular]]
    if len(history.items):
        seeds = shelf.vectors[history.items[: config.seeds]]
        hits = shelf.index.search(seeds, config.candidates_per_seed)
        # The index may hold an item that was added after this shelf was made.
        near = {hit.id for line in hits for hit in line}
        found.append(shelf.rows_of([each for each in near if each in shelf.rows]))
        weights = weigh_history(history, shelf.weights.decay)
        for matrix in (shelf.together, shelf.following):
            strength = _walk(matrix, history.items, weights)
            top = min(config.candidates_together, len(strength))
            best = np.argpartition(-strength, top - 1)[:top] if top else np.zeros(0, dtype=np.int64)
            found.append(best[strength[best] > 0])
    return np.setdiff1d(np.concatenate(found), history.seen)


def alike(vectors: NDArray[np.float32], history: NDArray[np.float32]) -> NDArray[np.float32]:
    """Likeness of candidates (candidates, dim) to past items (liked, dim), shape (candidates, liked); never below 0."""
    return np.asarray(np.maximum(vectors @ history.T, 0.0), dtype=np.float32)


def votes(likeness: NDArray[np.float32], weights: NDArray[np.float32], power: float) -> NDArray[np.float32]:
    """Past items vote for what is like them: sum of ``likeness ** power``, weighted; shape (candidates,).

    ``likeness`` has shape (candidates, liked), ``weights`` (liked,).
    """
    return np.asarray(_raised(likeness, power) @ weights, dtype=np.float32)


def _raised(values: NDArray[np.float32], power: float) -> NDArray[np.float32]:
    """``values ** power``; whole powers by repeated squaring, ten times as fast as the general case."""
    whole = round(power)
    if whole != power:
        return np.asarray(values**power, dtype=np.float32)
    out: NDArray[np.float32] | None = None
    while whole:
        if whole & 1:
            out = values if out is None else out * values
        whole >>= 1
        if whole:
            values = values * values
    return values if out is None else out


def signal(
    name: str,
    shelf: Shelf,
    history: History,
    rows: NDArray[np.int64],
    weights: RankingWeights,
    *,
    likeness: NDArray[np.float32] | NDArray[np.float16] | None = None,
) -> NDArray[np.float32]:
    """What one signal says of candidate ``rows``, at most 1 in size, shape (candidates,).

    ``likeness``, if it is known already, is ``alike`` of the rows and the whole history.
    """
    if name == "popular":
        return _scaled(shelf.popular[rows])
    steps = weigh_history(history, FOLLOWING_DECAY if name == "following" else weights.decay)
    loud = steps > SILENT
    liked, steps = history.items[loud], steps[loud]
    if name == "text":
        if likeness is None:
            known = alike(shelf.vectors[rows], shelf.vectors[liked])
        else:
            known = likeness[:, loud].astype(np.float32)
        return _scaled(votes(known, steps, weights.power))
    return _scaled(_walk(shelf.together if name == "together" else shelf.following, liked, steps)[rows])


def score(shelf: Shelf, history: History, rows: NDArray[np.int64], weights: RankingWeights | None = None) -> Scores:
    """Score candidate ``rows`` for a history."""
    weights = weights or shelf.weights
    loudness = {name: getattr(weights, name) for name in SIGNALS}
    parts = {
        name: (loud * signal(name, shelf, history, rows, weights)).astype(np.float32)
        for name, loud in loudness.items()
        if loud > 0
    }
    total = np.sum(list(parts.values()), axis=0, dtype=np.float32) if parts else np.zeros(len(rows), dtype=np.float32)
    return Scores(rows, np.asarray(total), parts)


def rank(scores: Scores, top: int) -> Scores:
    """The ``top`` best, best first; equal scores keep the order of rows, so that a list is the same each time."""
    return scores.take(np.argsort(-scores.total, kind="stable")[:top])


def diversify(scores: Scores, vectors: NDArray[np.float32], top: int, dial: float) -> Scores:
    """Choose ``top`` of ranked ``scores`` by maximal marginal relevance.

    ``vectors`` has shape (candidates, dim), row for row with ``scores``. At ``dial`` 0 the best scores win; at 1 only
    unlikeness to what is already in the list counts (after the best item, which always leads).
    """
    top = min(top, len(scores.rows))
    if dial <= 0 or top <= 1:
        return scores.take(np.arange(top))
    spread = max(float(scores.total.max() - scores.total.min()), 1e-9)
    worth = (scores.total - scores.total.min()) / spread
    chosen = [0]
    nearest = vectors @ vectors[0]
    free = np.ones(len(worth), dtype=bool)
    free[0] = False
    while len(chosen) < top:
        value = np.where(free, (1 - dial) * worth - dial * nearest, -np.inf)
        best = int(value.argmax())
        chosen.append(best)
        free[best] = False
        nearest = np.maximum(nearest, vectors @ vectors[best])
    return scores.take(np.array(chosen, dtype=np.int64))


def _walk(matrix: sp.csr_matrix[Any], rows: NDArray[np.int64], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """``weights @ matrix[rows]``, shape (items,)."""
    if len(rows) == 0:
        return np.zeros(matrix.shape[1], dtype=np.float32)
    step = sp.csr_matrix((weights, (np.zeros(len(rows), dtype=np.int64), rows)), shape=(1, matrix.shape[0]))
    return np.asarray((step @ matrix).todense(), dtype=np.float32).ravel()


def _scaled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    largest = float(np.abs(values).max()) if len(values) else 0.0
    return values / largest if largest > 0 else values
