"""Alerts, the headlines behind them, and from which day they must be recomputed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Select, case, delete, func, insert, select, update

from portside.storage.engine import Database
from portside_finance import tables
from portside_finance.alerts import Episode, Plan, StoredEpisode
from portside_finance.baseline import SeriesKey
from portside_finance.store_state import CHANGED_SINCE, REVISION, exclusive, read_state, write_state

__all__ = ["AlertRow", "AlertStore", "Pending"]


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert as pages show it."""

    id: int
    episode: Episode
    raised_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str
    comment: str
    headlines: int
    """How many headlines are kept as its cause."""
    outside: int = 0
    """Of these: unlike everything the sentiment model learned."""


@dataclass(frozen=True, slots=True)
class Pending:
    """What there is to recompute: ``since`` is None when nothing changed. ``revision`` names the state of the data."""

    since: date | None
    revision: str


class AlertStore:
    """Reads and writes alerts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def changed(self) -> Pending:
        """From which day counts changed since the last evaluation."""
        with self._database.read() as connection:
            return _pending(connection)

    def stored(self) -> list[StoredEpisode]:
        """Every alert ever kept, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(tables.alerts).order_by(tables.alerts.c.opened, tables.alerts.c.id))
            return [StoredEpisode(row.id, _episode(row)) for row in rows]

    def apply(self, plan: Plan, *, revision: str, negative: str, max_evidence: int, now: datetime) -> bool:
        """Write a plan in one transaction; False (and nothing written) when the data changed since ``revision``.

        That, with the plan being computed from stored counts only, is what makes a restart or a second process at
        the same time neither lose nor double an alert.
        """
        table = tables.alerts
        with exclusive(self._database) as connection:
            if _pending(connection).revision != revision:
                return False
            touched: dict[int, Episode] = dict(plan.update)
            for episode in plan.insert:
                values = {**_columns(episode), "raised_at": now, "acknowledged_by": "", "comment": ""}
                result = connection.execute(insert(table).values(**values))
                key = result.inserted_primary_key
                assert key is not None
                touched[int(key[0])] = episode
            for alert, episode in plan.update.items():
                connection.execute(update(table).where(table.c.id == alert).values(**_columns(episode)))
            for alert in plan.drop:
                connection.execute(delete(tables.alert_headlines).where(tables.alert_headlines.c.alert_id == alert))
                connection.execute(delete(table).where(table.c.id == alert))
            for alert, episode in touched.items():
                _keep_evidence(connection, alert, episode, negative, max_evidence)
            write_state(connection, CHANGED_SINCE, "")
        return True

    def rows(self, *, states: Sequence[str] = (), limit: int = 200) -> list[AlertRow]:
        """Alerts, those that began last first."""
        table, counted = tables.alerts, _evidence_counts().subquery()
        numbers = [func.coalesce(counted.c[name], 0).label(name) for name in ("n", "outside")]
        query = select(table, *numbers).outerjoin(counted, counted.c.alert_id == table.c.id)
        if states:
            query = query.where(table.c.state.in_(states))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(table.c.opened.desc(), table.c.peak_tail).limit(limit)).all()
        return [
            AlertRow(
                row.id,
                _episode(row),
                row.raised_at,
                row.acknowledged_at,
                row.acknowledged_by,
                row.comment,
                row.n,
                row.outside,
            )
            for row in rows
        ]

    def counts(self) -> dict[str, int]:
        """How many alerts are in each state."""
        table = tables.alerts
        with self._database.read() as connection:
            rows = connection.execute(select(table.c.state, func.count()).group_by(table.c.state))
            return {row[0]: row[1] for row in rows}

    def evidence(self, alert: int) -> list[int]:
        """Ids of the headlines kept as the cause of an alert."""
        table = tables.alert_headlines
        with self._database.read() as connection:
            query = select(table.c.headline_id).where(table.c.alert_id == alert).order_by(table.c.headline_id)
            return list(connection.scalars(query))

    def acknowledge(self, alert: int, actor: str, comment: str, now: datetime) -> bool:
        """Remember that a person has seen it. False where there is no such alert."""
        table = tables.alerts
        values = {"acknowledged_at": now, "acknowledged_by": actor[:120], "comment": comment}
        with exclusive(self._database) as connection:
            return connection.execute(update(table).where(table.c.id == alert).values(**values)).rowcount == 1


def _evidence_counts() -> Select[Any]:
    """Of every alert: how many headlines are kept as its cause, and how many of them the model did not know."""
    kept, headlines, texts = tables.alert_headlines, tables.headlines, tables.texts
    return (
        select(
            kept.c.alert_id,
            func.count().label("n"),
            func.sum(case((texts.c.outside.is_(True), 1), else_=0)).label("outside"),
        )
        .join(headlines, headlines.c.id == kept.c.headline_id)
        .join(texts, texts.c.id == headlines.c.text_id)
        .group_by(kept.c.alert_id)
    )


def _pending(connection: Connection) -> Pending:
    since = read_state(connection, CHANGED_SINCE)
    return Pending(date.fromisoformat(since) if since else None, read_state(connection, REVISION))


def _episode(row: Any) -> Episode:
    return Episode(
        SeriesKey(row.kind, row.name),
        row.state,
        row.opened,
        row.fired,
        row.resolved,
        row.last_day,
        row.peak_day,
        row.peak_count,
        row.peak_expected,
        row.peak_tail,
        row.total_negative,
    )


def _columns(episode: Episode) -> Mapping[str, Any]:
    return {
        "kind": episode.series.kind,
        "name": episode.series.name,
        "state": episode.state,
        "opened": episode.opened,
        "fired": episode.fired,
        "resolved": episode.resolved,
        "last_day": episode.last_day,
        "peak_day": episode.peak_day,
        "peak_count": episode.peak_count,
        "peak_expected": episode.peak_expected,
        "peak_tail": episode.peak_tail,
        "total_negative": episode.total_negative,
    }


def _keep_evidence(connection: Connection, alert: int, episode: Episode, negative: str, limit: int) -> None:
    """Keep which stories were counted: the negative leads of the series from its first to its last day of evidence."""
    headlines, links, kept = tables.headlines, tables.links, tables.alert_headlines
    query = select(headlines.c.id).where(
        headlines.c.lead.is_(True),
        headlines.c.sentiment == negative,
        headlines.c.day.between(episode.opened, episode.last_day),
    )
    if episode.series.kind == "topic":
        query = query.where(headlines.c.topic == episode.series.name)
    else:
        query = query.join(links, links.c.headline_id == headlines.c.id).where(links.c.ticker == episode.series.name)
    ids = list(connection.scalars(query.order_by(headlines.c.published_at.desc(), headlines.c.id.desc()).limit(limit)))
    connection.execute(delete(kept).where(kept.c.alert_id == alert))
    if ids:
        connection.execute(insert(kept), [{"alert_id": alert, "headline_id": headline} for headline in ids])
