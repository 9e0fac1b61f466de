"""What the recommender keeps in files: the vectors of the catalogue by encoder, and what was learned from events.

Everything here can be made again from the database and the models; every file is replaced in one step. ::

    <home>/indexes/recommend/behaviour.safetensors      weights, item-to-item matrices, how they were chosen
    <home>/indexes/recommend/vectors/<encoder>/         vectors by item id, and up to which state of the catalogue
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from portside.errors import ModelDamaged, StorageError
from portside.retrieval.vectors import VectorIndex
from portside_recommend.behaviour import Behaviour
from portside_recommend.config import RankingWeights

__all__ = ["KeptBehaviour", "KeptVectors", "Library"]

LOCK_SECONDS = 30.0
MATRICES = ("together", "following")


@dataclass(frozen=True, eq=False)
class KeptBehaviour:
    """What was learned, over the items it was learned from."""

    behaviour: Behaviour
    item_ids: tuple[str, ...]
    """Of the rows of the matrices."""
    weights: RankingWeights
    facts: Mapping[str, Any]
    """When, from how much, and how the weights were chosen."""


@dataclass(frozen=True, eq=False)
class KeptVectors:
    """Vectors of one encoder, and the state of the catalogue that they belong to."""

    index: VectorIndex
    version: int


class Library:
    """Reads and writes these files. Several processes may: the last one to write is believed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    # --- behaviour ---------------------------------------------------------------------------------------------

    def stamp(self) -> tuple[int, int] | None:
        """A value that changes when the behaviour was written again; None while there is none."""
        try:
            found = self._behaviour_path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino

    def save_behaviour(self, kept: KeptBehaviour) -> None:
        """Replace what was learned.

        Raises:
            StorageError: the folder cannot be written.
        """
        from safetensors.numpy import save_file

        arrays: dict[str, Any] = {"popular": kept.behaviour.popular}
        for name in MATRICES:
            matrix: sp.csr_matrix[Any] = getattr(kept.behaviour, name)
            arrays[f"{name}.data"] = matrix.data.astype(np.float32)
            arrays[f"{name}.indices"] = matrix.indices.astype(np.int32)
            arrays[f"{name}.indptr"] = matrix.indptr.astype(np.int64)
        said = {
            "item_ids": list(kept.item_ids),
            "weights": kept.weights.to_dict(),
            "method": kept.behaviour.method,
            "facts": dict(kept.facts),
        }
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._folder, suffix=".new")
            os.close(handle)
            save_file(arrays, name, metadata={"portside": json.dumps(said)})
            os.replace(name, self._behaviour_path)
        except OSError as error:
            raise self._unwritable(error) from error

    def load_behaviour(self) -> KeptBehaviour | None:
        """What was learned last; None while nothing was.

        Raises:
            ModelDamaged: the file cannot be read.
        """
        from safetensors import SafetensorError, safe_open

        if not self._behaviour_path.exists():
            return None
        try:
            with safe_open(self._behaviour_path, framework="numpy") as file:
                said = json.loads(file.metadata()["portside"])
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  no mapping
            size = len(said["item_ids"])
            matrices = {
                name: sp.csr_matrix(
                    (arrays[f"{name}.data"], arrays[f"{name}.indices"], arrays[f"{name}.indptr"]), shape=(size, size)
                )
                for name in MATRICES
            }
            behaviour = Behaviour(matrices["together"], matrices["following"], arrays["popular"], said["method"])
            weights = RankingWeights.from_dict(said["weights"])
            return KeptBehaviour(behaviour, tuple(said["item_ids"]), weights, said["facts"])
        except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
            raise ModelDamaged(
                "What was learned from events must be readable",
                seen=f"{self._behaviour_path}: {error}",
                remedy="Remove the file and run: portside recommend train",
            ) from error

    # --- vectors -----------------------------------------------------------------------------------------------

    def save_vectors(self, model: str, kept: KeptVectors) -> None:
        """Replace the vectors that ``model`` made.

        Raises:
            StorageError: the folder cannot be written.
        """
        folder = self._vectors_folder(model)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with self._locked(folder):
                kept.index.save(folder / "index")
                _write(folder / "version.json", {"version": kept.version, "model": model})
        except OSError as error:
            raise self._unwritable(error) from error

    def load_vectors(self, model: str) -> KeptVectors | None:
        """The vectors that ``model`` made; None where there are none, or none that can be read: they are made again."""
        folder = self._vectors_folder(model)
        if not (folder / "version.json").exists():
            return None
        try:
            with self._locked(folder):
                said = json.loads((folder / "version.json").read_text(encoding="utf-8"))
                return KeptVectors(VectorIndex.load(folder / "index"), int(said["version"]))
        except (OSError, ValueError, KeyError, TypeError, ModelDamaged, StorageError):
            return None

    # --- inside ------------------------------------------------------------------------------------------------

    @property
    def _behaviour_path(self) -> Path:
        return self._folder / "behaviour.safetensors"

    def _vectors_folder(self, model: str) -> Path:
        return self._folder / "vectors" / re.sub(r"[^\w.-]+", "_", model)

    @contextmanager
    def _locked(self, folder: Path) -> Iterator[None]:
        from filelock import FileLock, Timeout

        try:
            with FileLock(folder / ".lock", timeout=LOCK_SECONDS):
                yield
        except Timeout as error:
            raise StorageError(
                "Only one process at a time may change the vectors",
                seen=f"{error.lock_file} is held since {LOCK_SECONDS:.0f} seconds",
                remedy="Look for a process that hangs, then try again",
            ) from error

    def _unwritable(self, error: OSError) -> StorageError:
        return StorageError(
            "The folder of indexes must be writable",
            seen=f"{self._folder}: {error.strerror or error}",
            remedy="Free space or set PORTSIDE_HOME to a folder of your own",
        )


def _write(path: Path, content: Mapping[str, Any]) -> None:
    part = path.with_suffix(".new")
    part.write_text(json.dumps(content), encoding="utf-8")
    os.replace(part, path)
