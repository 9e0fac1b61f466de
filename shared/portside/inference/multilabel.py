"""Classifiers that give several labels: one version from its folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from portside.inference.engines.store import CompiledPlace, place_of
from portside.inference.folder import read_model_file
from portside.inference.logits import FolderLogits
from portside.records import LabelSet

if TYPE_CHECKING:
    from portside.inference.cuts import Cuts
    from portside.registry import ModelVersion

__all__ = ["FolderMultiLabeller", "answers", "load_multilabeller", "sigmoid"]


class FolderMultiLabeller:
    """The classifier in one folder; its weights are read on first use. Safe to share between threads."""

    def __init__(
        self,
        folder: Path,
        *,
        model: str,
        threads: int = 0,
        cuts: Cuts | None = None,
        compiled: CompiledPlace | None = None,
    ) -> None:
        """``cuts`` counts the texts that were longer than the model reads; ``compiled``: where a compiled engine may
        lie.
        """
        self.model = model
        file = read_model_file(folder, task="multilabel")
        self.labels = file.labels
        self.threshold = float(file.options.get("threshold", 0.5))
        self._logits = FolderLogits(
            folder,
            "portside.tasks.classification_network:load_multilabel_network",
            labels=len(self.labels),
            max_tokens=file.max_tokens,
            threads=threads,
            cuts=cuts,
            compiled=compiled,
        )

    def predict(self, texts: Sequence[str]) -> list[LabelSet]:
        """The labels of each text."""
        return [self._set(row) for row in self.probabilities(texts)]

    def probabilities(
        self, texts: Sequence[str], *, report: Callable[[int], None] | None = None
    ) -> NDArray[np.float64]:
        """Probability of each label by itself, in the order of ``labels``, shape (texts, labels).

        ``report`` is told after each batch how many texts are done.
        """
        return sigmoid(self._logits(texts, report=report))

    def _set(self, row: NDArray[np.float64]) -> LabelSet:
        order = [place for place in np.argsort(-row, kind="stable") if row[place] >= self.threshold]
        probabilities = dict(zip(self.labels, row.tolist(), strict=True))
        return LabelSet(tuple(self.labels[place] for place in order), probabilities, self.model)


def sigmoid(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Probabilities from logits, in 64-bit floats."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits.astype(np.float64))), dtype=np.float64)


def load_multilabeller(version: ModelVersion, *, threads: int = 0, cuts: Cuts | None = None) -> FolderMultiLabeller:
    """The classifier of one version; ``cuts`` counts the texts that were longer than it reads.

    Raises:
        ModelDamaged: the folder lacks a file or holds an unreadable one.
        ModelError: the version is a model for another task.
    """
    return FolderMultiLabeller(
        version.folder, model=version.ref, threads=threads, cuts=cuts, compiled=place_of(version.folder)
    )


def answers(folder: Path, inputs: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Labels and probabilities (texts, labels) of the model in ``folder``: what a reload must repeat."""
    labeller = FolderMultiLabeller(folder, model="check")
    return labeller.labels, labeller.probabilities(inputs)
