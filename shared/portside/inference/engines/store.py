"""Where a compiled model lies, and whether it may be used: beside the versions, with a record of its own.

A version's folder never changes. A compiled file is made anew at any time, so that what cannot be read, does not
belong to the version or was checked on another kind of processor is left aside and the original serves.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from portside.inference.engines.interface import ORIGINAL, Engine
from portside.inference.engines.machine import LIBRARIES, Machine, this_machine
from portside.inference.engines.runtimes import load_engine
from portside.inference.pooling import Pooling
from portside.registry.manifest import DERIVED, MANIFEST_FILE, measure

__all__ = [
    "Compiled",
    "CompiledPlace",
    "compiled_stamp",
    "encoder_place",
    "keep_as_trained",
    "kept_as_trained",
    "load_compiled",
    "made_elsewhere",
    "place_of",
    "place_stamp",
    "read_compiled",
    "remove_compiled",
    "write_compiled",
]

FORMAT = 1
RECORD_FILE, MODEL_FILE = "engine.json", "model.onnx"
AS_TRAINED_FILE = "as_trained"
"""Says that the user wants the original."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CompiledPlace:
    """Where what is made of a model lies."""

    folder: Path
    made_from: str
    """What tells the model from every other: the sha256 of its manifest or weights; empty: nothing can belong to it."""


@dataclass(frozen=True)
class Compiled:
    """The record of a compiled model."""

    engine: str
    sha256: str
    """Of the compiled file; empty where the engine needs none."""
    made_from: str
    measured: Mapping[str, Any]
    """What was measured of every engine, and on what machine."""
    format: int = FORMAT
    processor: str = ""
    onnxruntime: str = ""
    """With ``processor``: the ``Machine`` on which it was checked; empty in records of earlier versions of Portside."""
    openvino: str = ""
    torch: str = ""
    graphics: str = ""


def place_of(version_folder: Path) -> CompiledPlace:
    """``models/NAME/3`` is compiled into ``models/NAME/.compiled/3``."""
    folder = _compiled_folder(version_folder)
    try:
        return CompiledPlace(folder, measure(version_folder / MANIFEST_FILE).sha256)
    except OSError:
        return CompiledPlace(folder, "")


def _compiled_folder(version_folder: Path) -> Path:
    return version_folder.parent / DERIVED / version_folder.name


def encoder_place(folder: Path, name: str, sha256: str, pooling: Pooling = "mean") -> CompiledPlace:
    """Where the compiled form of pretrained weights lies below ``folder``; ``sha256`` is theirs."""
    # An engine has the pooling in it: one made while the same weights were read in another way gives other vectors.
    made_from = sha256 if pooling == "mean" else f"{sha256} {pooling}"
    return CompiledPlace(folder / ".encoders" / (re.sub(r"[^\w.-]+", "-", name) or "encoder"), made_from)


def write_compiled(
    place: CompiledPlace,
    built: Path | None,
    engine: str,
    measured: Mapping[str, Any],
    *,
    machine: Machine | None = None,
) -> Compiled:
    """Put the file ``built`` into service; it is moved. What was there before is replaced.

    ``machine``: on which it was checked; None: this one.

    The record is written last and in one step: a folder without one is no compiled model.
    """
    place.folder.mkdir(parents=True, exist_ok=True)
    for name in (RECORD_FILE, AS_TRAINED_FILE):
        (place.folder / name).unlink(missing_ok=True)
    sha256 = ""
    if built is not None:
        shutil.move(built, place.folder / MODEL_FILE)
        sha256 = measure(place.folder / MODEL_FILE).sha256
    record = Compiled(engine, sha256, place.made_from, dict(measured), **asdict(machine or this_machine()))
    part = place.folder / f".{RECORD_FILE}.part"
    part.write_text(json.dumps(asdict(record), indent=2) + "\n", encoding="utf-8")
    part.replace(place.folder / RECORD_FILE)
    os.utime(place.folder.parent)  # by which running processes see that something changed
    return record


def remove_compiled(place: CompiledPlace) -> None:
    """From now on the original serves."""
    shutil.rmtree(place.folder, ignore_errors=True)


def keep_as_trained(place: CompiledPlace) -> None:
    """The same by the user's wish: nothing but a user compiles it again."""
    remove_compiled(place)
    place.folder.mkdir(parents=True)
    (place.folder / AS_TRAINED_FILE).touch()


def kept_as_trained(place: CompiledPlace) -> bool:
    """Whether the user wants the original to serve."""
    return (place.folder / AS_TRAINED_FILE).exists()


def compiled_stamp(version_folder: Path) -> int:
    """A number that changes whenever a version is compiled anew, or no more."""
    return _stamp(_compiled_folder(version_folder))


def place_stamp(place: CompiledPlace) -> int:
    """The same of what lies in ``place``."""
    return _stamp(place.folder)


def _stamp(folder: Path) -> int:
    try:
        return (folder / RECORD_FILE).stat().st_mtime_ns
    except OSError:
        return 0


def read_compiled(place: CompiledPlace, machine: Machine | None = None) -> Compiled | None:
    """The record; None where there is none of this model that this Portside can read, made on such a ``machine``."""
    record = _record(place)
    return None if record is None or _elsewhere(record, machine) else record


def made_elsewhere(place: CompiledPlace, machine: Machine | None = None) -> str:
    """Advice where the model was compiled, but not for this kind of processor and library; else empty."""
    record = _record(place)
    if record is None or not _elsewhere(record, machine):
        return ""
    here = place.folder
    name = f"{here.parent.parent.name}:{here.name}" if here.parent.name == DERIVED else here.name
    return f"compiled for another {_other(record, machine or this_machine())}: run portside compile {name} again"


def _elsewhere(record: Compiled, machine: Machine | None) -> bool:
    return _machine_of(record) != _relevant(record, machine or this_machine())


def _relevant(record: Compiled, here: Machine) -> Machine:
    """``here`` as far as it matters: what OpenVINO does not run need not go when OpenVINO is installed or renewed. That
    the original serves may change then, and costs nothing to measure again. The same of what torch does not run.
    """
    if not record.engine.startswith("torch"):
        here = replace(here, torch=record.torch, graphics=record.graphics)
    runs = record.engine.startswith("openvino") or record.engine == ORIGINAL
    return here if runs else replace(here, openvino=record.openvino)


def _other(record: Compiled, machine: Machine) -> str:
    there, here = _machine_of(record), _relevant(record, machine)
    if there.processor != here.processor:
        return "processor"
    if there.graphics != here.graphics:
        return "GPU"
    return f"version of {next(said for name, said in LIBRARIES.items() if getattr(there, name) != getattr(here, name))}"


def _machine_of(record: Compiled) -> Machine:
    return Machine(record.processor, record.onnxruntime, record.openvino, record.torch, record.graphics)


def _record(place: CompiledPlace) -> Compiled | None:
    try:
        raw = json.loads((place.folder / RECORD_FILE).read_text(encoding="utf-8"))
        record = Compiled(**raw)
    except (OSError, ValueError, TypeError):
        return None
    return record if record.format == FORMAT and record.made_from == place.made_from != "" else None


def load_compiled(
    place: CompiledPlace,
    *,
    threads: int,
    inputs: int = 2,
    load: Callable[..., Engine] = load_engine,
    machine: Machine | None = None,
) -> Engine | None:
    """The compiled engine; None, with a line in the log where that is a fault, where torch has to serve.

    It has answered a tiny batch of ``inputs`` arrays: a library may load what it then cannot run.
    """
    advice = made_elsewhere(place, machine)
    if advice:
        log.warning("%s is not used, it was %s; the original serves", place.folder, advice)
        return None
    record = read_compiled(place, machine)
    if record is None or not record.sha256:
        return None
    path = place.folder / MODEL_FILE
    try:
        if measure(path).sha256 != record.sha256:
            raise ValueError("its content was changed")
        engine = load(record.engine, path, threads=threads)
        _try_out(engine, inputs)
        return engine
    # Libraries raise errors of their own for files and processors they cannot use: whatever it is, the original serves.
    except Exception as error:
        log.warning("%s is not used (%s: %s); the original serves", path, type(error).__name__, error)
        return None


def _try_out(engine: Engine, inputs: int) -> None:
    ids, mask = np.ones((2, 4), dtype=np.int64), np.array([[1, 1, 1, 1], [1, 1, 0, 0]])
    further = [np.zeros_like(ids) for _ in range(inputs - 2)]
    found = engine(ids, mask, *further)
    if len(found) != 2 or not np.isfinite(found).all():
        raise ValueError("it gives no numbers")
