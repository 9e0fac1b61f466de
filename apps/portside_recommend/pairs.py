"""Which two items the encoder is told are alike: items that one user chose close to each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from portside_recommend.choices import Choices
from portside_recommend.config import EncoderConfig

__all__ = ["PairPool", "false_negatives", "pool_pairs"]


class PairPool:
    """Pairs of items to draw from, each with its weight."""

    def __init__(self, first: NDArray[np.int64], second: NDArray[np.int64], weight: NDArray[np.float64]) -> None:
        self.first, self.second = first, second
        self._steps = np.cumsum(weight)

    def __len__(self) -> int:
        return len(self.first)

    def draw(self, count: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """``count`` pairs by weight, with replacement, either item first: two arrays of shape (count,)."""
        places = np.searchsorted(self._steps, rng.random(count) * self._steps[-1], side="right")
        places = np.minimum(places, len(self.first) - 1)
        turned = rng.random(count) < 0.5
        first, second = self.first[places], self.second[places]
        return np.where(turned, second, first), np.where(turned, first, second)


def pool_pairs(
    choices: Choices, texts: NDArray[np.int64], likeness: sp.csr_matrix[Any], config: EncoderConfig
) -> PairPool:
    """Every two choices of a user at most ``window`` steps apart, weighted by how surely they belong together.

    Baskets are full of strangers: a pair counts by the cosine of its items' users, shrunk where few users chose both,
    and less the more popular its items are. ``texts`` numbers the items by their text, shape (items,): two items with
    the same text teach nothing. ``likeness`` is the cosine, shape (items, items).
    """
    firsts, seconds = [], []
    for step in range(1, config.window + 1):
        same = choices.user[step:] == choices.user[:-step]
        firsts.append(choices.item[:-step][same])
        seconds.append(choices.item[step:][same])
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    differ = texts[first] != texts[second]
    first, second = first[differ], second[differ]
    sizes = np.sqrt(choices.counts[first].astype(np.float64) * choices.counts[second])
    alike = np.asarray(likeness[first, second], dtype=np.float64).ravel() if len(first) else sizes
    both = alike * sizes  # users who chose the two
    weight = alike * both / (both + config.pair_shrinkage) * np.maximum(sizes, 1.0) ** (-2 * config.popularity_power)
    sure = weight > 0
    return PairPool(first[sure], second[sure], weight[sure])


def false_negatives(
    likeness: sp.csr_matrix[Any],
    texts: NDArray[np.int64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    *,
    above: float,
) -> NDArray[np.bool_]:
    """Which in-batch items are no negatives, shape (batch, batch): row anchor, column other pairs' second item.

    Those are items that are chosen together with the anchor, or have its text, or that of its own partner. The
    diagonal (the pair itself) is never marked.
    """
    together = np.asarray(likeness[first][:, second].todense()) > above
    same = (texts[first][:, None] == texts[second][None, :]) | (texts[second][:, None] == texts[second][None, :])
    marked = together | same
    np.fill_diagonal(marked, False)
    return np.asarray(marked, dtype=np.bool_)
