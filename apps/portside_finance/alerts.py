"""When bad news becomes an alert: a pure state machine over days, and how its outcome meets what is stored.

::

    quiet ──evidence──▶ pending ──over the threshold on confirm_days days in a row──▶ firing
      ▲                    │                                                            │
      └──no evidence───────┘                     resolved ◀──calm_days calm days────────┘

Acknowledging changes no state: it says that a person has seen the alert. Days without any news are unknown, not calm:
they change nothing. The day that is still running can raise an alert but never calm one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from portside_finance.baseline import DailyCounts, Judged, SeriesKey
from portside_finance.config import AlertConfig

__all__ = ["FIRING", "PENDING", "RESOLVED", "Episode", "Look", "Plan", "StoredEpisode", "reconcile", "replay", "step"]

PENDING = "pending"
FIRING = "firing"
RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Look:
    """One day of one series as the machine sees it."""

    day: date
    count: int
    expected: float
    tail: float
    """Probability of a count as high as this on a usual day."""
    threshold: float
    final: bool
    """Whether the day is over."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One alert from its first evidence on. No episode is the quiet state."""

    series: SeriesKey
    state: str
    opened: date
    fired: date | None
    resolved: date | None
    last_day: date
    """Last day with evidence."""
    peak_day: date
    peak_count: int
    peak_expected: float
    peak_tail: float
    total_negative: int
    """Negative stories from ``opened`` to ``last_day``."""
    over_run: int = 0
    calm_run: int = 0
    since_last: int = 0
    """Negative stories after ``last_day``: they join the total if evidence returns."""

    @property
    def open(self) -> bool:
        """Whether the episode goes on."""
        return self.state != RESOLVED

    @property
    def end(self) -> date:
        """The last day that belongs to the episode."""
        return max(self.resolved or self.last_day, self.last_day)


def step(episode: Episode | None, series: SeriesKey, look: Look, config: AlertConfig) -> Episode | None:
    """The state after one more known day. A resolved episode stays as it is; begin the next with None."""
    if episode is not None and not episode.open:
        return episode
    enough = look.count >= config.min_negative
    strong = enough and look.tail <= look.threshold
    watch = enough and look.tail <= min(look.threshold * config.watch_factor, config.calm_tail)
    if episode is None:
        return _opened(series, look, strong, config) if strong or watch else None
    if episode.state == PENDING:
        if strong or watch:
            return _stronger(episode, look, strong, config)
        return None if look.final else episode
    if strong or look.tail <= config.calm_tail:
        return _stronger(episode, look, strong, config)
    return _calmer(episode, look, config) if look.final else episode


def _calmer(episode: Episode, look: Look, config: AlertConfig) -> Episode:
    calm = episode.calm_run + 1
    if calm >= config.calm_days:
        return replace(episode, state=RESOLVED, resolved=look.day, calm_run=calm)
    return replace(episode, calm_run=calm, since_last=episode.since_last + look.count)


def _opened(series: SeriesKey, look: Look, strong: bool, config: AlertConfig) -> Episode:
    fires = strong and config.confirm_days <= 1
    return Episode(
        series,
        FIRING if fires else PENDING,
        look.day,
        look.day if fires else None,
        None,
        look.day,
        look.day,
        look.count,
        look.expected,
        look.tail,
        look.count,
        over_run=1 if strong else 0,
    )


def _stronger(episode: Episode, look: Look, strong: bool, config: AlertConfig) -> Episode:
    run = episode.over_run + 1 if strong else 0
    total = episode.total_negative + episode.since_last + look.count
    episode = replace(episode, last_day=look.day, total_negative=total, since_last=0, over_run=run, calm_run=0)
    if (look.tail, -look.count) < (episode.peak_tail, -episode.peak_count):
        episode = replace(
            episode, peak_day=look.day, peak_count=look.count, peak_expected=look.expected, peak_tail=look.tail
        )
    if episode.state == PENDING and run >= config.confirm_days:
        episode = replace(episode, state=FIRING, fired=look.day)
    return episode


def replay(counts: DailyCounts, judged: Judged, config: AlertConfig, *, since: date, today: date) -> list[Episode]:
    """Run the machine over every series from ``since`` on, each beginning quiet; episodes in order of opening.

    ``today`` and later days are not final. Days without any news are left out.
    """
    known = [row for row, day in enumerate(counts.days) if day >= since and counts.total[row] > 0]
    episodes: list[Episode] = []
    bound = np.minimum(judged.threshold * config.watch_factor, config.calm_tail)[:, None]
    evidence = (judged.tail <= np.maximum(bound, judged.threshold[:, None])) & (counts.negative >= config.min_negative)
    for column in np.flatnonzero(evidence[known].any(axis=0)) if known else ():
        key = counts.series[column]
        episode: Episode | None = None
        for row in known:
            if episode is None and not evidence[row, column]:
                continue
            look = Look(
                counts.days[row],
                int(counts.negative[row, column]),
                float(judged.expected[row, column]),
                float(judged.tail[row, column]),
                float(judged.threshold[row]),
                final=counts.days[row] < today,
            )
            episode = step(episode, key, look, config)
            if episode is not None and not episode.open:
                episodes.append(episode)
                episode = None
        if episode is not None:
            episodes.append(episode)
    return sorted(episodes, key=lambda found: (found.opened, found.series))


@dataclass(frozen=True, slots=True)
class StoredEpisode:
    """An episode as the store has it."""

    id: int
    episode: Episode


@dataclass(frozen=True, slots=True)
class Plan:
    """What to write: new episodes, changed ones by id, and ids of pending ones whose evidence is gone."""

    insert: tuple[Episode, ...]
    update: Mapping[int, Episode]
    drop: tuple[int, ...]


def reconcile(stored: Sequence[StoredEpisode], replayed: Sequence[Episode], *, since: date) -> Plan:
    """Bring what is stored to what a replay from ``since`` says, losing and doubling nothing.

    A replayed episode that overlaps a stored one of its series *is* that one. What has once fired is never removed and
    never returns to pending: when later data took the evidence away it is resolved. Doing it twice changes nothing.
    """
    by_series: dict[SeriesKey, list[StoredEpisode]] = defaultdict(list)
    for item in stored:
        if item.episode.open or item.episode.end >= since:
            by_series[item.episode.series].append(item)
    taken: set[int] = set()
    insert: list[Episode] = []
    update: dict[int, Episode] = {}
    for episode in replayed:
        overlaps = [
            item
            for item in by_series[episode.series]
            if item.id not in taken
            and item.episode.opened <= _reach(episode)
            and episode.opened <= _reach(item.episode)
        ]
        if not overlaps:
            insert.append(episode)
            continue
        # The one that fired first keeps its identity, its comment and its acknowledgement.
        match = min(overlaps, key=lambda item: (item.episode.fired is None, item.episode.opened))
        taken.add(match.id)
        others = {item.episode.opened for item in stored if item is not match and item.episode.series == episode.series}
        merged = _merged(match.episode, episode, others)
        if merged != _plain(match.episode):
            update[match.id] = merged
    drop: list[int] = []
    for items in by_series.values():
        for item in items:
            if item.id in taken or not item.episode.open:
                continue
            if item.episode.fired is None:
                drop.append(item.id)
            else:
                update[item.id] = _plain(replace(item.episode, state=RESOLVED, resolved=item.episode.last_day))
    return Plan(tuple(insert), update, tuple(drop))


def _reach(episode: Episode) -> date:
    return date.max if episode.open else episode.end


def _plain(episode: Episode) -> Episode:
    """Without the machine's counters, which are not stored: a replay makes them anew."""
    return replace(episode, over_run=0, calm_run=0, since_last=0)


def _merged(old: Episode, new: Episode, others: set[date]) -> Episode:
    fired = min((day for day in (old.fired, new.fired) if day is not None), default=None)
    # Two episodes of a series never begin on one day: that is how the store tells them apart.
    opened = old.opened if new.opened in others else new.opened
    merged = replace(new, opened=opened, fired=fired, last_day=max(new.last_day, opened))
    if fired is not None and new.state == PENDING:
        merged = replace(merged, state=RESOLVED, resolved=merged.last_day)
    return _plain(merged)
