"""Keep an index on disk so that a reader always finds a whole one.

A snapshot is a folder of its own below the index's folder; ``current.json`` names the one that counts, with the size
and SHA-256 of each of its files. Saving writes a new snapshot beside the old and then replaces ``current.json``, which
is one atomic step: whoever reads, and whoever is killed while saving, leaves and finds either the old or the new.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from portside.errors import ModelDamaged, StorageError

__all__ = ["REBUILD", "Snapshot", "load_snapshot", "pack", "save_snapshot", "unpack"]

CURRENT = "current.json"
PREFIX = "snapshot-"
REBUILD = "Build the index again from its texts"
READ_ATTEMPTS = 5
"""How often a reader starts over because a saver removed what it had begun to read: once is rare, twice rarer. The last
time savers wait for it."""


@dataclass(frozen=True)
class Snapshot:
    """The content of one saved index: arrays by file name, and ``facts`` that JSON can hold."""

    kind: str
    facts: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]


def save_snapshot(folder: Path, kind: str, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Make ``arrays`` and ``facts`` the current content of ``folder``. Savers in several processes take turns.

    Of what was there before nothing stays: what was deleted from an index is then gone from the disk as well.

    Raises:
        StorageError: the folder cannot be written (no room, no permission); what was there stays current.
    """
    from filelock import FileLock

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            name = PREFIX + uuid.uuid4().hex
            with _folder_until_done(folder / name) as target:
                manifest = {"kind": kind, "snapshot": name, "facts": dict(facts), "files": _write(target, arrays)}
                _replace(folder / CURRENT, _sealed(manifest))
            # The one before, which may hold what was deleted since, goes, and what a killed saver left. Readers that
            # have just been told its name start over.
            _drop_all_but(folder, name)
    except OSError as error:
        raise StorageError(
            "An index must be saved to a folder that can be written",
            seen=f"{folder}: {error.strerror or error}",
            remedy="Free some room or choose another PORTSIDE_HOME",
        ) from error


def load_snapshot(folder: Path, kind: str, *, mapped: Collection[str] = ()) -> Snapshot:
    """Read the current snapshot of ``folder`` and check every byte of it.

    Files named in ``mapped`` are not read into memory but mapped: they stay readable when a saver removes them. What a
    saver left behind that was killed before it could remove it is removed now.

    Raises:
        StorageError: there is no index of that kind in the folder, or it cannot be read.
        ModelDamaged: a file is missing, cut short or changed; names it.
    """
    for _ in range(READ_ATTEMPTS - 1):
        manifest = _read_manifest(folder)
        try:
            found = _read_files(folder, manifest, kind, mapped)
            _finish_saving(folder, manifest["snapshot"])
            return found
        except ModelDamaged:
            # Either it is damaged, or a saver passed while we read: then another snapshot is current by now.
            if _read_manifest(folder)["snapshot"] == manifest["snapshot"]:
                raise
    with _savers_waiting(folder):
        return _read_files(folder, _read_manifest(folder), kind, mapped)


def _drop_all_but(folder: Path, name: str) -> None:
    for other in folder.glob(PREFIX + "*"):
        if other.name != name:
            shutil.rmtree(other, ignore_errors=True)


def _finish_saving(folder: Path, name: str) -> None:
    from filelock import FileLock

    if all(other.name == name for other in folder.glob(PREFIX + "*")):
        return
    # A saver that holds the lock removes them itself; a folder that cannot be written or locked stays as it is.
    with suppress(OSError, NotImplementedError, StorageError, ModelDamaged), FileLock(folder / ".lock", timeout=0):
        _drop_all_but(folder, _read_manifest(folder)["snapshot"])


@contextmanager
def _savers_waiting(folder: Path) -> Iterator[None]:
    from filelock import FileLock

    lock = FileLock(folder / ".lock")
    try:
        lock.acquire()
    except OSError:  # a folder that cannot be written has no savers
        yield
        return
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _folder_until_done(target: Path) -> Iterator[Path]:
    target.mkdir()
    try:
        yield target
    except BaseException:
        # An error can also come after the manifest names it: then it is what readers need.
        if not _is_current(target):
            shutil.rmtree(target, ignore_errors=True)
        raise


def _is_current(target: Path) -> bool:
    try:
        return bool(_read_manifest(target.parent)["snapshot"] == target.name)
    except (StorageError, ModelDamaged):
        return False


def _write(target: Path, arrays: Mapping[str, NDArray[Any]]) -> dict[str, dict[str, Any]]:
    described: dict[str, dict[str, Any]] = {}
    for name, array in arrays.items():
        with (target / name).open("w+b") as file:
            np.save(file, array, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
            file.seek(0)
            described[name] = {"size": size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
    _sync_folder(target)
    return described


def _sealed(manifest: dict[str, Any]) -> bytes:
    body = json.dumps(manifest, sort_keys=True)
    return json.dumps({"sha256": hashlib.sha256(body.encode()).hexdigest(), "body": body}).encode()


def _replace(path: Path, content: bytes) -> None:
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    # A rename is durable only when its folder is.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / CURRENT
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StorageError("There is no index in this folder", seen=str(folder), remedy=REBUILD) from error
    try:
        sealed = json.loads(content)
        body: str = sealed["body"]
        if hashlib.sha256(body.encode()).hexdigest() != sealed["sha256"]:
            raise ValueError("its checksum does not fit")
        manifest: dict[str, Any] = json.loads(body)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelDamaged("An index must be as it was saved", seen=f"{path}: {error}", remedy=REBUILD) from error
    return manifest


def _read_files(folder: Path, manifest: Mapping[str, Any], kind: str, mapped: Collection[str]) -> Snapshot:
    if manifest["kind"] != kind:
        raise StorageError(
            f"This folder must hold a {kind} index", seen=f"{folder} holds a {manifest['kind']} index", remedy=REBUILD
        )
    arrays: dict[str, NDArray[Any]] = {}
    for name, described in manifest["files"].items():
        path = folder / manifest["snapshot"] / name
        try:
            # One handle for checking and reading: what was checked is what is read, even if a saver removes it.
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                whole = size == described["size"]
                if not whole or hashlib.file_digest(file, "sha256").hexdigest() != described["sha256"]:
                    change = "content changed" if whole else f"{size} of {described['size']} bytes"
                    seen = f"{path}: {change}"
                    raise ModelDamaged("An index must be as it was saved", seen=seen, remedy=REBUILD)
                file.seek(0)
                arrays[name] = _mapped(file) if name in mapped else np.load(file, allow_pickle=False)
        except OSError as error:
            seen = f"{path}: {error.strerror}"
            raise ModelDamaged("Every file of an index must be there", seen=seen, remedy=REBUILD) from error
    return Snapshot(kind, manifest["facts"], arrays)


def _mapped(file: BinaryIO) -> NDArray[Any]:
    # np.load maps by name only, and the name may be gone by now.
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, in_columns, kind = read(file)
    return np.memmap(file, dtype=kind, mode="r", offset=file.tell(), shape=shape, order="F" if in_columns else "C")


def pack(value: Any) -> NDArray[np.uint8]:
    """A value that JSON can hold, as an array that a snapshot can."""
    return np.frombuffer(json.dumps(value).encode(), dtype=np.uint8)


def unpack(array: NDArray[Any]) -> Any:
    """The value that ``pack`` was given."""
    return json.loads(array.tobytes())
