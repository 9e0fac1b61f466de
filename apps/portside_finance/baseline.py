"""How many negative stories are usual for a company or topic on a day, and how rare a count is. Pure.

The count of negative stories of series ``s`` on day ``d`` is taken as negative binomial, that is Poisson with a rate
that itself varies. Its mean is the series' usual rate times the day's *exposure*: the other news of that day plus the
series' own usual volume. So a new source, a week-end or a broken feed changes what is expected, and a surge does not
hide itself behind the volume it makes. Weekdays get a factor, pooled over all series. A series with little history
borrows from the average series of its kind. Past days that were extreme count as their own upper bound. Day ``d`` is
judged by earlier days only, so judging a stream day by day gives the same as judging it whole.

The firing threshold of a day is solved from the budget of false alarms: the largest tail probability for which the
expected number of series that pass it on a usual day, minimum volume included, stays within the budget's daily part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from portside_finance.config import AlertConfig

__all__ = ["DailyCounts", "Judged", "SeriesKey", "daily_counts", "judge", "solve_threshold", "tail_probability"]

Floats = NDArray[np.float64]

_DISPERSION_WEIGHT = 20.0
"""Squared expected counts that a series needs before its own burstiness outweighs the pooled one."""
_MAX_DISPERSION = 10.0
_BURST_CAUTION = 1.35
"""Moments of eight weeks understate heavy tails; with this factor simulated bursty news stays within the budget."""
_TINY = 1e-9


@dataclass(frozen=True, slots=True, order=True)
class SeriesKey:
    """What is watched: ``kind`` is ``company`` or ``topic``, ``name`` a ticker or a topic."""

    kind: str
    name: str


@dataclass(frozen=True)
class DailyCounts:
    """Stories a day, one vote each. Days are consecutive; arrays are (days, series), ``total`` is (days,)."""

    days: tuple[date, ...]
    series: tuple[SeriesKey, ...]
    negative: NDArray[np.int64]
    stories: NDArray[np.int64]
    total: NDArray[np.int64]


@dataclass(frozen=True)
class Judged:
    """For each day and series: the expected count and the probability of a count as high as the one seen.

    ``threshold`` (days,) is the tail probability at or under which a count fires; 0 where nothing can fire yet.
    """

    expected: Floats
    tail: Floats
    threshold: Floats


def tail_probability(count: NDArray[np.float64], mean: Floats, dispersion: Floats) -> Floats:
    """P(K >= count) for a negative binomial K with this mean and variance ``mean + dispersion * mean**2``."""
    from scipy.special import betainc

    shape = 1.0 / np.maximum(dispersion, 1e-6)
    share = mean / (mean + shape)
    found: Floats = np.where(count <= 0, 1.0, betainc(np.maximum(count, 1.0), shape, share))
    return found


def judge(counts: DailyCounts, config: AlertConfig) -> Judged:
    """Judge every day by the days before it; see the module's text."""
    days, series = counts.negative.shape
    judged = Judged(np.zeros((days, series)), np.ones((days, series)), np.zeros(days))
    trimmed = counts.negative.astype(np.float64)
    others = np.maximum(counts.total[:, None] - counts.stories, 0).astype(np.float64)
    weekdays = np.array([day.weekday() for day in counts.days], dtype=np.int64)
    kinds = _kind_masks(counts.series)
    for day in range(days):
        start = max(0, day - config.window_days)
        past = start + np.flatnonzero(counts.total[start:day] > 0)
        if len(past) < config.min_history_days or counts.total[day] == 0 or series == 0:
            continue
        mean, dispersion = _predict(
            counts, trimmed=trimmed, others=others, weekdays=weekdays, kinds=kinds, past=past, day=day, config=config
        )
        tail = tail_probability(trimmed[day], mean, dispersion)
        judged.expected[day], judged.tail[day] = mean, tail
        judged.threshold[day] = solve_threshold(mean, dispersion, config)
        bound = np.ceil(mean + 4.0 * np.sqrt(mean + dispersion * mean**2))
        trimmed[day] = np.where(tail < config.trim_tail, np.minimum(trimmed[day], bound), trimmed[day])
    return judged


def solve_threshold(mean: Floats, dispersion: Floats, config: AlertConfig) -> float:
    """The largest tail probability whose expected false alarms, summed over the series, fit one day of the budget."""
    budget = config.budget_per_30_days / 30.0
    least = float(config.min_negative)
    at_least = tail_probability(np.full_like(mean, least), mean, dispersion)
    best = alpha = min(budget / max(len(mean), 1), 0.02)
    for _ in range(4):
        expected = _false_alarms(alpha, mean, dispersion, at_least, least)
        if expected > budget:
            break
        best = alpha
        alpha = min(alpha * min(budget / max(expected, _TINY), 8.0), 0.02)
        if alpha <= best * 1.02:
            break
    return best


def _false_alarms(alpha: float, mean: Floats, dispersion: Floats, at_least: Floats, least: float) -> float:
    """Expected number of series that reach their critical count by chance in one day."""
    reached = at_least <= alpha
    total = float(at_least[reached].sum())
    mean, dispersion = mean[~reached], dispersion[~reached]
    if len(mean) == 0:
        return total
    # Bisection on the smallest count whose tail is at most alpha: low fails, high passes.
    low = np.full_like(mean, least)
    high = np.full_like(mean, least + 4096.0)
    while float((high - low).max()) > 1.0:
        middle = np.floor((low + high) / 2)
        passes = tail_probability(middle, mean, dispersion) <= alpha
        low, high = np.where(passes, low, middle), np.where(passes, middle, high)
    return total + float(tail_probability(high, mean, dispersion).sum())


def _predict(
    counts: DailyCounts,
    *,
    trimmed: Floats,
    others: Floats,
    weekdays: NDArray[np.int64],
    kinds: Sequence[NDArray[np.bool_]],
    past: NDArray[np.int64],
    day: int,
    config: AlertConfig,
) -> tuple[Floats, Floats]:
    """Expected count and dispersion of every series on ``day``, both (series,), from the rows ``past``."""
    mood, volume = _weekday_factors(trimmed, counts.total, weekdays, past, config)
    own = counts.stories[past].mean(axis=0)  # (series,) usual stories a day
    rows = weekdays[past]
    exposure = mood[rows, None] * (others[past] + own * volume[rows, None]) + _TINY  # (past, series)
    today = mood[weekdays[day]] * (others[day] + own * volume[weekdays[day]]) + _TINY
    seen = trimmed[past]
    rate, borrowed = np.zeros(len(own)), np.zeros(len(own))
    for kind in kinds:
        usual = exposure[:, kind].mean()
        pooled = seen[:, kind].sum() / exposure[:, kind].sum()
        weight = config.prior_days * usual
        borrowed[kind] = weight * pooled
        rate[kind] = (seen[:, kind].sum(axis=0) + weight * pooled) / (exposure[:, kind].sum(axis=0) + weight)
    fitted = rate * exposure
    excess = ((seen - fitted) ** 2 - fitted).sum(axis=0)
    squares = (fitted**2).sum(axis=0)
    burst = np.zeros(len(own))
    for kind in kinds:
        pooled = float(np.clip(excess[kind].sum() / (squares[kind].sum() + _TINY), 0.0, _MAX_DISPERSION))
        own_burst = (excess[kind] + _DISPERSION_WEIGHT * pooled) / (squares[kind] + _DISPERSION_WEIGHT)
        # Never less bursty than its kind: calm weeks are no promise.
        burst[kind] = _BURST_CAUTION * np.clip(own_burst, pooled, _MAX_DISPERSION)
    unsure = 1.0 / (seen.sum(axis=0) + borrowed + _TINY)  # how little is known of the rate itself
    return rate * today, np.minimum(burst + unsure + burst * unsure, 1e6)


def _weekday_factors(
    trimmed: Floats, total: NDArray[np.int64], weekdays: NDArray[np.int64], past: NDArray[np.int64], config: AlertConfig
) -> tuple[Floats, Floats]:
    """How much more negative, and how much fuller, each weekday is than the average day; (7,) each."""
    bad = trimmed[past].sum(axis=1)
    news = total[past].astype(np.float64)
    share = bad.sum() / max(news.sum(), _TINY)
    prior = config.weekday_prior_days
    mood, volume = np.ones(7), np.ones(7)
    for weekday in range(7):
        rows = weekdays[past] == weekday
        usual_bad = prior * bad.mean() + _TINY
        mood[weekday] = (bad[rows].sum() + usual_bad) / (share * news[rows].sum() + usual_bad)
        volume[weekday] = (news[rows].sum() + prior * news.mean()) / (news.mean() * (rows.sum() + prior) + _TINY)
    return mood, volume


def _kind_masks(series: Sequence[SeriesKey]) -> list[NDArray[np.bool_]]:
    kinds = sorted({key.kind for key in series})
    return [np.array([key.kind == kind for key in series], dtype=np.bool_) for kind in kinds]


def daily_counts(
    total: Mapping[date, int], series: Mapping[SeriesKey, Sequence[tuple[date, int, int]]]
) -> DailyCounts | None:
    """The store's rows as arrays over consecutive days; ``series`` holds (day, stories, negative). None if empty."""
    if not total:
        return None
    first, last = min(total), max(total)
    days = tuple(first + timedelta(days=number) for number in range((last - first).days + 1))
    keys = tuple(sorted(series))
    negative = np.zeros((len(days), len(keys)), dtype=np.int64)
    stories = np.zeros_like(negative)
    for column, key in enumerate(keys):
        for day, count, bad in series[key]:
            if first <= day <= last:
                stories[(day - first).days, column] = count
                negative[(day - first).days, column] = bad
    return DailyCounts(days, keys, negative, stories, np.array([total.get(day, 0) for day in days], dtype=np.int64))
