"""Whether a text is unlike everything a classifier learned, and the chance that none of its labels fits.

Both by the energy of its logits, at no cost beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FALSE_ALARMS",
    "FEWEST",
    "FEWEST_OUTSIDE",
    "EnergyGate",
    "InsideReading",
    "energy",
    "fit_energy_gate",
    "fit_reading",
    "read_gate",
]

FALSE_ALARMS = 0.05
"""Share of the texts that have one of the labels which may be taken for ones from outside."""
FEWEST = 40
"""Rows from which a threshold is set: at fewer, one in twenty is one or two texts."""
FEWEST_OUTSIDE = 20
"""Texts from outside from which their chance is learned."""
OPTION = "outside"
"""Where a model's file keeps it."""


def energy(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Higher is further outside; ``logits`` of shape (n, labels), the result of shape (n,).

    Source: Liu et al., "Energy-based Out-of-distribution Detection", NeurIPS 2020.
    """
    wide = logits.astype(np.float64)
    top = wide.max(axis=1)
    return np.asarray(-(top + np.log(np.exp(wide - top[:, None]).sum(axis=1))))


@dataclass(frozen=True)
class InsideReading:
    """A score, such as the energy, read as the chance that the text has one of the labels; learned from texts of both
    kinds.
    """

    centre: float
    scale: float
    slope: float
    intercept: float
    """The log-odds of having none of the labels are slope · (score - centre) / scale + intercept."""
    share: float
    """Of texts with none of the labels among those that will be asked, as was assumed."""
    n: int
    """Texts with none of the labels that it was learned from."""

    def inside(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """Chance that each text has one of the labels, shape (n,)."""
        odds = self.slope * (scores - self.centre) / self.scale + self.intercept
        return np.asarray(1.0 / (1.0 + np.exp(np.clip(odds, -50, 50))), dtype=np.float64)


def fit_reading(inside: NDArray[np.floating], outside: NDArray[np.floating], *, share: float) -> InsideReading:
    """From the scores of texts with one of the labels, shape (n,), and with none, shape (m,): some of either. The model
    has learned from none of them.

    ``share`` of the texts that will be asked have none: of those at hand as many do as somebody happened to collect.
    Source of the logistic reading: Platt, "Probabilistic Outputs for Support Vector Machines", 1999.
    """
    from sklearn.linear_model import LogisticRegression

    scores = np.concatenate([inside, outside]).astype(np.float64)
    strange = np.repeat([False, True], [len(inside), len(outside)])
    centre, scale = float(scores.mean()), float(scores.std()) or 1.0
    weights = np.where(strange, share / strange.mean(), (1 - share) / (1 - strange.mean()))
    fitted = LogisticRegression().fit(((scores - centre) / scale)[:, None], strange, sample_weight=weights)
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    return InsideReading(centre, scale, slope, intercept, share, len(outside))


@dataclass(frozen=True)
class EnergyGate:
    """A threshold, fixed on validation rows before any other text is seen."""

    threshold: float
    """Texts of a higher energy are taken for ones from outside."""
    false_alarms: float
    """Share of the validation rows that were."""
    n: int
    """Validation rows."""
    reading: InsideReading | None = None
    """For a model that was shown texts with none of its labels."""

    def outside(self, logits: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Which texts are unlike everything learned, shape (n,)."""
        return np.asarray(energy(logits) > self.threshold)

    def inside(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Chance that each text has one of the labels, shape (n,); 1 where that was not learned."""
        return np.ones(len(logits)) if self.reading is None else self.reading.inside(energy(logits))

    def to_options(self) -> dict[str, Any]:
        """As a model's file keeps it; ``read_gate`` reads it."""
        return {OPTION: asdict(self)}


def fit_energy_gate(
    logits: NDArray[np.floating],
    *,
    false_alarms: float = FALSE_ALARMS,
    outside: NDArray[np.floating] | None = None,
    share: float | None = None,
) -> EnergyGate | None:
    """From the logits of rows that the model has not learned from, shape (n, labels); None for fewer than ``FEWEST``.

    The threshold needs no text from outside, so none is favoured. From the logits of some, ``outside``, shape (m,
    labels), the chance of being one is learned, for a use in which ``share`` of the texts are (None: as many as here);
    from fewer than ``FEWEST_OUTSIDE`` it is not.
    """
    if len(logits) < FEWEST:
        return None
    scores = energy(logits)
    threshold = float(np.quantile(scores, 1 - false_alarms, method="higher"))
    reading = None
    if outside is not None and len(outside) >= FEWEST_OUTSIDE:
        here = len(outside) / (len(outside) + len(scores))
        reading = fit_reading(scores, energy(outside), share=here if share is None else share)
    return EnergyGate(threshold, float((scores > threshold).mean()), len(scores), reading)


def read_gate(options: Mapping[str, Any]) -> EnergyGate | None:
    """What ``to_options`` gave; None for a model that has none, or one that cannot be read."""
    try:
        kept = options[OPTION]
        numbers = float(kept["threshold"]), float(kept["false_alarms"]), int(kept["n"])
    except (KeyError, TypeError, ValueError):
        return None
    return EnergyGate(*numbers, _read_reading(kept.get("reading")))


def _read_reading(kept: Any) -> InsideReading | None:
    """None for a model that was shown no text from outside, as those of earlier releases."""
    try:
        numbers = {name: float(kept[name]) for name in ("centre", "scale", "slope", "intercept", "share")}
        return InsideReading(**numbers, n=int(kept["n"]))
    except (KeyError, TypeError, ValueError):
        return None
