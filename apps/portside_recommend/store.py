"""Items, events and evaluations in the database: the only place with queries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, desc, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from portside.storage.engine import Database
from portside_recommend.records import Item
from portside_recommend.tables import evaluations, events, items, state

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Counts", "EventRow", "RecommendStore", "StoredEvaluation", "with_keys"]

ROWS_AT_ONCE = 10_000
"""Rows of one transaction: short enough that other writers wait less than a second."""
ITEM_FIELDS = ("item_id", "title", "description", "category", "brand", "price", "added_at")


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event as stored; ``at`` in milliseconds where ``timed``, else a place in the user's order."""

    item_id: str
    event: str
    value: float
    at: int
    timed: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is; ``last`` is the newest event's time in milliseconds, None where events have only an order."""

    items: int
    events: int
    users: int
    last: int | None


@dataclass(frozen=True, slots=True)
class StoredEvaluation:
    """One measurement, as it was taken."""

    id: int
    at: datetime
    protocol: str
    model: str
    report: dict[str, Any]


def with_keys(frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` with a ``key`` for each row: a hash of what it says and of its place among identical rows."""
    import numpy as np
    import pandas as pd

    said = frame[["user_id", "item_id", "event", "value", "at", "timed"]].reset_index(drop=True)
    said["copy"] = said.groupby(list(said.columns), sort=False).cumcount()
    keys = pd.util.hash_pandas_object(said, index=False).to_numpy()
    return frame.reset_index(drop=True).assign(key=keys.astype(np.uint64).view(np.int64))


class RecommendStore:
    """All reads and writes of the recommender."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- items -------------------------------------------------------------------------------------------------

    def put_items(self, new: Sequence[Item]) -> None:
        """Add items; those whose id is there already are replaced."""
        for start in range(0, len(new), ROWS_AT_ONCE):
            with self._database.begin() as connection:
                version = self._bump(connection, "items")
                rows = [
                    {**{name: getattr(item, name) for name in ITEM_FIELDS}, "version": version}
                    for item in new[start : start + ROWS_AT_ONCE]
                ]
                statement = self._insert(items)
                changed = {name: statement.excluded[name] for name in (*ITEM_FIELDS[1:], "version")}
                connection.execute(statement.on_conflict_do_update(index_elements=["item_id"], set_=changed), rows)

    def version(self) -> int:
        """Which state of the catalogue this is; grows with every write of items."""
        with self._database.read() as connection:
            found = connection.execute(select(state.c.version).where(state.c.name == "items")).scalar()
        return int(found or 0)

    def items_since(self, version: int) -> list[Item]:
        """Items written after ``version``, oldest writing first."""
        query = select(*(items.c[name] for name in ITEM_FIELDS)).where(items.c.version > version)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(items.c.version, items.c.item_id)).all()
        return [Item(*row) for row in rows]

    def some_items(self, most: int) -> list[Item]:
        """At most so many items, those with the first ids."""
        query = select(*(items.c[name] for name in ITEM_FIELDS)).order_by(items.c.item_id).limit(most)
        with self._database.read() as connection:
            return [Item(*row) for row in connection.execute(query)]

    def item_ids(self) -> frozenset[str]:
        """The id of every item."""
        with self._database.read() as connection:
            return frozenset(connection.execute(select(items.c.item_id)).scalars())

    # --- events ------------------------------------------------------------------------------------------------

    def put_events(self, frame: pd.DataFrame, *, report: Callable[[int], None] = lambda done: None) -> int:
        """Add events with columns ``user_id, item_id, event, value, at, timed, line``; how many were new.

        A row that is there already counts once, however often its file is read; identical rows of one call are kept
        apart. Rows come in by blocks: what a killed import has written stays and is passed over the next time.
        ``report`` is told after each block how many rows are done, and may raise to stop.
        """
        before = self._count(events)
        statement = self._insert(events).on_conflict_do_nothing(index_elements=["key"])
        keyed = with_keys(frame)
        for start in range(0, len(keyed), ROWS_AT_ONCE):
            block: list[Any] = keyed.iloc[start : start + ROWS_AT_ONCE].to_dict("records")
            with self._database.begin() as connection:
                connection.execute(statement, block)
            report(start + len(block))
        return self._count(events) - before

    def history(self, user: str) -> list[EventRow]:
        """All events of one user, newest first."""
        columns = (events.c.item_id, events.c.event, events.c.value, events.c.at, events.c.timed)
        query = select(*columns).where(events.c.user_id == user).order_by(desc(events.c.at), desc(events.c.line))
        with self._database.read() as connection:
            return [EventRow(*row) for row in connection.execute(query)]

    def all_events(self) -> pd.DataFrame:
        """Every event, oldest first: columns ``user_id, item_id, event, value, at, timed``."""
        import pandas as pd

        names = ("user_id", "item_id", "event", "value", "at", "timed")
        query = select(*(events.c[name] for name in names)).order_by(events.c.at, events.c.line)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        columns: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else ([] for _ in names)
        return pd.DataFrame(dict(zip(names, (list(column) for column in columns), strict=True)))

    def busiest_users(self, limit: int, *, containing: str = "") -> list[tuple[str, int]]:
        """Users with their number of events, most first; only those whose id contains some letters."""
        number = func.count().label("number")
        query = select(events.c.user_id, number).group_by(events.c.user_id)
        if containing:
            query = query.where(events.c.user_id.contains(containing, autoescape=True))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(desc(number), events.c.user_id).limit(limit)).all()
        return [(row[0], int(row[1])) for row in rows]

    def counts(self) -> Counts:
        """How much there is."""
        last = select(func.max(events.c.at)).where(events.c.timed)
        users = select(func.count(func.distinct(events.c.user_id)))
        with self._database.read() as connection:
            newest = connection.execute(last).scalar()
            return Counts(
                items=int(connection.execute(select(func.count()).select_from(items)).scalar_one()),
                events=int(connection.execute(select(func.count()).select_from(events)).scalar_one()),
                users=int(connection.execute(users).scalar_one()),
                last=None if newest is None else int(newest),
            )

    # --- evaluations -------------------------------------------------------------------------------------------

    def put_evaluation(self, at: datetime, protocol: str, model: str, report: dict[str, Any]) -> None:
        """Keep one measurement."""
        with self._database.begin() as connection:
            connection.execute(insert(evaluations).values(at=at, protocol=protocol, model=model, report=report))

    def evaluations(self, limit: int = 20) -> list[StoredEvaluation]:
        """Measurements, newest first."""
        columns = (
            evaluations.c.id,
            evaluations.c.at,
            evaluations.c.protocol,
            evaluations.c.model,
            evaluations.c.report,
        )
        query = select(*columns).order_by(desc(evaluations.c.at), desc(evaluations.c.id)).limit(limit)
        with self._database.read() as connection:
            return [StoredEvaluation(*row) for row in connection.execute(query)]

    # --- inside ------------------------------------------------------------------------------------------------

    def _insert(self, table: Table) -> Any:
        # Both dialects know ON CONFLICT, by classes of their own.
        return sqlite.insert(table) if self._database.is_sqlite else postgresql.insert(table)

    def _bump(self, connection: Connection, name: str) -> int:
        statement = self._insert(state).values(name=name, version=0).on_conflict_do_nothing(index_elements=["name"])
        connection.execute(statement)
        connection.execute(update(state).where(state.c.name == name).values(version=state.c.version + 1))
        return int(connection.execute(select(state.c.version).where(state.c.name == name)).scalar_one())

    def _count(self, table: Table) -> int:
        with self._database.read() as connection:
            return int(connection.execute(select(func.count()).select_from(table)).scalar_one())
