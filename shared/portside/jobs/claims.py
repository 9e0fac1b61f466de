"""The queue as a worker sees it: claim a job, report on it, hand it back finished."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Update, select, update

from portside.clock import Clock, utc_now
from portside.jobs.records import Job
from portside.jobs.rows import Alive, abandoned, fail_abandoned, running_rows, to_job, worker_alive
from portside.jobs.rules import Ending
from portside.jobs.wording import with_records
from portside.storage.engine import Database
from portside.storage.tables import core_jobs

__all__ = ["Claims", "Report"]


@dataclass(frozen=True)
class Report:
    """Where a running job is."""

    done: float = 0.0
    total: float = 0.0
    message: str = ""
    log_tail: tuple[str, ...] = ()


class Claims:
    """The jobs one worker holds. ``worker`` is its mark, unique among all processes on all machines."""

    def __init__(
        self, database: Database, worker: str, clock: Clock = utc_now, *, logs: Path, alive: Alive = worker_alive
    ) -> None:
        self._database = database
        self._worker = worker
        self._clock = clock
        self._logs = logs
        self._alive = alive

    def claim(self) -> Job | None:
        """The oldest waiting job, now running and this worker's alone; None when nobody waits."""
        oldest = (
            select(core_jobs.c.id)
            .where(core_jobs.c.state == "queued")
            .order_by(core_jobs.c.created_at, core_jobs.c.id)
            .limit(1)
        )
        with self._database.read() as connection:
            if connection.execute(oldest).first() is None:  # an idle worker takes no lock
                return None
        now = self._clock()
        with self._database.begin() as connection:
            # PostgreSQL: workers skip rows that another is claiming. SQLite: begin() holds the only write lock.
            job_id = connection.execute(oldest.with_for_update(skip_locked=True)).scalar()
            if job_id is None:
                return None
            connection.execute(
                update(core_jobs)
                .where(core_jobs.c.id == job_id, core_jobs.c.state == "queued")
                .values(state="running", worker=self._worker, started_at=now, heartbeat_at=now)
            )
            return to_job(connection.execute(select(core_jobs).where(core_jobs.c.id == job_id)).one())

    def wish(self, job_id: str) -> tuple[bool, bool]:
        """Whether the job is still this worker's, and whether its user wants it to stop."""
        wanted = select(core_jobs.c.state, core_jobs.c.worker, core_jobs.c.cancel_asked_at)
        with self._database.read() as connection:
            row = connection.execute(wanted.where(core_jobs.c.id == job_id)).first()
        mine = row is not None and row.state == "running" and row.worker == self._worker
        return mine, row is not None and row.cancel_asked_at is not None

    def report(self, job_id: str, report: Report) -> None:
        """Store progress and a sign of life."""
        with self._database.begin() as connection:
            connection.execute(
                self._mine(job_id).values(
                    done=report.done,
                    total=report.total,
                    message=report.message,
                    log_tail=list(report.log_tail),
                    heartbeat_at=self._clock(),
                )
            )

    def finish(self, job_id: str, ending: Ending, report: Report) -> None:
        """Store how the job ended. Nothing happens when it is not this worker's any more."""
        values: dict[str, Any] = {
            "state": ending.state,
            "result": with_records(ending.result, ending.error),
            "error": ending.error,
            "done": report.total if ending.state == "succeeded" and report.total else report.done,
            "total": report.total,
            "message": report.message,
            "log_tail": list(report.log_tail),
            "finished_at": self._clock(),
        }
        with self._database.begin() as connection:
            connection.execute(self._mine(job_id).values(values))

    def sweep(self) -> None:
        """Mark the jobs of dead workers as failed."""
        with self._database.read() as connection:
            rows = running_rows(connection)
        gone = abandoned((row for row in rows if row.worker != self._worker), self._alive, self._clock())
        fail_abandoned(self._database, gone, self._clock(), self._logs)

    def running(self) -> set[str]:
        """The ids of all jobs that are said to run, whoever holds them."""
        with self._database.read() as connection:
            return set(connection.execute(select(core_jobs.c.id).where(core_jobs.c.state == "running")).scalars())

    def _mine(self, job_id: str) -> Update:
        return update(core_jobs).where(
            core_jobs.c.id == job_id, core_jobs.c.state == "running", core_jobs.c.worker == self._worker
        )
