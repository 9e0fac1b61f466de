"""Counts of days put together for the overview. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from portside_support.records import Outcome
from portside_support.store_figures import DayCount

__all__ = ["OUTCOMES", "Series", "share", "totals", "volume"]

OUTCOMES: tuple[Outcome, ...] = ("answered", "retrieved", "handed_over", "none")
MOST_BARS = 62
"""Days drawn one by one; a longer period is drawn by weeks."""


@dataclass(frozen=True)
class Series:
    """Conversations over time, one number for each bar and outcome."""

    starts: tuple[date, ...]
    """First day of each bar, without gaps."""
    by_outcome: dict[Outcome, tuple[int, ...]]
    weekly: bool

    @property
    def totals(self) -> tuple[int, ...]:
        """Conversations of each bar."""
        return tuple(sum(column) for column in zip(*self.by_outcome.values(), strict=True))


def totals(days: Sequence[DayCount]) -> dict[Outcome, int]:
    """Conversations of the whole period by outcome."""
    return {outcome: sum(one.conversations for one in days if one.outcome == outcome) for outcome in OUTCOMES}


def share(counts: dict[Outcome, int], outcome: Outcome) -> float | None:
    """Share of the conversations with a reply that ended this way; None when there was no reply at all."""
    replied = sum(number for name, number in counts.items() if name != "none")
    return counts[outcome] / replied if replied else None


def volume(days: Sequence[DayCount]) -> Series:
    """The period from its first to its last day, by days, or by weeks from Monday when it is long."""
    if not days:
        return Series((), {outcome: () for outcome in OUTCOMES}, weekly=False)
    first, last = min(one.day for one in days), max(one.day for one in days)
    weekly = (last - first).days >= MOST_BARS
    step = timedelta(days=7 if weekly else 1)
    start = first - timedelta(days=first.weekday()) if weekly else first
    starts = tuple(start + place * step for place in range((last - start) // step + 1))
    counts = {outcome: [0] * len(starts) for outcome in OUTCOMES}
    for one in days:
        counts[one.outcome][(one.day - start) // step] += one.conversations
    return Series(starts, {outcome: tuple(numbers) for outcome, numbers in counts.items()}, weekly)
