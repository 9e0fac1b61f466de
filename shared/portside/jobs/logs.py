"""The end of a job's log, as people want to see it."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["log_path", "read_tail"]

TAIL_LINES = 40
TAIL_BYTES = 32_768
"""Read from the end of the file, however long it is."""
LINE_CHARACTERS = 400


def log_path(folder: Path, job_id: str) -> Path:
    """Where the log of one job lies."""
    return folder / f"{job_id}.log"


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
