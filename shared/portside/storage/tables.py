"""The core's own tables. Apps keep theirs in their ``store``; all names begin with the owner's."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Float, Index, Integer, MetaData, String, Table, Text

from portside.storage.types import UtcTime

__all__ = ["CORE_TABLES", "core_jobs"]

CORE_TABLES = MetaData()
"""What ``core_…`` migrations build."""

core_jobs = Table(
    "core_jobs",
    CORE_TABLES,
    Column("id", String(32), primary_key=True),
    Column("kind", String(80), nullable=False),
    Column("params", JSON, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("state", String(16), nullable=False),
    Column("done", Float, nullable=False),
    Column("total", Float, nullable=False),
    Column("message", Text, nullable=False),
    Column("result", JSON(none_as_null=True)),
    Column("error", Text),
    Column("log_tail", JSON, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("retry_of", String(32)),
    Column("worker", String(300)),
    Column("created_at", UtcTime, nullable=False),
    Column("started_at", UtcTime),
    Column("heartbeat_at", UtcTime),
    Column("cancel_asked_at", UtcTime),
    Column("finished_at", UtcTime),
    # The claim looks for the oldest queued job, pages for the newest jobs of some kinds.
    Index("ix_core_jobs_state_created", "state", "created_at"),
    Index("ix_core_jobs_kind_created", "kind", "created_at"),
    Index("ix_core_jobs_created", "created_at"),
)
