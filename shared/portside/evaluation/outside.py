"""How far a text is from everything the model was trained on: scores by which texts from outside are told apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from portside.errors import UsageError
from portside.evaluation.scored import Scored
from portside.evaluation.significance import Estimate
from portside.inference.classifier import softmax
from portside.inference.outside_gate import InsideReading, energy, fit_reading
from portside.tasks.classification import OUTSIDE_SHARE

__all__ = [
    "BY_LOGITS",
    "METHODS",
    "OutsideDetector",
    "OutsideGate",
    "Separation",
    "choose_method",
    "fit_detector",
    "fit_gate",
    "outside_scores",
    "separation",
    "separation_intervals",
]

MOST_NEIGHBOURS_KEPT = 5_000
"""Training rows kept for the nearest-neighbour score: a few megabytes."""
NEIGHBOURS = 5
ROWS_AT_ONCE = 512
RESAMPLES = 1_000
CAUGHT = 0.95
"""Share of texts from outside that is caught where false alarms are counted."""


@dataclass(frozen=True)
class OutsideDetector:
    """What the features of the training rows look like."""

    means: NDArray[np.float32]
    """Of each label's rows, whitened: shape (labels, width)."""
    whitening: NDArray[np.float32]
    """Turns features into ones whose covariance within a label is the identity, shape (hidden, width)."""
    neighbours: NDArray[np.float32]
    """Training rows' features, of length 1, shape (kept, hidden)."""

    def scores(self, scored: Scored, method: str) -> NDArray[np.float64]:
        """Higher is further outside, shape (n,).

        Raises:
            UsageError: no method of that name.
        """
        return outside_scores(scored, method, self)


def outside_scores(scored: Scored, method: str, detector: OutsideDetector | None = None) -> NDArray[np.float64]:
    """Higher is further outside, shape (n,). Those of ``BY_LOGITS`` need no detector.

    Raises:
        UsageError: no method of that name, or one that needs a detector without one.
    """
    if method not in METHODS or (detector is None and method not in BY_LOGITS):
        known = METHODS if detector is not None else BY_LOGITS
        raise UsageError("No such score", seen=method, remedy=f"Use one of: {', '.join(known)}")
    return METHODS[method](detector, scored)


def fit_detector(
    features: NDArray[np.float32], truth: NDArray[np.int64], labels: int, *, seed: int = 0
) -> OutsideDetector:
    """Learn from the features of training rows, shape (rows, hidden); ``truth`` are the places of their labels.

    One Gaussian a label with a shared covariance, shrunk as Ledoit and Wolf (2004) say. Source: Lee et al., "A Simple
    Unified Framework for Detecting Out-of-Distribution Samples", NeurIPS 2018.

    Raises:
        UsageError: there are no rows.
    """
    from sklearn.covariance import LedoitWolf

    if not len(features):
        raise UsageError("What is inside is learned from rows", seen="none")
    wide = features.astype(np.float64)
    counts = np.bincount(truth, minlength=labels)
    means = np.zeros((labels, wide.shape[1]))
    np.add.at(means, truth, wide)
    means /= np.maximum(counts, 1)[:, None]
    covariance = LedoitWolf(assume_centered=True).fit(wide - means[truth]).covariance_
    values, vectors = np.linalg.eigh(covariance)
    whitening = vectors / np.sqrt(np.maximum(values, 1e-12 * values.max()))
    places = np.sort(np.random.default_rng(seed).permutation(len(wide))[:MOST_NEIGHBOURS_KEPT])
    present = counts > 0
    return OutsideDetector(
        (means[present] @ whitening).astype(np.float32), whitening.astype(np.float32), _unit(features[places])
    )


@dataclass(frozen=True)
class Separation:
    """How well a score tells texts from outside apart."""

    auroc: float
    """Chance that a text from outside gets the higher score of two."""
    false_alarms: float
    """Share of texts from inside that are taken for outside where 95 % of those from outside are caught (FPR95)."""
    inside: int
    outside: int


def separation(scores: NDArray[np.floating], inside: NDArray[np.bool_]) -> Separation:
    """Of ``scores``, higher is further outside, where ``inside`` is known; both of shape (n,).

    Raises:
        UsageError: all rows are from one side.
    """
    from scipy.stats import rankdata

    within, without = _both_sides(inside)
    ranks = rankdata(scores)
    auroc = (ranks[~inside].sum() - without * (without + 1) / 2) / (within * without)
    # The highest threshold that still catches its share.
    threshold = np.sort(scores[~inside])[::-1][int(np.ceil(CAUGHT * without)) - 1]
    return Separation(float(auroc), float((scores[inside] >= threshold).mean()), within, without)


def separation_intervals(
    scores: NDArray[np.floating], inside: NDArray[np.bool_], *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Estimate, Estimate]:
    """AUROC and FPR95 of ``separation`` with their percentile intervals (Efron 1979).

    Rows of either side are drawn anew with replacement, as many of each as there are.

    Raises:
        UsageError: all rows are from one side.
    """
    within, without = _both_sides(inside)
    near, far, random = scores[inside], scores[~inside], np.random.default_rng(seed)
    sides = np.repeat([True, False], [within, without])
    found = []
    for _ in range(resamples):
        drawn = np.concatenate([random.choice(near, within), random.choice(far, without)])
        one = separation(drawn, sides)
        found.append((one.auroc, one.false_alarms))
    whole, (low, high) = separation(scores, inside), np.quantile(found, [0.025, 0.975], axis=0)
    return (
        Estimate(whole.auroc, float(low[0]), float(high[0])),
        Estimate(whole.false_alarms, float(low[1]), float(high[1])),
    )


def _both_sides(inside: NDArray[np.bool_]) -> tuple[int, int]:
    within, without = int(inside.sum()), int((~inside).sum())
    if not within or not without:
        raise UsageError(
            "Telling inside from outside is measured on texts of both", seen=f"{within} inside, {without} outside"
        )
    return within, without


def choose_method(detector: OutsideDetector | None, valid: Scored) -> str:
    """The score that tells validation rows from inside and outside apart best; without both, the probability.

    Without a detector of those that need none.

    The others can be much worse where the texts from outside are close relatives of those inside.
    """
    if valid.inside.all() or not valid.inside.any():
        return "max-softmax"
    known = BY_LOGITS if detector is None else tuple(METHODS)
    return max(known, key=lambda name: separation(outside_scores(valid, name, detector), valid.inside).auroc)


@dataclass(frozen=True)
class OutsideGate:
    """A score, and how it is read; both fixed on validation rows before any other row is seen."""

    method: str
    threshold: float
    """Texts with a higher score are taken for ones from outside."""
    false_alarms: float
    """Share of validation rows from inside that were."""
    reading: InsideReading

    def inside_probability(self, detector: OutsideDetector | None, scored: Scored) -> NDArray[np.float64]:
        """Chance that each text is from inside, shape (n,). Times the confidence, that of the answer being right."""
        return self.reading.inside(outside_scores(scored, self.method, detector))


def fit_gate(
    detector: OutsideDetector | None, valid: Scored, *, method: str, outside_share: float = OUTSIDE_SHARE
) -> OutsideGate:
    """Read ``method``'s score as a probability, for a use in which ``outside_share`` of the texts are from outside.

    Raises:
        UsageError: the validation rows are all from one side.
    """
    scores, outside = outside_scores(valid, method, detector), ~valid.inside
    if outside.all() or not outside.any():
        raise UsageError(
            "Inside and outside are learned from validation rows of both",
            seen=f"{int(valid.inside.sum())} inside, {int(outside.sum())} outside",
        )
    reading = fit_reading(scores[~outside], scores[outside], share=outside_share)
    threshold = float(np.quantile(scores[~outside], CAUGHT))
    return OutsideGate(method, threshold, float((scores[~outside] > threshold).mean()), reading)


def _softmax(_detector: OutsideDetector | None, scored: Scored) -> NDArray[np.float64]:
    return np.asarray(1.0 - softmax(scored.logits).max(axis=1))


def _energy(_detector: OutsideDetector | None, scored: Scored) -> NDArray[np.float64]:
    return energy(scored.logits)


def _mahalanobis(detector: OutsideDetector | None, scored: Scored) -> NDArray[np.float64]:
    assert detector is not None
    white = scored.features @ detector.whitening
    squares = np.square(detector.means).sum(axis=1)
    out = np.empty(len(white))
    for start in range(0, len(white), ROWS_AT_ONCE):
        part = white[start : start + ROWS_AT_ONCE]
        distances = np.square(part).sum(axis=1)[:, None] - 2 * part @ detector.means.T + squares
        out[start : start + ROWS_AT_ONCE] = distances.min(axis=1)
    return out


def _neighbours(detector: OutsideDetector | None, scored: Scored) -> NDArray[np.float64]:
    assert detector is not None
    # Sun et al., "Out-of-Distribution Detection with Deep Nearest Neighbors", ICML 2022.
    unit, k = _unit(scored.features), min(NEIGHBOURS, len(detector.neighbours))
    out = np.empty(len(unit))
    for start in range(0, len(unit), ROWS_AT_ONCE):
        likeness = unit[start : start + ROWS_AT_ONCE] @ detector.neighbours.T
        out[start : start + ROWS_AT_ONCE] = 1.0 - np.partition(likeness, -k, axis=1)[:, -k]
    return out


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)


METHODS: Mapping[str, Callable[[OutsideDetector | None, Scored], NDArray[np.float64]]] = {
    "max-softmax": _softmax,
    "energy": _energy,
    "nearest-neighbours": _neighbours,
    "mahalanobis": _mahalanobis,
}
BY_LOGITS = ("max-softmax", "energy")
"""Methods that need no training rows."""
