"""Text classifiers: one version from its folder, and the version that an alias points at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from portside.inference.engines.store import CompiledPlace, place_of
from portside.inference.folder import read_model_file
from portside.inference.logits import FolderLogits
from portside.inference.outside_gate import EnergyGate, read_gate
from portside.inference.served import Served, VersionSource
from portside.records import Prediction

if TYPE_CHECKING:
    from portside.inference.cuts import Cuts
    from portside.registry import ModelVersion

__all__ = ["FolderClassifier", "ServedClassifier", "answers", "chances", "load_classifier", "predictions", "softmax"]


class FolderClassifier:
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
        file = read_model_file(folder, task="classification")
        self.labels = file.labels
        self.gate = read_gate(file.options)
        """Tells texts that are unlike everything learned; None where that is not known."""
        self._logits = FolderLogits(
            folder,
            "portside.tasks.classification_network:load_network",
            labels=len(self.labels),
            max_tokens=file.max_tokens,
            threads=threads,
            cuts=cuts,
            compiled=compiled,
        )

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        return predictions(self._logits(texts), self.labels, self.gate, model=self.model)

    def probabilities(
        self, texts: Sequence[str], *, report: Callable[[int], None] | None = None
    ) -> NDArray[np.float64]:
        """Probabilities in the order of ``labels``, shape (texts, labels). Rows sum to 1, or to less where the model
        knows the chance that none of its labels fits.

        ``report`` is told after each batch how many texts are done.
        """
        return chances(self._logits(texts, report=report), self.gate)

    def scores(
        self, texts: Sequence[str], *, report: Callable[[int], None] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits, shape (texts, labels), and the features they are computed from, shape (texts, hidden)."""
        return self._logits.with_features(texts, report=report)


def softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Probabilities of each row, in 64-bit floats so that they sum to 1."""
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)


def chances(logits: NDArray[Any], gate: EnergyGate | None) -> NDArray[np.float64]:
    """Probabilities as they are served, shape (texts, labels): what is missing from 1 in a row is the chance, as
    ``gate`` has learned it, that none of the labels fits."""
    if gate is None or gate.reading is None:
        return softmax(logits)
    return np.asarray(softmax(logits) * gate.inside(logits)[:, None])


def predictions(
    logits: NDArray[Any], labels: Sequence[str], gate: EnergyGate | None, *, model: str
) -> list[Prediction]:
    """What is served of texts with these ``logits``, shape (texts, labels): the likeliest label of each."""
    outside = [False] * len(logits) if gate is None else gate.outside(logits).tolist()
    found = []
    for row, out in zip(chances(logits, gate), outside, strict=True):
        best = int(row.argmax())
        every = dict(zip(labels, row.tolist(), strict=True))
        found.append(Prediction(labels[best], float(row[best]), every, model, out))
    return found


def load_classifier(version: ModelVersion, *, threads: int = 0, cuts: Cuts | None = None) -> FolderClassifier:
    """The classifier of one version, served by what ``portside compile`` chose, else by torch in 32-bit floats.

    ``cuts`` counts the texts that were longer than the model reads.

    Raises:
        ModelDamaged: the folder lacks a file or holds an unreadable one.
        ModelError: the version is a model for another task.
    """
    return FolderClassifier(
        version.folder,
        model=version.ref,
        threads=threads,
        cuts=cuts,
        compiled=place_of(version.folder),
    )


class ServedClassifier:
    """The classifier behind ``name@alias``; a promoted version answers from the next call on.

    Nothing is loaded before the first use. One call is always answered by one version.
    """

    def __init__(
        self,
        registry: VersionSource,
        name: str,
        alias: str = "champion",
        *,
        threads: int = 0,
    ) -> None:
        self._served: Served[FolderClassifier] = Served(
            registry, name, alias, lambda version: _warm(load_classifier(version, threads=threads))
        )

    @property
    def labels(self) -> tuple[str, ...]:
        return self._served.current().labels

    @property
    def model(self) -> str:
        return self._served.current().model

    def current(self) -> FolderClassifier:
        """The one version to use where several calls must not mix two."""
        return self._served.current()

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        return self._served.current().predict(texts)


def _warm(classifier: FolderClassifier) -> FolderClassifier:
    # Read the weights before the version goes into service, so that damage shows while the old one still serves.
    classifier.probabilities(["ready"])
    return classifier


def answers(folder: Path, inputs: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Labels and probabilities (texts, labels) of the model in ``folder``: what a reload must repeat."""
    classifier = FolderClassifier(folder, model="check")
    return classifier.labels, classifier.probabilities(inputs)
