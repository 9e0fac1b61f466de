"""A long output that goes on where it was cut off: the same command again, after a kill or a full disk.

Beside the output lie the rows written so far and a note of how many they are and of what: a note that fits neither the
model nor the input is not gone on with.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from portside.errors import UsageError

__all__ = ["Unfinished", "content_of", "going_on"]


@dataclass
class Unfinished:
    """An output that is being written."""

    stream: TextIO
    done: int
    """Input rows whose answers are safe."""
    _note: Path
    _about: Mapping[str, Any]
    given_up: Mapping[str, Any] = field(default_factory=dict)
    """What an earlier try was about that left something which does not belong with this; empty where none did."""

    def mark(self, done: int) -> None:
        """Make what is written so far safe: the answers of the first ``done`` rows of the input."""
        self.stream.flush()
        os.fsync(self.stream.fileno())
        note = {"about": dict(self._about), "done": done, "bytes": os.fstat(self.stream.fileno()).st_size}
        fresh = self._note.with_suffix(".new")
        fresh.write_text(json.dumps(note), encoding="utf-8")
        fresh.replace(self._note)
        self.done = done


def content_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def going_on(out: Path, about: Mapping[str, Any]) -> Iterator[Unfinished]:
    """An output that takes the place of ``out`` when all of it is written, and is kept for the next try when not.

    ``about`` says what it is made of (model, content of the input, column), as JSON can hold it: what an earlier try
    of the same left is gone on with.

    Raises:
        UsageError: the file cannot be written, or another process is writing it.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(out.with_name(f".{out.name}.lock"), timeout=0)
    try:
        out.parent.stat()  # the lock would make a folder that is not there, and a typing error pass
        with lock, _written(out, about) as unfinished:
            yield unfinished
        Path(lock.lock_file).unlink(missing_ok=True)
    except Timeout as error:
        raise UsageError(
            "One process at a time may write a file", seen=str(out), remedy="Wait for it, or name another --out"
        ) from error
    except OSError as error:
        raise UsageError(
            "The output file must be writable",
            seen=f"{out}: {error.strerror}",
            remedy="Free some space and run the same command again, which goes on; or name another file with --out",
        ) from error


@contextmanager
def _written(out: Path, about: Mapping[str, Any]) -> Iterator[Unfinished]:
    part, note = out.with_name(f".{out.name}.part"), out.with_name(f".{out.name}.part.json")
    left = _left(note, part)
    before = None if left is None or left[0] != dict(about) else left
    if before is None:
        note.unlink(missing_ok=True)
    else:
        os.truncate(part, before[2])
    try:
        # Half a surrogate pair, which JSON may hold and UTF-8 may not, becomes a question mark.
        with part.open("w" if before is None else "a", encoding="utf-8", errors="replace", newline="") as stream:
            yield Unfinished(stream, before[1] if before else 0, note, about, left[0] if left and not before else {})
        part.replace(out)
        note.unlink(missing_ok=True)
    finally:
        if not note.exists():
            with suppress(OSError):
                part.unlink(missing_ok=True)


def _left(note: Path, part: Path) -> tuple[dict[str, Any], int, int] | None:
    """What an earlier try was about, with its rows and bytes that are safe; None where none left any."""
    try:
        kept = json.loads(note.read_text(encoding="utf-8"))
        about, done, size = dict(kept["about"]), int(kept["done"]), int(kept["bytes"])
        return (about, done, size) if part.stat().st_size >= size else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
