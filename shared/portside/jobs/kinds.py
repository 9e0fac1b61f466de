"""Which function does the work of which kind of job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from portside.apps import AppSpec
from portside.errors import JobError
from portside.said import said

__all__ = ["CORE_JOBS", "job_address"]

CORE_JOBS: Mapping[str, str] = {
    "core.train": "portside.jobs.train:run_training",
    "core.compile": "portside.jobs.compile:run_compiling",
}


def job_address(kind: str, apps: Sequence[AppSpec]) -> str:
    """The address of ``run(context, **params) -> dict`` for ``kind``.

    Raises:
        JobError: neither the core nor an app knows it; names the kinds there are.
    """
    known = {**CORE_JOBS, **{name: address for app in apps for name, address in app.jobs.items()}}
    if kind not in known:
        raise JobError(
            "No app knows this kind of job",
            seen=kind,
            remedy=said("Use one of: {known}, or install its app", known=", ".join(sorted(known))),
        )
    return known[kind]
