"""What a cheap classifier says of each row that it has not learned from. Imports torch: import it lazily."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from portside.inference.classifier import softmax
from portside.training.closed_form import best_temperature
from portside.training.discriminant import linear_discriminant
from portside.training.holdout import folds

__all__ = ["cross_predict", "learning_curve"]

FOLDS = 5
SHARES = (1 / 8, 1 / 4, 1 / 2, 1.0)
"""Of the rows to learn from: each twice the one before."""


def cross_predict(
    texts: Sequence[str], vectors: NDArray[np.float32], label_ids: NDArray[np.int64], labels: int, *, seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Places of the rows that were asked about, and probabilities, shape (asked, labels).

    A linear discriminant on the vectors of the frozen encoder, shape (rows, width), five times trained on four fifths.
    A row whose text stands in another fold too, or that is the only one of its label, is not asked about.
    """
    asked, logits = [], []
    for train, valid in folds(texts, label_ids.tolist(), FOLDS, seed=seed):
        weights, bias = linear_discriminant(vectors[train], label_ids[train], labels)
        asked.append(np.asarray(valid, dtype=np.int64))
        logits.append(vectors[valid] @ weights.T + bias)
    if not asked:
        return np.zeros(0, dtype=np.int64), np.zeros((0, labels))
    places, found = np.concatenate(asked), np.concatenate(logits)
    order = np.argsort(places)
    places, found = places[order], found[order]
    return places, softmax(found / best_temperature(found, label_ids[places]))


def learning_curve(
    texts: Sequence[str], vectors: NDArray[np.float32], label_ids: NDArray[np.int64], labels: int, *, seed: int = 0
) -> list[tuple[int, NDArray[np.bool_]]]:
    """For each of ``SHARES``: rows that were learned from, and whether each row that was asked about came out right.

    The same classifier and folds as above, and the same rows asked about for every share.
    """
    random = np.random.default_rng(seed)
    parts = [
        (random.permutation(np.asarray(train)), np.asarray(valid))
        for train, valid in folds(texts, label_ids.tolist(), FOLDS, seed=seed)
    ]
    out = []
    for share in SHARES:
        right, rows = [], 0
        for train, valid in parts:
            some = train[: max(2, round(share * len(train)))]
            weights, bias = linear_discriminant(vectors[some], label_ids[some], labels)
            right.append((vectors[valid] @ weights.T + bias).argmax(axis=1) == label_ids[valid])
            rows += len(some)
        if right:
            out.append((rows // len(parts), np.concatenate(right)))
    return out
