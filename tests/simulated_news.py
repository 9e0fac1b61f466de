"""News without any surge, drawn by chance, and the alarms that are raised all the same."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from portside_finance.alerts import Episode, replay
from portside_finance.baseline import DailyCounts, SeriesKey, judge
from portside_finance.config import AlertConfig

__all__ = ["FIRST_DAY", "WARM_DAYS", "alarms", "stream"]

FIRST_DAY = date(2026, 3, 2)
WARM_DAYS = 28
"""Days at the beginning in which nothing is watched yet."""
WEEK = np.array([1.0, 1.1, 1.1, 1.0, 1.0, 0.35, 0.3])
"""How full each weekday is, from Monday on."""


def stream(
    seed: int, days: int = 110, *, burst: float = 0.0, companies: int = 40, topics: int = 8, louder: int = 10_000
) -> DailyCounts:
    """Weekly season, series of all sizes, counts Poisson or (``burst``) clustered; from day ``louder`` on three times
    the news of every kind.
    """
    random = np.random.default_rng(seed)
    calendar = tuple(FIRST_DAY + timedelta(days=n) for n in range(days))
    week = WEEK[[day.weekday() for day in calendar]]
    usual = np.r_[random.gamma(0.6, 1.5, companies), random.gamma(4.0, 3.0, topics)]
    rate = week[:, None] * usual
    rate[louder:] *= 3.0
    if burst:
        rate = rate * random.gamma(1 / burst, burst, rate.shape)
    stories = random.poisson(rate)
    negative = random.binomial(stories, 0.3)
    keys = [SeriesKey("company", f"C{n}") for n in range(companies)] + [
        SeriesKey("topic", f"T{n}") for n in range(topics)
    ]
    return DailyCounts(calendar, tuple(keys), negative, stories, stories[:, companies:].sum(axis=1))


def alarms(counts: DailyCounts, config: AlertConfig) -> list[Episode]:
    """What fired once the first ``WARM_DAYS`` were over."""
    after = counts.days[-1] + timedelta(days=1)
    found = replay(counts, judge(counts, config), config, since=counts.days[WARM_DAYS], today=after)
    return [episode for episode in found if episode.fired]
