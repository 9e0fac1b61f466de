"""The list of a version's files with sizes and checksums, and the comparison of a folder with it."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from portside.errors import ModelDamaged, ModelError
from portside.said import said

__all__ = [
    "CARD_FILE",
    "DERIVED",
    "MANIFEST_FILE",
    "PROSE_FILE",
    "FileMark",
    "check_folder",
    "measure",
    "measure_folder",
]

CARD_FILE = "card.json"
PROSE_FILE = "CARD.md"
MANIFEST_FILE = "manifest.json"
DERIVED = ".compiled"
"""Beside the versions: what was made of each for this machine, and can be made again."""

# Formats that run code when they are read.
PICKLES = frozenset({".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt"})
PICKLE_NAMES = frozenset({"pytorch_model.bin", "training_args.bin", "optimizer.bin"})


@dataclass(frozen=True, slots=True)
class FileMark:
    """One file's size in bytes and sha256 in hexadecimal."""

    size: int
    sha256: str


def measure(path: Path) -> FileMark:
    """Size and checksum of one file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileMark(path.stat().st_size, digest)


def measure_folder(folder: Path) -> dict[str, FileMark]:
    """Every file under ``folder`` by its path in it.

    Raises:
        ModelError: there is a link, a special file or a pickle among them.
    """
    marks: dict[str, FileMark] = {}
    for relative in _files(folder):
        path = folder / relative
        if path.is_symlink() or not path.is_file():
            raise ModelError("A model version holds plain files only", seen=relative, remedy="Copy what the link names")
        if path.suffix.lower() in PICKLES or path.name in PICKLE_NAMES:
            raise ModelError(
                "A model version holds no pickles, which run code when they are read",
                seen=relative,
                remedy="Save weights as safetensors and the rest as JSON",
            )
        marks[relative] = measure(path)
    return marks


def check_folder(folder: Path, manifest_sha256: str, ref: str) -> None:
    """Compare every file of a version with its manifest, and the manifest with the checksum the registry keeps.

    Raises:
        ModelDamaged: a file is missing, changed, cut short or too many; names it.
    """
    expected = _read_manifest(folder, manifest_sha256, ref)
    present = set(_files(folder)) - {MANIFEST_FILE}
    for relative in sorted(present - expected.keys()):
        raise damaged(ref, folder / relative, said("it does not belong to this version"))
    for relative, mark in expected.items():  # sizes first: they cost nothing
        if relative not in present:
            raise damaged(ref, folder / relative, said("it is missing"))
        _check_size(folder / relative, mark, ref)
    for relative, mark in expected.items():
        try:
            found = measure(folder / relative)
        except OSError as error:
            raise damaged(ref, folder / relative, said("it cannot be read ({why})", why=error.strerror)) from error
        if found != mark:
            raise damaged(ref, folder / relative, said("its content was changed"))


def damaged(ref: str, path: Path, what: str) -> ModelDamaged:
    """The error for one file of a version."""
    name = ref.partition(":")[0]
    return ModelDamaged(
        said("Model version {model} must hold exactly the files it was registered with", model=ref),
        seen=said("{file}: {what}", file=path, what=what),
        remedy=said(
            "Go back with: portside models rollback {name} — or restore the file from a backup, or train again",
            name=name,
        ),
    )


def _read_manifest(folder: Path, manifest_sha256: str, ref: str) -> Mapping[str, FileMark]:
    path = folder / MANIFEST_FILE
    try:
        content = path.read_bytes()
    except OSError as error:
        what = (
            said("it is missing")
            if isinstance(error, FileNotFoundError)
            else said("it cannot be read ({why})", why=error.strerror)
        )
        raise damaged(ref, path, what) from error
    if hashlib.sha256(content).hexdigest() != manifest_sha256:
        raise damaged(ref, path, said("its content was changed"))
    files = json.loads(content)["files"]
    return {relative: FileMark(mark["size"], mark["sha256"]) for relative, mark in files.items()}


def _check_size(path: Path, mark: FileMark, ref: str) -> None:
    try:
        status = path.lstat()
    except OSError as error:
        raise damaged(ref, path, said("it cannot be read ({why})", why=error.strerror)) from error
    if not stat.S_ISREG(status.st_mode):
        raise damaged(ref, path, said("it is not a plain file"))
    if status.st_size != mark.size:
        raise damaged(ref, path, said("it has {n} bytes instead of {right}", n=status.st_size, right=mark.size))


def _files(folder: Path) -> list[str]:
    """Paths of everything but folders, in it; a link to a folder counts as a file."""
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()
    )
