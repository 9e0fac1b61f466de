"""From counts of stories to what a chart shows: buckets, mood with its interval, comparisons. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from portside_finance.records import TrendPoint

__all__ = ["GroupMood", "Mood", "bucket_days", "compare_groups", "mood_of", "pool", "trend", "wilson"]

_Z = 1.959964
"""Two-sided 95 % point of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Mood:
    """Mood of a span of days: share of positive minus share of negative stories, in [-1, 1], with a 95 % interval."""

    start: date
    end: date
    """Last day of the span, inclusive."""
    stories: int
    negative: int
    positive: int
    net: float
    low: float
    high: float

    @property
    def negative_share(self) -> float:
        """Negative stories among all, 0 where there are none."""
        return self.negative / self.stories if self.stories else 0.0


@dataclass(frozen=True, slots=True)
class GroupMood:
    """One topic or company over the whole period."""

    name: str
    mood: Mood
    share_low: float
    share_high: float
    """95 % Wilson interval of the share of negative stories."""
    trend: tuple[float, ...]
    """Share of negative stories by bucket, oldest first."""


def bucket_days(since: date, until: date, most: int = 120) -> int:
    """Days a point of a chart spans: 1, 7 or 28, so that at most ``most`` points are drawn (or 28 at the longest)."""
    days = (until - since).days + 1
    return next((size for size in (1, 7, 28) if math.ceil(days / size) <= most), 28)


def pool(points: Iterable[TrendPoint]) -> TrendPoint | None:
    """All points as one, dated at the first; None without points."""
    points = list(points)
    if not points:
        return None
    return TrendPoint(
        min(point.day for point in points),
        sum(point.stories for point in points),
        sum(point.negative for point in points),
        sum(point.positive for point in points),
    )


def mood_of(point: TrendPoint, end: date, *, usual: TrendPoint | None, prior: float) -> Mood:
    """The mood of one span. It borrows ``prior`` stories of the usual mix, so one story does not look like a trend."""
    weight = prior if usual is not None and usual.stories else 0.0
    n = point.stories + weight
    bad, good = float(point.negative), float(point.positive)
    if weight and usual is not None:
        bad += weight * usual.negative / usual.stories
        good += weight * usual.positive / usual.stories
    if n <= 0:
        return Mood(point.day, end, 0, 0, 0, 0.0, -1.0, 1.0)
    p, q = good / n, bad / n
    net = p - q
    # Variance of a difference of two shares of the same sample; half a story more keeps it from being 0 at the ends.
    spread = _Z * math.sqrt(max(p + q - net**2, 0.5 / n) / n)
    return Mood(
        point.day,
        end,
        point.stories,
        point.negative,
        point.positive,
        net,
        max(net - spread, -1.0),
        min(net + spread, 1.0),
    )


def trend(points: Sequence[TrendPoint], *, size: int, prior: float, since: date | None = None) -> list[Mood]:
    """The mood of every ``size`` days that have stories, oldest first; spans are counted from ``since``."""
    if not points:
        return []
    start = since or min(point.day for point in points)
    buckets: dict[int, list[TrendPoint]] = {}
    for point in points:
        buckets.setdefault((point.day - start).days // size, []).append(point)
    usual = pool(points)
    moods = []
    for number in sorted(buckets):
        first = start + timedelta(days=number * size)
        whole = pool(buckets[number])
        assert whole is not None
        dated = TrendPoint(first, whole.stories, whole.negative, whole.positive)
        moods.append(mood_of(dated, first + timedelta(days=size - 1), usual=usual, prior=prior))
    return moods


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % Wilson interval of a share; (0, 1) without observations."""
    if n == 0:
        return 0.0, 1.0
    share, square = hits / n, _Z**2
    middle = (share + square / (2 * n)) / (1 + square / n)
    spread = _Z * math.sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    return max(0.0, middle - spread), min(1.0, middle + spread)


def compare_groups(
    groups: Mapping[str, Sequence[TrendPoint]], *, since: date, until: date, min_stories: int, prior: float
) -> list[GroupMood]:
    """Every topic or company with enough stories, the most negative first, with at most 24 points of history each."""
    size = max(1, math.ceil(((until - since).days + 1) / 24))
    whole = [point for points in groups.values() for point in points]
    usual = pool(whole)
    rows = []
    for name, points in groups.items():
        pooled = pool(points)
        if pooled is None or pooled.stories < min_stories:
            continue
        low, high = wilson(pooled.negative, pooled.stories)
        shares = tuple(mood.negative_share for mood in trend(points, size=size, prior=0.0, since=since))
        rows.append(GroupMood(name, mood_of(pooled, until, usual=usual, prior=prior), low, high, shares))
    return sorted(rows, key=lambda row: (-row.share_low, row.name))
