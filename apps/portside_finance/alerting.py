"""Bring the stored alerts up to date with the stored counts."""

from __future__ import annotations

from datetime import date, timedelta

from portside.clock import Clock
from portside.errors import StorageError
from portside_finance.alerts import Plan, StoredEpisode, reconcile, replay
from portside_finance.baseline import SeriesKey, daily_counts, judge
from portside_finance.config import FinanceConfig
from portside_finance.store import FinanceStore

__all__ = ["evaluate", "replay_start"]

_ATTEMPTS = 5


def evaluate(store: FinanceStore, config: FinanceConfig, clock: Clock) -> Plan:
    """Recompute alerts from the earliest day whose counts changed. Safe to repeat and to run twice at once.

    Raises:
        StorageError: counts kept changing while this ran.
    """
    for _ in range(_ATTEMPTS):
        pending = store.alerts.changed()
        if pending.since is None:
            return Plan((), {}, ())
        stored = store.alerts.stored()
        since = replay_start(stored, pending.since)
        total, groups = store.trends.watched(since - timedelta(days=config.alerts.replay_days))
        series = {
            SeriesKey(*name): [(point.day, point.stories, point.negative) for point in points]
            for name, points in groups.items()
        }
        counts = daily_counts(total, series)
        now = clock()
        episodes = []
        if counts is not None:
            judged = judge(counts, config.alerts)
            episodes = replay(counts, judged, config.alerts, since=since, today=now.date())
        plan = reconcile(stored, episodes, since=since)
        limit, negative = config.alerts.max_evidence, config.score.negative_label
        if store.alerts.apply(plan, revision=pending.revision, negative=negative, max_evidence=limit, now=now):
            return plan
    raise StorageError(
        "Alerts need counts that stand still for a moment",
        seen="headlines kept arriving",
        remedy="Run 'portside finance alerts' again when the import is done",
    )


def replay_start(stored: list[StoredEpisode], changed: date) -> date:
    """The day to replay from: the changed one, or the opening of an episode under way then: none is cut in two."""
    start = changed
    moved = True
    while moved:
        under_way = [
            item.episode.opened
            for item in stored
            if item.episode.opened < start and (item.episode.open or item.episode.end >= start)
        ]
        moved = bool(under_way)
        start = min([start, *under_way])
    return start
