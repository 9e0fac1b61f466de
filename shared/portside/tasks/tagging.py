"""Tagging: each word gets a tag, tags make entities. The recipe, and the decisions that need no network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from portside.errors import DataError
from portside.records import Tagged
from portside.said import said
from portside.tasks.recipe import FINE_TUNING, ROWS_MANY, TrainingRecipe, require
from portside.tasks.spec import TRIAL, TaskSpec

__all__ = ["CASES", "TASK", "TaggedSentences", "TaggingRecipe", "case_of", "type_order"]

CASES = ("none", "lower", "title", "upper", "mixed", "digits", "letters and digits", "sign")
"""Shapes of a word that an uncased encoder cannot see; the place in this list is the shape's number."""

EPOCHS = 8
"""On CoNLL-2003's validation file entity F1 rises up to the seventh pass: .906 after three, .922 after five, .933."""


class TaggedSentences(Protocol):
    """What training and evaluation need of a data set; ``portside.data.tagged`` has the one that reads files."""

    @property
    def sentences(self) -> Sequence[Tagged]:
        """In the order of the documents."""
        ...

    @property
    def types(self) -> tuple[str, ...]:
        """The entity types that occur, sorted."""
        ...

    @property
    def source(self) -> str:
        """Where they come from, for people."""
        ...

    @property
    def content_hash(self) -> str:
        """Changes when a word or a tag changes."""
        ...


@dataclass(frozen=True)
class TaggingRecipe(TrainingRecipe):
    """How to fine-tune a tagger. A row is a window of several sentences."""

    batch_size: int = 4
    """Windows of one update."""
    encoder_lr: float = 3e-4
    head_lr: float = 3e-3
    max_tokens: int = 192
    """Tokens of one window, the special ones included."""
    context: int = 32
    """Tokens of the sentences before and after that are shown on each side when tags are asked for."""
    consistency: float = 1.0
    """Weight of the disagreement between two passes with different dropout; 0: one pass, a third less
    time. Left out where a budget cuts the training short."""
    case_feature: bool = True
    """Tell an encoder that reads lower case only whether a word is written small, Large, LARGE or with digits."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.method in FINE_TUNING, "method", self.method, f"one of {', '.join(FINE_TUNING)}")
        require(0 <= self.consistency < math.inf, "consistency", self.consistency, "0 or above")
        require(0 <= self.context < self.max_tokens // 3, "context", self.context, "below a third of max_tokens")

    def passes(self, rows: int) -> int:
        """As of every recipe, of few windows at least ``EPOCHS``."""
        usual = super().passes(rows)
        return usual if self.epochs or rows >= ROWS_MANY else max(EPOCHS, usual)


def case_of(word: str) -> int:
    """The number of a word's shape in ``CASES``."""
    letters = [character for character in word if character.isalpha()]
    digits = any(character.isdigit() for character in word)
    if not letters:
        return CASES.index("digits" if digits else "sign")
    if digits:
        return CASES.index("letters and digits")
    if all(character.islower() for character in letters):
        return CASES.index("lower")
    if all(character.isupper() for character in letters):
        return CASES.index("upper" if len(letters) > 1 else "title")
    if letters[0].isupper() and all(character.islower() for character in letters[1:]):
        return CASES.index("title")
    # Scripts without case are neither small nor large.
    return CASES.index("mixed" if any(each.isupper() for each in letters) else "none")


def type_order(dataset: TaggedSentences) -> tuple[str, ...]:
    """The entity types in the order that a new model will have.

    Raises:
        DataError: there is no sentence or no entity.
    """
    if not dataset.types:
        raise DataError(
            "A tagger needs entities to learn",
            seen=said("{n} sentences without one", n=len(dataset.sentences)),
            remedy="Check which column holds the tags",
            file=dataset.source,
        )
    return dataset.types


TASK = TaskSpec(
    name="tagging",
    summary="Fine-tune a tagger: each word gets a tag, and tags make names of people, companies, products.",
    reads="tagged words in CoNLL columns, JSON lines of tokens and tags, or of text and spans, gzipped or not",
    read="portside.data.tagged:read",
    recipe=TaggingRecipe,
    make="portside.training.tagging:make_task",
    answers="portside.inference.tagger:answers",
    cli="portside.commands.tagging",
    report="portside.evaluation.report.tagging:report_file",
    compile="portside.inference.engines.subjects.tagging:subject",
    trial=tuple(tuple(text.split()) for text in TRIAL),
)
