"""A classifier's raw scores, from its folder: what classifiers of one label and of several have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from portside.inference.batched import run_batches
from portside.inference.engines.interface import Engine
from portside.inference.folder import read_model_file, task_of
from portside.inference.loaded import LazyNetwork
from portside.inference.tokens import Tokens

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
        compiled: Callable[[], Engine | None] | None = None,
    ) -> None:
        """``loader`` as for ``LazyNetwork``; ``cuts`` counts the texts that were longer than the model reads.

        ``compiled`` gives an engine that serves instead of the network, or None: it is called once, on first use.
        """
        self._folder, self._labels, self._precision, self._cuts = folder, labels, precision, cuts
        self._ready = LazyNetwork(folder, loader, threads=threads)
        self._find, self._lock = compiled, Lock()
        self._engine: tuple[Engine, Tokens] | None = None

    def __call__(self, texts: Sequence[str], *, report: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """Shape (texts, labels); ``report`` is told after each batch how many texts are done."""
        if not texts:
            return np.zeros((0, self._labels), dtype=np.float32)
        engine = self._compiled()
        if engine is not None:
            return self._asked(engine, texts, report)[:, : self._labels]
        return self._run(lambda out: out["logits"], texts, report)

    def with_features(
        self, texts: Sequence[str], *, report: Callable[[int], None] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits, shape (texts, labels), and the features that the head computes them from, shape (texts, hidden)."""
        if not texts:
            return np.zeros((0, self._labels), dtype=np.float32), np.zeros((0, 0), dtype=np.float32)
        engine = self._compiled()
        if engine is not None:
            both = self._asked(engine, texts, report)
            return both[:, : self._labels], both[:, self._labels :]
        from torch import cat

        both = self._run(lambda out: cat([out["logits"], out["features"]], dim=1), texts, report)
        return both[:, : self._labels], both[:, self._labels :]

    def _compiled(self) -> tuple[Engine, Tokens] | None:
        with self._lock:
            if self._find is not None:
                engine, self._find = self._find(), None
                if engine is not None:
                    limit = read_model_file(self._folder, task=task_of(self._folder)).max_tokens
                    self._engine = engine, Tokens(self._folder, max_tokens=limit)
            return self._engine

    def _asked(
        self, engine: tuple[Engine, Tokens], texts: Sequence[str], report: Callable[[int], None] | None
    ) -> NDArray[np.float32]:
        forward, tokens = engine
        return run_batches(forward, tokens, texts, report=report, cuts=self._cuts)

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
