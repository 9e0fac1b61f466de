"""Answers to texts that are asked again: the most recent ones are kept, by the model version that gave them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

__all__ = ["Repeated", "Repeats"]

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")
KEPT = 10_000
"""Answers kept: at a few kilobytes each some tens of megabytes at most."""
LONGEST = 2_000
"""Characters of a text that is kept: longer ones are hardly asked twice, and would fill the memory."""


@dataclass(frozen=True)
class Repeats:
    """How often an answer was there already."""

    hits: int
    misses: int

    @property
    def rate(self) -> float:
        """Share of the questions that were asked before."""
        return self.hits / max(self.hits + self.misses, 1)


class Repeated(Generic[Key, Answer]):
    """The answers used last, safe to share between threads."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept, self._lock = kept, Lock()
        self._answers: OrderedDict[Key, Answer] = OrderedDict()
        self._hits = self._misses = 0

    @property
    def repeats(self) -> Repeats:
        """Since the process began."""
        with self._lock:
            return Repeats(self._hits, self._misses)

    def get(self, key: Key) -> Answer | None:
        """What was answered; None: it has to be asked."""
        with self._lock:
            found = self._answers.get(key)
            if found is None:
                self._misses += 1
                return None
            self._hits += 1
            self._answers.move_to_end(key)
            return found

    def put(self, key: Key, answer: Answer) -> None:
        """Keep an answer; the one that was not used for longest goes."""
        with self._lock:
            self._answers[key] = answer
            self._answers.move_to_end(key)
            while len(self._answers) > self._kept:
                self._answers.popitem(last=False)

    def __len__(self) -> int:
        with self._lock:
            return len(self._answers)
