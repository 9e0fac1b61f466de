"""A classifier's raw scores, from its folder: what classifiers of one label and of several have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from portside.inference.batched import run_batches
from portside.inference.engines.store import CompiledPlace
from portside.inference.loaded import FolderForward

if TYPE_CHECKING:
    from portside.inference.cuts import Cuts

__all__ = ["OUTPUTS", "FolderLogits"]

OUTPUTS = ("logits", "features")


class FolderLogits:
    """Calling it gives the scores of texts; the weights are read on first use. Safe to share between threads."""

    def __init__(
        self,
        folder: Path,
        loader: str,
        *,
        labels: int,
        max_tokens: int,
        threads: int,
        cuts: Cuts | None = None,
        compiled: CompiledPlace | None = None,
    ) -> None:
        """As for ``FolderForward``; ``cuts`` counts the texts that were longer than the model reads."""
        self._labels, self._cuts = labels, cuts
        self._ready = FolderForward(
            folder,
            loader,
            OUTPUTS,
            max_tokens=max_tokens,
            threads=threads,
            compiled=compiled,
        )

    def __call__(self, texts: Sequence[str], *, report: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """Shape (texts, labels); ``report`` is told after each batch how many texts are done."""
        return self.with_features(texts, report=report)[0]

    def with_features(
        self, texts: Sequence[str], *, report: Callable[[int], None] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits, shape (texts, labels), and the features that the head computes them from, shape (texts, hidden)."""
        if not texts:
            return np.zeros((0, self._labels), dtype=np.float32), np.zeros((0, 0), dtype=np.float32)
        forward, tokens = self._ready()
        both = run_batches(forward, tokens, texts, report=report, cuts=self._cuts)
        return both[:, : self._labels], both[:, self._labels :]
