"""The queue as pages, commands and services see it: submit, look, cancel, retry."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from portside.clock import Clock, utc_now
from portside.errors import JobError
from portside.jobs.records import Job
from portside.jobs.rows import Alive, abandoned, fail_abandoned, to_job, worker_alive
from portside.said import said, settled
from portside.storage.engine import Database
from portside.storage.tables import core_jobs

__all__ = ["JobQueue"]


class JobQueue:
    """All jobs in one database. Cheap to make and to ask: looking is one indexed read, without a lock.

    Whoever looks at a running job whose worker is gone marks it as failed. ``logs`` is the folder of job logs where
    this process can read it; the last lines of such a job are then taken from there.
    """

    def __init__(
        self, database: Database, clock: Clock = utc_now, *, logs: Path | None = None, alive: Alive = worker_alive
    ) -> None:
        self._database = database
        self._clock = clock
        self._logs = logs
        self._alive = alive

    def submit(self, kind: str, params: Mapping[str, Any], *, actor: str) -> str:
        """Put work in the queue and return its id.

        Raises:
            JobError: the parameters cannot be written as JSON.
        """
        plain = _plain(kind, params)
        with self._database.begin() as connection:
            return self._insert(connection, kind, plain, actor=actor, attempt=1, retry_of=None)

    def submit_once(self, kind: str, params: Mapping[str, Any], *, actor: str, key: str) -> str | None:
        """``submit``, but never twice with the same ``key``, however the first ended: then None.

        Raises:
            JobError: the parameters cannot be written as JSON.
        """
        plain, job_id = _plain(kind, params), uuid.uuid5(uuid.NAMESPACE_OID, f"{kind} {key}").hex
        with self._database.read() as connection:
            if connection.execute(select(core_jobs.c.id).where(core_jobs.c.id == job_id)).first() is not None:
                return None
        try:
            with self._database.begin() as connection:
                return self._insert(connection, kind, plain, actor=actor, attempt=1, retry_of=None, job_id=job_id)
        except IntegrityError:  # another process was faster
            return None

    def get(self, job_id: str) -> Job:
        """The present state of one job.

        Raises:
            JobError: there is none of that id.
        """
        return to_job(self._true_row(job_id))

    def recent(self, kinds: Sequence[str] | None = None, limit: int = 20) -> list[Job]:
        """The newest jobs first, of all kinds or of some."""
        rows = self._recent_rows(kinds, limit)
        if self._fail_abandoned(rows):
            rows = self._recent_rows(kinds, limit)
        return [to_job(row) for row in rows]

    def cancel(self, job_id: str) -> None:
        """Take a queued job out of the queue, or ask a running one to stop. Asking twice is asking once.

        Raises:
            JobError: there is none of that id, or it is over.
        """
        self._true_row(job_id)
        now = self._clock()
        mine = update(core_jobs).where(core_jobs.c.id == job_id)
        with self._database.begin() as connection:
            queued = connection.execute(
                mine.where(core_jobs.c.state == "queued").values(
                    state="cancelled", cancel_asked_at=now, finished_at=now
                )
            )
            running = connection.execute(
                mine.where(core_jobs.c.state == "running", core_jobs.c.cancel_asked_at.is_(None)).values(
                    cancel_asked_at=now
                )
            )
            row = self._row(connection, job_id)
        if queued.rowcount + running.rowcount == 0 and row.state != "running":
            raise JobError(
                "Only a job that waits or runs can be cancelled", seen=said("it is {state}", state=settled(row.state))
            )

    def retry(self, job_id: str) -> str:
        """Queue the same work again and return the new job's id; that of an earlier retry while it is not over.

        Raises:
            JobError: there is none of that id, or it neither failed nor was cancelled.
        """
        self._true_row(job_id)
        with self._database.begin() as connection:
            # On PostgreSQL the row is locked, so that two clicks do not make two jobs; SQLite's writers queue anyway.
            row = self._row(connection, job_id, lock=True)
            if row.state not in ("failed", "cancelled"):
                raise JobError(
                    "Only a job that failed or was cancelled can be tried again",
                    seen=said("it is {state}", state=settled(row.state)),
                )
            open_retry = select(core_jobs.c.id).where(
                core_jobs.c.retry_of == job_id, core_jobs.c.state.in_(("queued", "running"))
            )
            existing = connection.execute(open_retry).scalar()
            if existing is not None:
                return str(existing)
            return self._insert(
                connection, row.kind, row.params, actor=row.actor, attempt=row.attempt + 1, retry_of=job_id
            )

    # --- inside ------------------------------------------------------------------------------------------------

    def _insert(
        self,
        connection: Connection,
        kind: str,
        params: Any,
        *,
        actor: str,
        attempt: int,
        retry_of: str | None,
        job_id: str = "",
    ) -> str:
        job_id = job_id or uuid.uuid4().hex
        connection.execute(
            insert(core_jobs).values(
                id=job_id,
                kind=kind,
                params=params,
                actor=actor,
                state="queued",
                done=0.0,
                total=0.0,
                message="",
                log_tail=[],
                attempt=attempt,
                retry_of=retry_of,
                created_at=self._clock(),
            )
        )
        return job_id

    def _recent_rows(self, kinds: Sequence[str] | None, limit: int) -> list[Row[Any]]:
        newest = select(core_jobs).order_by(core_jobs.c.created_at.desc(), core_jobs.c.id.desc()).limit(limit)
        with self._database.read() as connection:
            if kinds is None:
                return list(connection.execute(newest))
            # One look in the index for each kind: asked for several at once, SQLite sorts all their jobs.
            found = [row for kind in set(kinds) for row in connection.execute(newest.where(core_jobs.c.kind == kind))]
        return sorted(found, key=lambda row: (row.created_at, row.id), reverse=True)[:limit]

    def _true_row(self, job_id: str) -> Row[Any]:
        with self._database.read() as connection:
            row = self._row(connection, job_id)
        if self._fail_abandoned([row]):
            with self._database.read() as connection:
                row = self._row(connection, job_id)
        return row

    def _row(self, connection: Connection, job_id: str, *, lock: bool = False) -> Row[Any]:
        wanted = select(core_jobs).where(core_jobs.c.id == job_id)
        row = connection.execute(wanted.with_for_update() if lock else wanted).first()
        if row is None:
            raise JobError("There is no job of that id", seen=job_id)
        return row

    def _fail_abandoned(self, rows: Sequence[Row[Any]]) -> bool:
        gone = abandoned(rows, self._alive, self._clock())
        if gone:
            fail_abandoned(self._database, gone, self._clock(), self._logs)
        return bool(gone)


def _plain(kind: str, params: Mapping[str, Any]) -> Any:
    try:
        return json.loads(json.dumps(dict(params), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise JobError("A job's parameters are what JSON can hold", seen=f"{kind}: {error}") from error
