"""Models of every task as ones that give each text one answer: what behaviour is tried on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from portside.errors import ModelError
from portside.inference.folder import task_of
from portside.records import Entity, LabelSet, Match, Prediction
from portside.said import said

if TYPE_CHECKING:
    from portside.inference.interfaces import TextClassifier
    from portside.registry import ModelVersion

__all__ = ["FirstAsOne", "LabelsAsOne", "NamesAsOne", "SeveralLabels", "load_one_answer"]

NO_LABEL = said("(none)")
"""The answer to a text that gets no label, that holds no name, or that no document answers."""
SHOWN = 80
"""Characters of a document."""


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


class Names(Protocol):
    """Finds names in texts."""

    model: str

    def entities(self, texts: Sequence[str]) -> list[list[Entity]]:
        """The names in each text."""
        ...


class Finder(Protocol):
    """Finds documents for queries."""

    model: str

    def match(self, queries: Sequence[str], k: int = 3) -> list[list[Match]]:
        """The best documents for each."""
        ...


@dataclass(frozen=True)
class NamesAsOne:
    """A tagger, whose answer to a text are the types of the names it finds, in their order: not the names themselves,
    which a change may replace.
    """

    names: Names
    labels: tuple[str, ...]
    """The types."""

    @property
    def model(self) -> str:
        return self.names.model

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """``probabilities`` hold of each type how sure the surest name of it is, 0 without one."""
        return [self._answer(found) for found in self.names.entities(texts)]

    def _answer(self, found: Sequence[Entity]) -> Prediction:
        sure = dict.fromkeys(self.labels, 0.0)
        for one in found:
            sure[one.type] = max(sure.get(one.type, 0.0), one.confidence)
        least = min((one.confidence for one in found), default=0.0)
        return Prediction(" + ".join(one.type for one in found) or NO_LABEL, least, sure, self.model)


@dataclass(frozen=True)
class FirstAsOne:
    """A matcher, whose answer to a query is the document that it ranks first. It has no labels."""

    finder: Finder

    @property
    def labels(self) -> tuple[str, ...]:
        return ()

    @property
    def model(self) -> str:
        return self.finder.model

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """``confidence`` is the score of the ranking, no probability."""
        return [
            Prediction(found[0].text[:SHOWN], found[0].score, {}, self.model)
            if found
            else Prediction(NO_LABEL, 0.0, {}, self.model)
            for found in self.finder.match(texts, 1)
        ]


def load_one_answer(version: ModelVersion, *, threads: int = 0) -> TextClassifier:
    """One version; all labels that it gives a text are one answer, as are the types of the names in it, or the first of
    the documents that answer it.

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
    if task == "tagging":
        from portside.inference.tagger import load_tagger
        from portside.tasks.tags import entity_types

        tagger = load_tagger(version, threads=threads)
        return NamesAsOne(tagger, entity_types([tagger.tags]))
    if task == "matching":
        from portside.inference.matcher import load_matcher

        return FirstAsOne(load_matcher(version, threads=threads))
    raise ModelError(
        "Behaviour is tried on classifiers, taggers and matchers",
        seen=f"{version.ref} is a model for {task}",
        remedy="See the models and their tasks with: portside models list",
    )
