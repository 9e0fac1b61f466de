"""The nouns of labelled text. Frozen, validated where they are made, without behaviour of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

__all__ = ["Entity", "Example", "Judged", "LabelSet", "LabelledRows", "Match", "MultiLabelled", "Prediction", "Tagged"]


@dataclass(frozen=True, slots=True)
class Example:
    """One text with its label."""

    text: str
    label: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one model version says of one text.

    ``probabilities`` is in the model's own label order and sums to 1, or to less where the model knows the chance that
    none of its labels fits; ``confidence`` is the probability of ``label``.
    """

    label: str
    confidence: float
    probabilities: Mapping[str, float]
    model: str
    """Which version said it, as ``name:version``."""
    outside: bool = False
    """Whether the text is unlike everything the model learned, so that none of its labels may fit."""

    @property
    def none_fits(self) -> float:
        """Chance that none of the labels fits; 0, but for rounding, of a model that has not learned it."""
        return max(0.0, 1.0 - sum(self.probabilities.values()))


@dataclass(frozen=True, slots=True)
class MultiLabelled:
    """One text with any number of labels."""

    text: str
    labels: tuple[str, ...]
    """Sorted, each once; empty: none of them fits."""


@dataclass(frozen=True, slots=True)
class LabelSet:
    """What one model version says of one text that may have several labels."""

    labels: tuple[str, ...]
    """Those whose probability reaches the model's threshold, the likeliest first."""
    probabilities: Mapping[str, float]
    """Of each label by itself, in the model's own label order: they do not sum to 1."""
    model: str


@dataclass(frozen=True, slots=True)
class Tagged:
    """One sentence: its words, each with its tag in IOB2 (``B-PER``, ``I-PER``, ``O``)."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    document: int = 0
    """Sentences with the same number stand in one document, in this order."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A name in a text: ``text[start:end]``."""

    type: str
    start: int
    end: int
    """Characters, the end not included."""
    text: str
    confidence: float
    """Probability that just these words are this name."""


@dataclass(frozen=True, slots=True)
class Judged:
    """How relevant one document is to one query, both by their ids."""

    query: str
    document: str
    relevance: float
    """0 or less: not relevant. The higher, the more relevant."""


@dataclass(frozen=True, slots=True)
class Match:
    """A document that one model version finds for a query."""

    document: str
    """Its id."""
    text: str
    score: float
    """Grows with how well it matches; its scale belongs to how the documents were ranked."""
    model: str


Row_co = TypeVar("Row_co", covariant=True)


class LabelledRows(Protocol[Row_co]):
    """Labelled texts that belong together; ``portside.data`` has those that are read from files."""

    @property
    def examples(self) -> Sequence[Row_co]:
        """The rows."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that occur, sorted."""
        ...

    @property
    def source(self) -> str:
        """Where the rows come from, for people."""
        ...

    @property
    def content_hash(self) -> str:
        """Changes when a text or a label changes."""
        ...
