"""What is compiled, and what its engines are measured on: one for each task, each in its own module of ``subjects``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from portside.inference.batched import Forward, run_batches
from portside.inference.tokens import Tokens

if TYPE_CHECKING:
    from torch import nn

__all__ = ["MOST_ROWS", "Subject", "ask_texts", "least_cosine", "some"]

MOST_ROWS = 1_000
"""Rows that engines are measured on: enough to see a loss of 0.3 points, and a minute's work."""
T = TypeVar("T")

Answers = Sequence[Any] | NDArray[Any]


@dataclass(frozen=True)
class Subject:
    """A network, rows that it has not learned from, and how its answers to them are judged."""

    network: nn.Module
    outputs: tuple[str, ...]
    """Which of the network's outputs an engine gives, side by side."""
    rows: int
    ask: Callable[[Forward, Sequence[int]], Answers]
    """Answers for the rows at these places, one each, in their order."""
    agreement: Callable[[Answers, Answers], float]
    """How alike the answers of two engines to the same rows are: 1 is the same."""
    quality: Callable[[Answers], float] | None = None
    """How good the answers to all rows are, from 0 to 1; None: nobody said what would be right."""
    measure: str = ""
    """What ``quality`` is called."""
    inputs: tuple[str, ...] = ("ids", "mask")
    per_token: bool = False
    """Whether the network answers for each token rather than for each text."""


def some(rows: Sequence[T]) -> list[T]:
    """At most ``MOST_ROWS`` of the rows, from all over them."""
    taken = min(len(rows), MOST_ROWS)
    return [rows[place * len(rows) // taken] for place in range(taken)]


def ask_texts(tokens: Tokens, texts: Sequence[str]) -> Callable[[Forward, Sequence[int]], Answers]:
    """``ask`` of networks that answer for a text: rows of their outputs."""
    return lambda forward, places: run_batches(forward, tokens, [texts[place] for place in places])


def least_cosine(found: Answers, original: Answers) -> float:
    """The least of the cosines between vectors of length 1, both (texts, dim)."""
    return float(np.sum(np.asarray(found) * np.asarray(original), axis=1).min())
