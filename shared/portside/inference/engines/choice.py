"""Which engine serves: the fastest whose answers are the original's. Pure decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

__all__ = ["LEAST_AGREEMENT", "MOST_LOSS", "Measured", "choose", "refusal", "speed_up"]

MOST_LOSS = 0.003
"""Accuracy that may be lost, as a share: 0.3 points."""
LEAST_AGREEMENT = 0.99
"""Share of decisions that must be the original's."""
WORTHWHILE = 1.05
"""Times as fast as the original that an engine must be."""


@dataclass(frozen=True)
class Measured:
    """One engine on the model's own validation texts."""

    engine: str
    texts_per_second: float
    """All of them at once."""
    single_ms: float
    """Median of one text by itself."""
    accuracy: float
    agreement: float
    """Share of decisions that are the same as the original's."""
    megabytes: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)


def speed_up(one: Measured, original: Measured) -> float:
    """Times as fast, for texts in bulk and alone alike: the geometric mean of the two."""
    return sqrt(one.texts_per_second / original.texts_per_second * original.single_ms / one.single_ms)


def refusal(one: Measured, original: Measured) -> str:
    """Why an engine may not serve; empty where it may."""
    loss = original.accuracy - one.accuracy
    if loss > MOST_LOSS:
        return f"loses {100 * loss:.2f} points of accuracy, at most {100 * MOST_LOSS:g} are allowed"
    if one.agreement < LEAST_AGREEMENT:
        return (
            f"decides as the original on {100 * one.agreement:.1f} % of texts, {100 * LEAST_AGREEMENT:g} % are needed"
        )
    if speed_up(one, original) < WORTHWHILE:
        return "is no faster than the original"
    return ""


def choose(original: Measured, engines: Sequence[Measured]) -> Measured | None:
    """The fastest that may serve; None: the original goes on serving."""
    allowed = [one for one in engines if not refusal(one, original)]
    return max(allowed, key=lambda one: speed_up(one, original), default=None)
