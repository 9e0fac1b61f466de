"""How far a report on two versions is: both are asked about the rows, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from portside.inference.classifier import FolderClassifier
    from portside.inference.outside_gate import EnergyGate

__all__ = ["TellingScorer", "both_passes"]


def both_passes(progress: Callable[[int, int], None]) -> Callable[[int, int], None]:
    """``progress`` of the whole, told by two passes each of which counts its own rows from the beginning."""
    before, last = 0, (0, 0)

    def told(done: int, of: int) -> None:
        nonlocal before, last
        if done <= last[0] and not before:
            before = last[1]
        last = (done, of)
        progress(before + done, (before or of) + of)

    return told


@dataclass(frozen=True)
class TellingScorer:
    """A classifier that tells ``progress`` how many of the texts it has answered of how many."""

    asked: FolderClassifier
    progress: Callable[[int, int], None] | None

    @property
    def labels(self) -> tuple[str, ...]:
        return self.asked.labels

    @property
    def model(self) -> str:
        return self.asked.model

    @property
    def gate(self) -> EnergyGate | None:
        return self.asked.gate

    def scores(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        tell, n = self.progress, len(texts)
        return self.asked.scores(texts, report=None if tell is None else lambda done: tell(done, n))
