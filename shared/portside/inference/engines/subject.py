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

__all__ = ["MOST_ROWS", "Subject", "ask_texts", "least_cosine", "nearest_kept", "some"]

LISTED = 10
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
    """What ``quality``, or else ``nearest``, is called."""
    nearest: Callable[[Answers, Answers], float] | None = None
    """Where there is no ``quality``: how good an engine's lists of nearest texts are beside the original's."""
    inputs: tuple[str, ...] = ("ids", "mask")
    per_token: bool = False
    """Whether the network answers for each token rather than for each text."""


def some(rows: Sequence[T], most: int = MOST_ROWS) -> list[T]:
    """At most so many of the rows, from all over them."""
    taken = min(len(rows), most)
    return [rows[place * len(rows) // taken] for place in range(taken)]


def ask_texts(tokens: Tokens, texts: Sequence[str]) -> Callable[[Forward, Sequence[int]], Answers]:
    """``ask`` of networks that answer for a text: rows of their outputs."""
    return lambda forward, places: run_batches(forward, tokens, [texts[place] for place in places])


def least_cosine(found: Answers, original: Answers) -> float:
    """The least of the cosines between vectors of length 1, both (texts, dim)."""
    return float(np.sum(np.asarray(found) * np.asarray(original), axis=1).min())


def nearest_kept(found: Answers, original: Answers) -> float:
    """NDCG@10 of the lists of nearest texts by ``found``, where the original's vectors say how near texts are.

    A text's gain in another's list is by how much it is nearer than the mean text, by the original: two that are as
    good as equally near may change places for nothing, one from far away costs its whole gain. Both have vectors of
    length 1, (texts, dim).
    """
    near, likeness = (_likeness(np.asarray(one, dtype=np.float64)) for one in (found, original))
    others = len(likeness) - 1
    if others < 1:
        return 1.0
    alike = np.where(np.isfinite(likeness), likeness, 0.0)
    gains = np.maximum(alike - alike.sum(axis=1, keepdims=True) / others, 0.0)
    discounts = 1.0 / np.log2(np.arange(2, min(LISTED, others) + 2))
    listed, best = (np.argsort(-one, axis=1, kind="stable")[:, : len(discounts)] for one in (near, likeness))
    worth, ideal = (np.take_along_axis(gains, places, axis=1) @ discounts for places in (listed, best))
    return float(np.where(ideal > 0, worth / np.where(ideal > 0, ideal, 1.0), 1.0).mean())


def _likeness(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cosines of all texts with the others, (texts, texts); no text is in its own list."""
    found: NDArray[np.float64] = vectors @ vectors.T
    np.fill_diagonal(found, -np.inf)
    return found
