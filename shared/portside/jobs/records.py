"""What a job is, and what the function that does its work is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from portside.progress import Progress
from portside.settings import Settings

__all__ = ["Job", "JobContext", "JobState"]

JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]


@dataclass(frozen=True)
class Job:
    """One piece of long work as the database knows it."""

    id: str
    kind: str
    """``<app>.<verb>``; says which function does the work."""
    params: Mapping[str, Any]
    state: JobState
    done: float
    total: float
    """In the work's own units; 0 while it has not said."""
    message: str
    """What is being done now."""
    result: dict[str, Any] | None
    error: str | None
    """Advice for the person who asked, when the job failed."""
    log_tail: list[str]
    """The last lines of its log; the whole lies in ``<home>/jobs/<id>.log`` where the worker runs, till it is old."""
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    actor: str
    attempt: int
    """1 for the first try, one more for each retry."""
    retry_of: str | None = None
    cancel_asked: bool = False

    @property
    def fraction(self) -> float:
        """How much is done, from 0 to 1."""
        return min(max(self.done / self.total, 0.0), 1.0) if self.total > 0 else 0.0

    @property
    def is_over(self) -> bool:
        """Whether the state will not change any more."""
        return self.state in ("succeeded", "failed", "cancelled")


@dataclass(frozen=True)
class JobContext:
    """What ``run(context, **params)`` may use. It runs in a process of its own."""

    settings: Settings
    progress: Progress
    """``update`` raises ``Cancelled`` once the user asked to stop."""
    job_id: str
    actor: str
    attempt: int = 1
