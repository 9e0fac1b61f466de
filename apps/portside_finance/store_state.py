"""Small facts that survive restarts, and the lock under which dependent rows are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import TypeVar

from sqlalchemy import Connection, delete, insert, select, text, update

from portside.storage.engine import Database
from portside_finance.tables import state

__all__ = ["batches", "exclusive", "mark_changed", "read_state", "write_state"]

T = TypeVar("T")
_LOCK = 0x66696E61
"""Key of the PostgreSQL advisory lock of this app's writers ("fina")."""
CHANGED_SINCE = "alerts.changed_since"
REVISION = "alerts.revision"


@contextmanager
def exclusive(database: Database) -> Iterator[Connection]:
    """A transaction in which no other process writes stories, scores or alerts.

    SQLite has one writer anyway; on PostgreSQL an advisory lock, freed with the transaction, does the same.
    """
    with database.begin() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        yield connection


def read_state(connection: Connection, name: str) -> str:
    """The fact's value, empty where never written."""
    return connection.scalar(select(state.c.value).where(state.c.name == name)) or ""


def write_state(connection: Connection, name: str, value: str) -> None:
    """Write or, with an empty value, forget a fact."""
    if not value:
        connection.execute(delete(state).where(state.c.name == name))
    elif connection.execute(update(state).where(state.c.name == name).values(value=value)).rowcount == 0:
        connection.execute(insert(state).values(name=name, value=value))


def mark_changed(connection: Connection, day: date | None) -> None:
    """Counts changed from ``day`` on: alerts must be recomputed from there, even after a restart."""
    if day is None:
        return
    old = read_state(connection, CHANGED_SINCE)
    write_state(connection, CHANGED_SINCE, min(old, day.isoformat()) if old else day.isoformat())
    write_state(connection, REVISION, str(int(read_state(connection, REVISION) or 0) + 1))


def batches(items: Sequence[T], size: int = 900) -> Iterator[Sequence[T]]:
    """Slices small enough for one statement's parameters."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
