"""Write so that a kill or a power cut at any moment leaves either the old or the new."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from portside.processes import ProcessMark, this_process

__all__ = ["clear_leftovers", "private_folder", "sync_tree", "write_json"]

ORPHAN_HOURS = 24.0
"""A private folder whose owner cannot be looked up (another machine) is removed when it is this old: longer
than any training."""


def write_json(path: Path, content: Mapping[str, Any]) -> bytes:
    """Replace ``path`` by ``content`` in one step and return the bytes written. Call it under the lock of ``path``."""
    return write_bytes(path, (json.dumps(content, indent=2, ensure_ascii=False, sort_keys=False) + "\n").encode())


def write_bytes(path: Path, content: bytes) -> bytes:
    """Replace ``path`` by ``content`` in one step and return it."""
    # One fixed name: what a kill leaves behind is overwritten by the next writer, who holds the lock.
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
    sync_folder(path.parent)
    return content


def sync_folder(folder: Path) -> None:
    """Bring the names in ``folder`` to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Bring every file and name under ``folder`` to the disk."""
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            sync_folder(path)
        else:
            with path.open("rb") as file:
                os.fsync(file.fileno())
    sync_folder(folder)


@contextlib.contextmanager
def private_folder(area: Path) -> Iterator[Path]:
    """An empty folder under ``area`` that is gone afterwards, unless it was moved elsewhere."""
    # Its name says whose it is, so that there is no moment at which a kill leaves a folder without an owner.
    folder = area / "~".join([*str(this_process()).split("/"), uuid.uuid4().hex])
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def clear_leftovers(area: Path) -> None:
    """Remove the private folders under ``area`` of processes that were killed; never one that is still in use."""
    if not area.is_dir():
        return
    for folder in area.iterdir():
        if _is_abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path) -> bool:
    owner = ProcessMark.parse("/".join(folder.name.split("~")[:-1]))
    alive = owner.is_alive() if owner else None
    if alive is not None:
        return not alive
    try:
        return time.time() - folder.stat().st_mtime > ORPHAN_HOURS * 3600
    except OSError:
        return False
