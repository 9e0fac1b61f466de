"""Long work in the background: queued in the database, run by a worker process, visible and stoppable from any page."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from portside.jobs.queue import JobQueue
    from portside.jobs.records import Job, JobContext, JobState
    from portside.jobs.worker import Worker, run_worker

__all__ = ["Job", "JobContext", "JobQueue", "JobState", "Worker", "run_worker"]

_HOMES = {
    "Job": "portside.jobs.records",
    "JobContext": "portside.jobs.records",
    "JobQueue": "portside.jobs.queue",
    "JobState": "portside.jobs.records",
    "Worker": "portside.jobs.worker",
    "run_worker": "portside.jobs.worker",
}


def __getattr__(name: str) -> Any:
    # Imported when asked for: the process of a job needs the context only, and starts a second sooner without the rest.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
