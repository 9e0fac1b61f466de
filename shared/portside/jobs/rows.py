"""Jobs in the table: how a row becomes a ``Job``, and how jobs of dead workers are found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select, update

from portside.jobs.logs import log_path, read_tail
from portside.jobs.records import Job
from portside.jobs.rules import WORKER_DIED, is_abandoned
from portside.jobs.wording import told_message, with_sentences
from portside.processes import ProcessMark
from portside.storage.engine import Database
from portside.storage.tables import core_jobs

__all__ = ["Alive", "abandoned", "fail_abandoned", "running_rows", "to_job", "worker_alive"]

Alive = Callable[[str], bool | None]
"""Says of a worker's mark whether its process runs; None when that cannot be seen from here."""


def worker_alive(mark: str) -> bool | None:
    """Look the worker's process up on this machine."""
    process = ProcessMark.parse(mark)
    return process.is_alive() if process else None


def to_job(row: Row[Any]) -> Job:
    """One row of ``core_jobs``."""
    result, error = with_sentences(row.result, row.error)
    return Job(
        id=row.id,
        kind=row.kind,
        params=row.params,
        state=row.state,
        done=row.done,
        total=row.total,
        message=told_message(row.message),
        result=result,
        error=error,
        log_tail=list(row.log_tail),
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        actor=row.actor,
        attempt=row.attempt,
        retry_of=row.retry_of,
        cancel_asked=row.cancel_asked_at is not None,
    )


def running_rows(connection: Connection) -> list[Row[Any]]:
    """All jobs that are said to run."""
    return list(connection.execute(select(core_jobs).where(core_jobs.c.state == "running")))


def abandoned(rows: Iterable[Row[Any]], alive: Alive, now: datetime) -> list[Row[Any]]:
    """Those of ``rows`` that are said to run, by a worker that is gone."""
    return [
        row for row in rows if row.state == "running" and is_abandoned(alive(row.worker or ""), row.heartbeat_at, now)
    ]


def fail_abandoned(database: Database, rows: Iterable[Row[Any]], now: datetime, logs: Path | None) -> None:
    """Mark jobs of dead workers as failed, or cancelled where that was asked; keeps their last log lines."""
    for row in rows:
        tail = (read_tail(log_path(logs, row.id)) if logs else []) or list(row.log_tail)
        cancelled = row.cancel_asked_at is not None
        # The conditions make it a no-op when the worker proved alive in between, or when someone else was faster.
        change = update(core_jobs).where(
            core_jobs.c.id == row.id,
            core_jobs.c.state == "running",
            core_jobs.c.worker == row.worker,
            core_jobs.c.heartbeat_at == row.heartbeat_at,
        )
        with database.begin() as connection:
            connection.execute(
                change.values(
                    state="cancelled" if cancelled else "failed",
                    error=None if cancelled else WORKER_DIED,
                    log_tail=tail,
                    finished_at=now,
                )
            )
