"""What a cheap classifier of several labels says of each row that it has not learned from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from portside.inference.multilabel import sigmoid
from portside.training.discriminant import Head
from portside.training.holdout import folds

__all__ = ["cross_predict_sets", "one_against_rest", "rarest_labels"]

FOLDS = 5
SHRINKAGE = 0.1
"""Share of the identity in the covariance, as for one label a text."""
ROWS_MANY = 20_000
"""Rows from which on the divisor is looked for on a part of them."""
DIVISORS = tuple(float(value) for value in np.geomspace(0.05, 20.0, 49))


def cross_predict_sets(
    texts: Sequence[str], vectors: NDArray[np.float32], truth: NDArray[np.bool_], *, seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Places of the rows that were asked about, and probabilities of each label by itself, shape (asked, labels).

    Linear discriminants on the vectors of the frozen encoder, shape (rows, width), one for each label, five times
    trained on four fifths; ``truth``, shape (rows, labels), says which rows have which labels. A row whose text stands
    in another fold too, or whose rarest label no other row has, is not asked about.
    """
    asked, logits = [], []
    for train, valid in folds(texts, rarest_labels(truth).tolist(), FOLDS, seed=seed):
        weights, bias = one_against_rest(vectors[train], truth[train])
        asked.append(np.asarray(valid, dtype=np.int64))
        logits.append(vectors[valid] @ weights.T + bias)
    if not asked:
        return np.zeros(0, dtype=np.int64), np.zeros((0, truth.shape[1]))
    places, found = np.concatenate(asked), np.concatenate(logits)
    order = np.argsort(places)
    places, found = places[order], found[order]
    return places, sigmoid(found / _best_divisor(found, truth[places]))


def rarest_labels(truth: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each row the place of that of its labels which the fewest rows have; the number of labels for none."""
    counts = np.append(truth.sum(axis=0), len(truth) + 1)
    padded = np.column_stack([truth, np.ones(len(truth), dtype=bool)])
    return np.asarray(np.where(padded, counts, len(truth) + 2).argmin(axis=1), dtype=np.int64)


def one_against_rest(vectors: NDArray[np.float32], truth: NDArray[np.bool_]) -> Head:
    """Weights (labels, width) and bias (labels,): for each label the linear discriminant of its rows from the others.

    All share one inverse: within the two groups of a label, rows are spread as all rows are less what lies between the
    groups' means, a matrix of rank one, which Sherman and Morrison's formula takes out of the inverse.
    """
    wide, has = vectors.astype(np.float64), truth.astype(np.float64)
    rows, width = wide.shape
    counts = has.sum(axis=0)
    share = np.clip(counts, 0.5, rows - 0.5) / rows
    total = wide.sum(axis=0)
    inside = has.T @ wide / np.maximum(counts, 1.0)[:, None]
    outside = (total - has.T @ wide) / np.maximum(rows - counts, 1.0)[:, None]
    # A label that all rows have, or none, is told by nothing but its prior.
    apart = np.where(((counts > 0) & (counts < rows))[:, None], inside - outside, 0.0)
    centred = wide - total / rows
    covariance = (1.0 - SHRINKAGE) * centred.T @ centred / rows
    covariance[np.diag_indices(width)] += SHRINKAGE * np.trace(covariance) / width + 1e-9
    solved = np.linalg.solve(covariance, apart.T).T
    taken = (1.0 - SHRINKAGE) * share * (1.0 - share) * (solved * apart).sum(axis=1)
    weights = solved / np.maximum(1.0 - taken, 1e-3)[:, None]
    return weights, np.log(share / (1.0 - share)) - 0.5 * (weights * (inside + outside)).sum(axis=1)


def _best_divisor(logits: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """The divisor of ``logits`` under which ``truth`` is likeliest, both (rows, labels)."""
    some = slice(None, None, 1 + len(logits) // ROWS_MANY)
    signed = np.where(truth[some], logits[some], -logits[some])

    def surprise(divisor: float) -> float:
        return float(np.logaddexp(0.0, -signed / divisor).mean())

    return min(DIVISORS, key=surprise)
