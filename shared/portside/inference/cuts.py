"""What a model did not read: texts longer than its limit. Counted, so that no answer passes for one on the whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["Cuts"]


@dataclass
class Cuts:
    """Counts what was cut, call after call. Not for threads: each command has its own."""

    what: str = "texts"
    """``texts``, or ``words`` for a tagger, which reads all words but only the beginning of endless ones."""
    rows: int = 0
    """Rows seen so far."""
    limit: int = 0
    """Tokens that are read of each."""
    count: int = 0
    longest_row: int | None = None
    """1-based, in the order in which rows were seen."""
    longest_characters: int = 0

    def add(self, found: Iterable[tuple[int, str]], *, limit: int) -> None:
        """Note what was cut in this call: the row's place in it, and the whole text."""
        self.limit = limit
        for place, text in found:
            self.count += 1
            if len(text) > self.longest_characters:
                self.longest_row, self.longest_characters = self.rows + place + 1, len(text)

    def passed(self, rows: int) -> None:
        """The next call begins ``rows`` rows further on."""
        self.rows += rows

    @property
    def sentence(self) -> str:
        """For the person who asked; empty where nothing was cut."""
        if not self.count:
            return ""
        where = "" if self.longest_row is None else f", in row {self.longest_row:,},"
        longest = f"the longest{where} has {self.longest_characters:,} characters"
        return f"Of {self.count:,} {self.what} only the first {self.limit} tokens were read; {longest}."

    def in_rows(self, rows: Sequence[int] | None) -> Cuts:
        """The same with the longest row's number in its file, of which ``rows`` are the numbers; None: not known."""
        place = self.longest_row
        return replace(self, longest_row=None if rows is None or place is None else rows[place - 1])

    def to_dict(self) -> dict[str, Any]:
        """For reports in JSON."""
        return {
            "count": self.count,
            "limit_tokens": self.limit,
            "longest_row": self.longest_row,
            "longest_characters": self.longest_characters,
        }
