"""Feeds and what became of each attempt to read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from portside.storage.engine import Database
from portside_finance import tables
from portside_finance.feeds import Feed
from portside_finance.store_state import exclusive

__all__ = ["FeedStore"]


class FeedStore:
    """Reads and writes feeds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, url: str, title: str, now: datetime) -> bool:
        """Watch a feed, due at once. False when it is watched already."""
        table = tables.feeds
        with exclusive(self._database) as connection:
            if connection.scalar(select(table.c.id).where(table.c.url == url)) is not None:
                return False
            connection.execute(
                insert(table).values(
                    url=url,
                    title=title,
                    added_at=now,
                    etag="",
                    modified="",
                    next_poll_at=now,
                    errors_in_a_row=0,
                    errors_total=0,
                    polls_total=0,
                    items_total=0,
                    last_error="",
                )
            )
        return True

    def remove(self, feed: int) -> bool:
        """Stop watching; its headlines stay. False where there is no such feed."""
        with exclusive(self._database) as connection:
            return connection.execute(delete(tables.feeds).where(tables.feeds.c.id == feed)).rowcount == 1

    def all(self) -> list[Feed]:
        """Every feed, by age."""
        with self._database.read() as connection:
            rows = connection.execute(select(tables.feeds).order_by(tables.feeds.c.id)).mappings()
            return [Feed(**row) for row in rows]

    def record(self, feed: int, values: Mapping[str, Any]) -> None:
        """Write what one poll changed."""
        with exclusive(self._database) as connection:
            connection.execute(update(tables.feeds).where(tables.feeds.c.id == feed).values(**values))
