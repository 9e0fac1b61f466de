"""Whether a text is unlike everything a classifier learned: by the energy of its logits, at no cost beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FALSE_ALARMS", "EnergyGate", "energy", "fit_energy_gate", "read_gate"]

FALSE_ALARMS = 0.05
"""Share of the texts that have one of the labels which may be taken for ones from outside."""
FEWEST = 40
"""Rows from which a threshold is set: at fewer, one in twenty is one or two texts."""
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
class EnergyGate:
    """A threshold, fixed on validation rows before any other text is seen."""

    threshold: float
    """Texts of a higher energy are taken for ones from outside."""
    false_alarms: float
    """Share of the validation rows that were."""
    n: int
    """Validation rows."""

    def outside(self, logits: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Which texts are unlike everything learned, shape (n,)."""
        return np.asarray(energy(logits) > self.threshold)

    def to_options(self) -> dict[str, Any]:
        """As a model's file keeps it; ``read_gate`` reads it."""
        return {OPTION: asdict(self)}


def fit_energy_gate(logits: NDArray[np.floating], *, false_alarms: float = FALSE_ALARMS) -> EnergyGate | None:
    """From the logits of rows that the model has not learned from, shape (n, labels); None for fewer than ``FEWEST``.

    No text from outside is needed, so none is favoured.
    """
    if len(logits) < FEWEST:
        return None
    scores = energy(logits)
    threshold = float(np.quantile(scores, 1 - false_alarms, method="higher"))
    return EnergyGate(threshold, float((scores > threshold).mean()), len(scores))


def read_gate(options: Mapping[str, Any]) -> EnergyGate | None:
    """What ``to_options`` gave; None for a model that has none, or one that cannot be read."""
    try:
        kept = options[OPTION]
        return EnergyGate(float(kept["threshold"]), float(kept["false_alarms"]), int(kept["n"]))
    except (KeyError, TypeError, ValueError):
        return None
