"""The logs of jobs: where they lie, the end of one as people want to see it, and old ones removed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

__all__ = ["log_path", "logs_in", "read_tail", "remove_logs"]

SUFFIX = ".log"

TAIL_LINES = 40
TAIL_BYTES = 32_768
"""Read from the end of the file, however long it is."""
LINE_CHARACTERS = 400


def log_path(folder: Path, job_id: str) -> Path:
    """Where the log of one job lies."""
    return folder / f"{job_id}{SUFFIX}"


def logs_in(folder: Path) -> dict[str, float]:
    """When each log in ``folder`` was last written, in seconds, by job id; none where there is no such folder."""
    written: dict[str, float] = {}
    for path in folder.glob(f"*{SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):  # another worker removed it
            written[path.stem] = path.stat().st_mtime
    return written


def remove_logs(folder: Path, jobs: Iterable[str]) -> None:
    """Remove the logs of ``jobs``; those that are gone already are passed over."""
    for job in jobs:
        log_path(folder, job).unlink(missing_ok=True)


def read_tail(path: Path) -> list[str]:
    """The last lines of a log; none when there is no such file. Progress bars show their last state only."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - TAIL_BYTES, 0))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    lines = text.split("\n")
    if size > TAIL_BYTES:
        lines = lines[1:]  # the first one is cut
    # A zero byte cannot be stored in PostgreSQL's JSON.
    shown = [
        line.rstrip("\r").rpartition("\r")[2].replace("\0", "\N{REPLACEMENT CHARACTER}").rstrip() for line in lines
    ]
    return [line[:LINE_CHARACTERS] for line in shown if line][-TAIL_LINES:]
