"""Whether a model is as sure as it is right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from portside.errors import UsageError
from portside.evaluation.intervals import wilson_of_groups
from portside.said import said

__all__ = ["BINS", "Calibration", "ReliabilityBin", "expected_calibration_error", "measure_calibration"]

BINS = 15
RESAMPLES = 500


@dataclass(frozen=True)
class ReliabilityBin:
    """Neighbours in confidence."""

    confidence: float
    """Their mean."""
    accuracy: float
    low: float
    """Of Wilson's 95 % interval of the accuracy."""
    high: float
    n: int


@dataclass(frozen=True)
class Calibration:
    """Confidence against accuracy on n rows."""

    bins: Sequence[ReliabilityBin]
    """Of equal mass, from the least to the most confident."""
    error: float
    """Expected calibration error over ``bins``: a share."""
    low: float
    """Of the error's 95 % bootstrap interval."""
    high: float
    confidence: float
    """Mean confidence."""
    accuracy: float
    n: int

    @property
    def sentence(self) -> str:
        """What it means for who reads a probability."""
        surest = self.bins[-1]
        return said(
            "Its probabilities are off by {points} percentage points on average (the expected calibration error); "
            "where it is surest it claims {claimed} % and is right in {right} % ({n} answers).",
            points=f"{100 * self.error:.1f}",
            claimed=f"{100 * surest.confidence:.0f}",
            right=f"{100 * surest.accuracy:.0f}",
            n=f"{surest.n:,}",
        )


def measure_calibration(
    confidence: NDArray[np.floating],
    right: NDArray[np.bool_],
    *,
    groups: NDArray[np.integer] | None = None,
    bins: int = BINS,
    seed: int = 0,
) -> Calibration:
    """Reliability of ``confidence``, the probability claimed for each answer, given whether it was ``right``.

    All of shape (n,): a classifier's answers, or the spans that a tagger found. ``groups`` are answers that are alike,
    as those to one text: the intervals allow for it.

    Raises:
        UsageError: there are no rows.
    """
    if not len(confidence):
        raise UsageError("Calibration is measured on rows", seen="none")
    order = np.argsort(confidence, kind="stable")
    claimed, hit = np.asarray(confidence, dtype=np.float64)[order], np.asarray(right, dtype=bool)[order]
    whose = None if groups is None else np.asarray(groups)[order]
    found = []
    for places in np.array_split(np.arange(len(claimed)), min(bins, len(claimed))):
        low, high = wilson_of_groups(hit[places], None if whose is None else whose[places])
        share = float(hit[places].mean())
        found.append(ReliabilityBin(float(claimed[places].mean()), share, low, high, len(places)))
    draws = _draws(len(claimed), whose, np.random.default_rng(seed))
    errors = [expected_calibration_error(claimed[draw], hit[draw], bins=bins) for draw in draws]
    low, high = (float(value) for value in np.quantile(errors, [0.025, 0.975]))
    error = expected_calibration_error(claimed, hit, bins=bins)
    # Resampling adds noise of its own to an error that cannot be negative: the interval must not leave it out.
    return Calibration(
        found, error, min(low, error), max(high, error), float(claimed.mean()), float(hit.mean()), len(claimed)
    )


def _draws(n: int, groups: NDArray[np.integer] | None, random: np.random.Generator) -> Iterator[NDArray[np.integer]]:
    """Places of the rows of each resample; whole groups are drawn (Field and Welsh, "Bootstrapping clustered data",
    J. R. Statist. Soc. B 2007).
    """
    if groups is None:
        yield from (random.integers(0, n, n) for _ in range(RESAMPLES))
        return
    names, whose = np.unique(groups, return_inverse=True)
    chances = np.full(len(names), 1 / len(names))
    for _ in range(RESAMPLES):
        yield np.repeat(np.arange(n), random.multinomial(len(names), chances)[whose])


def expected_calibration_error(
    confidence: NDArray[np.floating], right: NDArray[np.bool_], *, bins: int = BINS
) -> float:
    """Mean distance between confidence and accuracy over ``bins`` bins of equal mass.

    Source: Naeini et al., "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI 2015; equal mass as in
    Nixon et al., "Measuring Calibration in Deep Learning", 2019.
    """
    order = np.argsort(confidence, kind="stable")
    gaps = np.asarray(confidence, dtype=np.float64)[order] - np.asarray(right, dtype=np.float64)[order]
    parts = np.array_split(gaps, min(bins, len(gaps)))
    return float(sum(abs(part.sum()) for part in parts) / max(len(gaps), 1))
