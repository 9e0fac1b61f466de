"""The tables, all named ``recommend_…``. Queries stand in ``store.py``."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

from portside.storage.types import UtcTime

__all__ = ["evaluations", "events", "items", "metadata", "state"]

metadata = MetaData()

items = Table(
    "recommend_items",
    metadata,
    Column("item_id", String(200), primary_key=True),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("category", String(300), nullable=False),
    Column("brand", String(300), nullable=False),
    Column("price", Float),
    Column("added_at", UtcTime),
    # The state of the catalogue in which the row was last written: readers ask for what is newer than theirs.
    Column("version", Integer, nullable=False),
    Index("ix_recommend_items_version", "version"),
)

events = Table(
    "recommend_events",
    metadata,
    # Hash of the row's content and its place among identical rows: the same file read twice counts once.
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("user_id", String(200), nullable=False),
    Column("item_id", String(200), nullable=False),
    Column("event", String(20), nullable=False),
    Column("value", Float, nullable=False),
    # Milliseconds since 1970 where ``timed``, else the place in the user's own order.
    Column("at", BigInteger, nullable=False),
    Column("timed", Boolean, nullable=False),
    Column("line", Integer, nullable=False),
    Index("ix_recommend_events_user", "user_id", "at"),
)

state = Table(
    "recommend_state",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("version", Integer, nullable=False),
)

evaluations = Table(
    "recommend_evaluations",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", UtcTime, nullable=False),
    Column("protocol", String(20), nullable=False),
    Column("model", String(200), nullable=False),
    Column("report", JSON, nullable=False),
    Index("ix_recommend_evaluations_at", "at"),
)
