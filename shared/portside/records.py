"""The nouns of labelled text. Frozen, validated where they are made, without behaviour of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Example", "Prediction"]


@dataclass(frozen=True, slots=True)
class Example:
    """One text with its label."""

    text: str
    label: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one model version says of one text.

    ``probabilities`` is in the model's own label order and sums to 1; ``confidence`` is the probability of ``label``.
    """

    label: str
    confidence: float
    probabilities: Mapping[str, float]
    model: str
    """Which version said it, as ``name:version``."""
