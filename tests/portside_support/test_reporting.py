from __future__ import annotations

from datetime import date, timedelta

from portside_support.records import Outcome
from portside_support.reporting import share, totals, volume
from portside_support.store_figures import DayCount

MONDAY = date(2026, 6, 1)


def count(days: int, outcome: Outcome, number: int) -> DayCount:
    return DayCount(MONDAY + timedelta(days=days), outcome, number)


def test_days_without_conversations_are_drawn_as_zero() -> None:
    series = volume([count(0, "answered", 2), count(2, "handed_over", 1), count(2, "answered", 3)])
    assert series.starts == (MONDAY, MONDAY + timedelta(days=1), MONDAY + timedelta(days=2))
    assert series.by_outcome["answered"] == (2, 0, 3)
    assert series.totals == (2, 0, 4)
    assert not series.weekly


def test_a_long_period_is_drawn_by_weeks_that_begin_on_monday() -> None:
    series = volume([count(2, "answered", 1), count(6, "answered", 1), count(130, "retrieved", 5)])
    assert series.weekly
    assert series.starts[0] == MONDAY
    assert all(start.weekday() == 0 for start in series.starts)
    assert (series.by_outcome["answered"][0], series.by_outcome["retrieved"][-1]) == (2, 5)
    assert sum(series.totals) == 7


def test_shares_are_of_conversations_with_a_reply() -> None:
    counts = totals([count(0, "answered", 3), count(1, "handed_over", 1), count(1, "none", 6)])
    assert share(counts, "answered") == 0.75
    assert share(counts, "retrieved") == 0.0
    assert share(totals([]), "answered") is None
    assert volume([]).starts == ()
