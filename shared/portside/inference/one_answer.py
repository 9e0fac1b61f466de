"""Classifiers, of one label or of several, as models that give each text one answer: what behaviour is tried on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from portside.errors import ModelError
from portside.inference.folder import task_of
from portside.records import LabelSet, Prediction
from portside.said import said

if TYPE_CHECKING:
    from portside.inference.interfaces import TextClassifier
    from portside.registry import ModelVersion

__all__ = ["LabelsAsOne", "SeveralLabels", "load_one_answer"]

NO_LABEL = said("(none)")
"""The answer to a text that gets no label."""


class SeveralLabels(Protocol):
    """Gives each text any number of labels."""

    labels: tuple[str, ...]
    model: str

    def predict(self, texts: Sequence[str]) -> list[LabelSet]:
        """The labels of each text."""
        ...


@dataclass(frozen=True)
class LabelsAsOne:
    """A model of several labels, whose labels of a text count as one answer."""

    several: SeveralLabels

    @property
    def labels(self) -> tuple[str, ...]:
        return self.several.labels

    @property
    def model(self) -> str:
        return self.several.model

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        return [
            Prediction(
                " + ".join(sorted(one.labels)) or NO_LABEL,
                max((one.probabilities[label] for label in one.labels), default=0.0),
                one.probabilities,
                one.model,
            )
            for one in self.several.predict(texts)
        ]


def load_one_answer(version: ModelVersion, *, threads: int = 0) -> TextClassifier:
    """The classifier of one version; all labels that it gives a text are one answer.

    Raises:
        ModelDamaged: the folder lacks a file or holds an unreadable one.
        ModelError: the version is a model for another task.
    """
    task = task_of(version.folder)
    if task == "classification":
        from portside.inference.classifier import load_classifier

        return load_classifier(version, threads=threads)
    if task == "multilabel":
        from portside.inference.multilabel import load_multilabeller

        return LabelsAsOne(load_multilabeller(version, threads=threads))
    raise ModelError(
        "Behaviour is tried on classification, of one label or of several",
        seen=f"{version.ref} is a model for {task}",
        remedy="See the models and their tasks with: portside models list",
    )
