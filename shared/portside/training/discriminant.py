"""A linear head in closed form from what is known of each label's vectors: how many there are, their mean, how they
scatter around it. That adds up: labels and rows that come later give the head that all rows at once would have given.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["Head", "LabelStatistics", "linear_discriminant"]

FLOOR = 0.15
"""Least variance of a vector's parts, as a share of their mean square: a quarter of what a trained encoder has."""
TEMPERATURE = 3.0
"""The discriminant is surer than it is right; softened, it leaves fine-tuning something to say."""
SHRINKAGE = 0.1
"""Share of the identity in the covariance; from 0.05 to 0.5 little changes on held-out rows of the sample sets."""
FILE_NAME = "prototypes.safetensors"
Head = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Weights (labels, hidden) and bias (labels,)."""


@dataclass(frozen=True)
class LabelStatistics:
    """All that a linear discriminant needs of the rows it is made from."""

    counts: NDArray[np.float64]
    """Rows of each label, shape (labels,)."""
    means: NDArray[np.float64]
    """Of each label's vectors, shape (labels, hidden); zeros for a label without rows."""
    scatter: NDArray[np.float64]
    """Sum over all rows of the products of what they differ by from their label's mean, shape (hidden, hidden)."""
    squares: float
    """Sum of the squares of all vectors' parts."""

    @classmethod
    def of(cls, vectors: NDArray[np.float32], labels: NDArray[np.int64], count: int) -> Self:
        """Of ``vectors``, shape (rows, hidden), whose labels are places among ``count``."""
        counts = np.bincount(labels, minlength=count).astype(np.float64)
        means = np.zeros((count, vectors.shape[1]))
        np.add.at(means, labels, vectors.astype(np.float64))
        means /= np.maximum(counts, 1.0)[:, None]
        centred = vectors - means[labels]
        return cls(counts, means, centred.T @ centred, float(np.square(vectors, dtype=np.float64).sum()))

    def joined(self, later: LabelStatistics) -> LabelStatistics:
        """Of the rows of both; ``later`` has the same labels in the same order, and maybe more behind them.

        Source: Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances",
        1979.
        """
        added = len(later.counts) - len(self.counts)
        before = np.concatenate([self.counts, np.zeros(added)])
        means = np.concatenate([self.means, np.zeros((added, self.means.shape[1]))])
        counts = before + later.counts
        apart = later.means - means
        share = (later.counts / np.maximum(counts, 1.0))[:, None]
        between = (apart * before[:, None] * share).T @ apart
        # A label that gets no rows keeps its mean to the last bit: its share is 0.
        scatter = self.scatter + later.scatter + between
        return LabelStatistics(counts, means + share * apart, scatter, self.squares + later.squares)

    def without(self, gone: LabelStatistics) -> LabelStatistics:
        """Of the rows that are left when those of ``gone``, which are among them, are taken out: ``joined`` undone."""
        counts = self.counts - gone.counts
        if (counts < 0).any():
            raise ValueError("more rows of a label are gone than it had")
        share = (gone.counts / np.maximum(counts, 1.0))[:, None]
        # A label that loses no rows keeps its mean to the last bit: its share is 0.
        means = np.where(counts[:, None] > 0, self.means + share * (self.means - gone.means), 0.0)
        apart = gone.means - means
        between = (apart * (counts * gone.counts / np.maximum(self.counts, 1.0))[:, None]).T @ apart
        scatter = self.scatter - gone.scatter - between
        return LabelStatistics(counts, means, scatter, self.squares - gone.squares)

    def head(self) -> Head:
        """Fisher's linear discriminant: weights (labels, hidden) and bias (labels,).

        One Gaussian a label with a shared covariance, which is shrunk towards a multiple of the identity so that it
        can be inverted with fewer rows than dimensions. A label without rows gets the bias of half a row.
        """
        count, width = self.means.shape
        rows = float(self.counts.sum())
        means = self.means.copy()
        means[self.counts == 0] = self.counts @ self.means / rows
        covariance = (1.0 - SHRINKAGE) * self.scatter / max(rows - count, 1)
        # Vectors that hardly differ would get weights so large that rounding shows in the probabilities.
        floor = FLOOR * self.squares / rows / width
        covariance[np.diag_indices(width)] += SHRINKAGE * np.trace(covariance) / width + floor + 1e-9
        weights = np.linalg.solve(covariance, means.T).T
        prior = np.log(np.maximum(self.counts, 0.5) / rows)
        return weights / TEMPERATURE, (prior - 0.5 * (weights * means).sum(axis=1)) / TEMPERATURE

    def save(self, folder: Path) -> None:
        """Write them beside a model's weights."""
        from safetensors.numpy import save_file

        arrays: dict[str, NDArray[Any]] = {
            "counts": self.counts,
            "means": self.means,
            "scatter": self.scatter,
            "squares": np.array([self.squares]),
        }
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / FILE_NAME)

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """What ``save`` wrote; None where there is nothing that can be read."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            found = load_file(folder / FILE_NAME)
            return cls(found["counts"], found["means"], found["scatter"], float(found["squares"][0]))
        except (OSError, KeyError, IndexError, SafetensorError):
            return None


def linear_discriminant(vectors: NDArray[np.float32], labels: NDArray[np.int64], count: int) -> Head:
    """The head of ``LabelStatistics``: weights (count, hidden) and bias (count,) from ``vectors``, (rows, hidden)."""
    return LabelStatistics.of(vectors, labels, count).head()
