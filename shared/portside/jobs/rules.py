"""What is decided about jobs: when one is abandoned, how one is stopped, how one ended. No clock, process or table."""

from __future__ import annotations

import signal
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from portside.jobs.records import JobState
from portside.said import said

__all__ = ["Ending", "Outcome", "Timing", "ending", "is_abandoned", "logs_to_remove", "stop_step", "unexpected"]

SILENCE = timedelta(seconds=60)
"""A worker on another machine that says nothing for so long is taken for dead: a dozen heartbeats, so that a stall of
the network does not fail a training of an hour."""

KEPT_LOGS = 200
"""Logs left on disk: what a job's page shows of one, its last lines, is in the database for good."""


@dataclass(frozen=True)
class Timing:
    """The worker's seconds."""

    idle: float = 0.5
    """Between two looks for work: soon enough for someone who waits, cheap enough for the database."""
    beat: float = 0.5
    """Between two looks at the wish to cancel, and at most so often progress is stored."""
    heartbeat: float = 5.0
    """Between two signs of life when nothing else is stored."""
    sweep: float = 10.0
    """Between two looks for jobs that other workers abandoned."""
    grace: float = 15.0
    """From the user's wish to stop to SIGTERM: a training step and the saving of a checkpoint fit in."""
    leave: float = 4.0
    """The same when the worker itself must go: who stops it (a server, a supervisor) waits some ten seconds."""
    kill: float = 3.0
    """From SIGTERM to SIGKILL."""


@dataclass(frozen=True)
class Outcome:
    """What the job's process said of its own end; None where it could not say anything."""

    state: JobState
    result: dict[str, Any] | None = None
    error: str | None = None


@dataclass(frozen=True)
class Ending:
    """What is stored of the job's end."""

    state: JobState
    result: dict[str, Any] | None
    error: str | None


def is_abandoned(alive: bool | None, heartbeat_at: datetime | None, now: datetime) -> bool:
    """Whether a running job's worker is gone. ``alive`` is None when its process cannot be looked up from here."""
    if alive is not None:
        return not alive
    return heartbeat_at is None or now - heartbeat_at > SILENCE


def logs_to_remove(written: Mapping[str, float], running: Collection[str], kept: int = KEPT_LOGS) -> list[str]:
    """Which logs go, of those ``written`` (job id -> time of its last line): all but the newest ``kept``.

    The log of a job that runs stays, however long it has said nothing.
    """
    newest_first = sorted(written, key=lambda job: (-written[job], job))
    return [job for job in newest_first[kept:] if job not in running]


def stop_step(seconds_since_asked: float, timing: Timing, *, worker_stops: bool) -> Literal["ask", "terminate", "kill"]:
    """How hard a job is pushed to stop, so long after it was first asked."""
    grace = timing.leave if worker_stops else timing.grace
    if seconds_since_asked < grace:
        return "ask"
    return "terminate" if seconds_since_asked < grace + timing.kill else "kill"


def ending(returncode: int, outcome: Outcome | None, *, cancel_asked: bool, worker_stops: bool) -> Ending:
    """How a job ended, from its process's exit status, its own words, and who wanted it to stop."""
    if outcome is not None and outcome.state != "cancelled":
        return Ending(outcome.state, outcome.result, outcome.error)
    if cancel_asked or (outcome is not None and not worker_stops):
        return Ending("cancelled", None, None)
    if worker_stops:
        return Ending("failed", None, said("The worker was stopped while this job ran. Next: Start it again."))
    return Ending("failed", None, _died(returncode))


def _died(returncode: int) -> str:
    if returncode == -signal.SIGKILL:
        return said(
            "The job's process was killed, most often because the machine ran out of memory. "
            "Next: Close other programs or make the work smaller (batch size, rows), then start it again."
        )
    how = f"signal {signal.Signals(-returncode).name}" if returncode < 0 else f"exit status {returncode}"
    return said(
        "The job's process ended by itself ({how}). Next: Read its last log lines, then start it again.", how=how
    )


def unexpected(incident: str) -> str:
    """What a user reads of an error nobody foresaw."""
    return said(
        "Something went wrong that you did not cause (incident {incident}). "
        "Next: Start it again; if it happens again, give this number to whoever runs Portside: the log has the "
        "details.",
        incident=incident,
    )


WORKER_DIED = said("The worker that ran this job was killed or lost its machine. Next: Start it again.")
"""Of jobs whose worker is gone."""
