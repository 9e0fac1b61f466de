"""How far explanations are: what the network is asked for them, counted while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from portside.data.words import split_words
from portside.evaluation.attribution import METHODS, MOST_LEFT_OUT
from portside.evaluation.faithfulness import POINTS, RANDOM_ORDERS
from portside.inference.attributor import STEPS, Answer, Attributor, Measure, TokenValues, Variant

__all__ = ["CountingAttributor", "questions"]

TEXTS_AT_ONCE = 16
"""Texts integrated between two tellings: about a second."""
VARIANTS_AT_ONCE = 512


def questions(explained: Sequence[str], measured: int) -> int:
    """About how many questions the network is asked to explain these texts and to measure ``measured`` of them.

    Each text with runs of its words left out, at the points of the integral, and along the deletion curves. It may be
    fewer: of a long text less may be read.
    """
    left_out = sum(1 + min(len(split_words(text)), MOST_LEFT_OUT) for text in explained)
    return left_out + STEPS * len(explained) + (len(METHODS) + RANDOM_ORDERS) * (POINTS + 1) * measured


@dataclass
class CountingAttributor:
    """Answers as ``inner`` does, and tells ``report`` how many questions were asked of ``total``."""

    inner: Attributor
    total: int
    report: Callable[[int, int], None]
    done: int = field(default=0, init=False)

    @property
    def model(self) -> str:
        return self.inner.model

    @property
    def measure(self) -> Measure:
        return self.inner.measure

    def answers(self, texts: Sequence[str], label: str | None = None) -> list[list[Answer]]:
        return self.inner.answers(texts, label)

    def scores(self, variants: Sequence[Variant]) -> NDArray[np.float64]:
        parts: list[NDArray[np.float64]] = [np.zeros(0)]
        for start in range(0, len(variants), VARIANTS_AT_ONCE):
            some = variants[start : start + VARIANTS_AT_ONCE]
            parts.append(self.inner.scores(some))
            self._asked(len(some))
        return np.concatenate(parts)

    def integrated_gradients(self, texts: Sequence[str], answers: Sequence[Answer]) -> list[TokenValues]:
        found: list[TokenValues] = []
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            end = min(start + TEXTS_AT_ONCE, len(texts))
            found += self.inner.integrated_gradients(texts[start:end], answers[start:end])
            self._asked(STEPS * (end - start))
        return found

    def _asked(self, count: int) -> None:
        self.done = min(self.done + count, self.total)
        self.report(self.done, self.total)
