"""A classifier's raw scores, from its folder: what classifiers of one label and of several have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from portside.inference.loaded import LazyNetwork

if TYPE_CHECKING:
    from portside.inference.cuts import Cuts

__all__ = ["FolderLogits"]


class FolderLogits:
    """Calling it gives the scores of texts; the weights are read on first use. Safe to share between threads."""

    def __init__(
        self,
        folder: Path,
        loader: str,
        *,
        labels: int,
        threads: int,
        precision: str = "fp32",
        cuts: Cuts | None = None,
    ) -> None:
        """``loader`` as for ``LazyNetwork``; ``cuts`` counts the texts that were longer than the model reads."""
        self._labels, self._precision, self._cuts = labels, precision, cuts
        self._ready = LazyNetwork(folder, loader, threads=threads)

    def __call__(self, texts: Sequence[str], *, report: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """Shape (texts, labels); ``report`` is told after each batch how many texts are done."""
        if not texts:
            return np.zeros((0, self._labels), dtype=np.float32)
        return self._run(lambda out: out["logits"], texts, report)

    def with_features(
        self, texts: Sequence[str], *, report: Callable[[int], None] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits, shape (texts, labels), and the features that the head computes them from, shape (texts, hidden)."""
        if not texts:
            return np.zeros((0, self._labels), dtype=np.float32), np.zeros((0, 0), dtype=np.float32)
        from torch import cat

        both = self._run(lambda out: cat([out["logits"], out["features"]], dim=1), texts, report)
        return both[:, : self._labels], both[:, self._labels :]

    def _run(
        self, wanted: Callable[[dict[str, Any]], Any], texts: Sequence[str], report: Callable[[int], None] | None
    ) -> NDArray[np.float32]:
        network, tokens, device = self._ready()
        from portside.inference import network as engine

        def forward(ids: Any, mask: Any) -> Any:
            return wanted(network(ids, mask))

        return engine.run(
            forward, tokens, texts, device=device, precision=self._precision, report=report, cuts=self._cuts
        )
