"""Where a compiled version lies, and whether it may be used: beside the version, with a record of its own.

The version's folder never changes. A compiled file is made anew at any time, so that what cannot be read or does not
belong to this version is left aside and the original serves.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from portside.inference.engines.interface import Engine
from portside.inference.engines.runtimes import load_engine
from portside.registry.manifest import MANIFEST_FILE, measure

__all__ = ["Compiled", "compiled_folder", "load_compiled", "read_compiled", "remove_compiled", "write_compiled"]

FORMAT = 1
RECORD_FILE, MODEL_FILE = "engine.json", "model.onnx"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Compiled:
    """The record of a compiled version."""

    engine: str
    sha256: str
    """Of the compiled file."""
    made_from: str
    """sha256 of the version's manifest."""
    measured: Mapping[str, Any]
    """What was measured of every engine, and on what machine."""
    format: int = FORMAT


def compiled_folder(version_folder: Path) -> Path:
    """``models/NAME/3`` is compiled into ``models/NAME/.compiled/3``."""
    return version_folder.parent / ".compiled" / version_folder.name


def write_compiled(version_folder: Path, built: Path, engine: str, measured: Mapping[str, Any]) -> Compiled:
    """Put the file ``built`` into service for a version; it is moved. What was there before is replaced.

    The record is written last and in one step: a folder without one is no compiled version.
    """
    folder = compiled_folder(version_folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD_FILE).unlink(missing_ok=True)
    shutil.move(built, folder / MODEL_FILE)
    record = Compiled(
        engine, measure(folder / MODEL_FILE).sha256, measure(version_folder / MANIFEST_FILE).sha256, dict(measured)
    )
    part = folder / f".{RECORD_FILE}.part"
    part.write_text(json.dumps(asdict(record), indent=2) + "\n", encoding="utf-8")
    part.replace(folder / RECORD_FILE)
    return record


def remove_compiled(version_folder: Path) -> None:
    """From now on the original serves."""
    shutil.rmtree(compiled_folder(version_folder), ignore_errors=True)


def read_compiled(version_folder: Path) -> Compiled | None:
    """The record; None where the version is not compiled, or by a Portside that this one cannot read."""
    try:
        raw = json.loads((compiled_folder(version_folder) / RECORD_FILE).read_text(encoding="utf-8"))
        record = Compiled(**raw)
    except (OSError, ValueError, TypeError):
        return None
    return record if record.format == FORMAT else None


def load_compiled(version_folder: Path, *, threads: int, load: Callable[..., Engine] = load_engine) -> Engine | None:
    """The version's compiled engine; None, with a line in the log, where the original has to serve."""
    record = read_compiled(version_folder)
    if record is None:
        return None
    path = compiled_folder(version_folder) / MODEL_FILE
    try:
        if measure(version_folder / MANIFEST_FILE).sha256 != record.made_from:
            raise ValueError("it was made from another version")
        if measure(path).sha256 != record.sha256:
            raise ValueError("its content was changed")
        return load(record.engine, path, threads=threads)
    # Libraries raise errors of their own for files and processors they cannot use: whatever it is, the original serves.
    except Exception as error:
        log.warning("%s is not used (%s: %s); the original serves", path, type(error).__name__, error)
        return None
