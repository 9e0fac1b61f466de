"""Where an unfinished training lives, so that ``--resume`` can go on: one folder a model name, under a lock.

::

    <runs>/<name>.lock          held by the process that trains
    <runs>/<name>/run.json      what is trained on what, and the plan
    <runs>/<name>/checkpoint-N/ weights, optimizer, random state, and trainer_state.json, written last
    <runs>/<name>/round-2/      the same for a model that takes several trainings; training-2/ where their weights
                                are averaged
    <runs>/precision.json       which precision is the faster one on this machine, as it was measured once

``optimizer.pt``, ``scheduler.pt`` and ``rng_state.pth`` are torch files; the Trainer reads them with
``weights_only``, and only from here. Treat the folder like the rest of PORTSIDE_HOME: nothing in it should come
from others.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from portside.errors import StorageError, UsageError
from portside.said import said
from portside.training.plan import Plan

__all__ = ["RunFolder", "open_run"]

CHECKPOINT_FILES = ("model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "portside.json")
LAST_WRITTEN = "trainer_state.json"


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run, held by this process."""

    path: Path
    identity: Mapping[str, Any]
    resumed: bool
    """The run goes on from an earlier, interrupted one (which may have left no checkpoint yet)."""
    discarded: bool = False
    """An interrupted run with a checkpoint was thrown away: ``resume`` was not asked for."""
    outer: RunFolder | None = None
    """The run that this one is a part of."""

    @property
    def memory(self) -> Path:
        """Where it is kept, from one run to the next, which precision is the faster one on this machine."""
        return self.path.parent / "precision.json" if self.outer is None else self.outer.memory

    @property
    def checkpoint(self) -> Path | None:
        """The newest complete checkpoint; None for a new run or one that was stopped before the first."""
        return _newest_checkpoint(self.path) if self.resumed else None

    def saved_plan(self) -> Plan | None:
        """The plan of the interrupted run, if it had one: going on means going on with that."""
        raw = _read_json(self.path / "run.json").get("plan") if self.resumed else None
        known = {field.name for field in fields(Plan)}
        # A run that an earlier version of Portside left behind is planned anew.
        return Plan(**raw["steps"]) if raw and set(raw["steps"]) == known else None

    def saved_precision(self) -> str | None:
        """The precision the interrupted run computed in."""
        raw = _read_json(self.path / "run.json").get("plan") if self.resumed else None
        return str(raw["precision"]) if raw else None

    def save_plan(self, plan: Plan, precision: str) -> None:
        """Keep the plan for whoever resumes."""
        _write_json(
            self.path / "run.json",
            {"identity": dict(self.identity), "plan": {"steps": asdict(plan), "precision": precision}},
        )

    def inner(self, name: str) -> RunFolder:
        """The folder, inside this one, of another training that the same model needs."""
        path = self.path / name
        resumed = self.resumed and path.is_dir()
        path.mkdir(exist_ok=True)
        return RunFolder(path, self.identity, resumed, outer=self)

    def remove(self) -> None:
        """The run is finished and registered."""
        shutil.rmtree(self.path, ignore_errors=True)


@contextmanager
def open_run(runs_dir: Path, name: str, identity: Mapping[str, Any], *, resume: bool) -> Iterator[RunFolder]:
    """Hold the run folder of ``name``: a new one, or with ``resume`` the one an interrupted training left.

    Raises:
        UsageError: another process trains this name now, or the interrupted run trained something else.
        StorageError: the folder cannot be written.
    """
    path = runs_dir / name
    try:
        runs_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(runs_dir / f"{name}.lock", timeout=0):
            resumed = resume and _may_resume(path, identity, name)
            discarded = not resumed and _newest_checkpoint(path) is not None
            if not resumed:
                shutil.rmtree(path, ignore_errors=True)
                path.mkdir()
                _write_json(path / "run.json", {"identity": dict(identity), "plan": None})
            yield RunFolder(path, identity, resumed, discarded)
    except Timeout:
        raise UsageError(
            said("Only one training of '{name}' can run at a time", name=name),
            seen=said("another process holds {file}", file=runs_dir / f"{name}.lock"),
            remedy="Wait for it, stop it, or train under another --name",
        ) from None
    except PermissionError as error:
        raise StorageError(
            "The folder of unfinished runs must be writable",
            seen=str(error),
            remedy="Set PORTSIDE_HOME to a folder of your own",
        ) from error


def _may_resume(path: Path, identity: Mapping[str, Any], name: str) -> bool:
    found = _read_json(path / "run.json").get("identity")
    if found is None:
        return False
    now = json.loads(json.dumps(dict(identity)))
    differing = _differences(found, now)
    if differing:
        raise UsageError(
            "A training can only be resumed with the same data and recipe",
            seen=said("the interrupted run of '{name}' differs in {what}", name=name, what=", ".join(differing)),
            remedy="Resume with what it was started with, or leave --resume out to start anew",
        )
    return True


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    out = []
    for key in sorted({*before, *now}):
        old, new = before.get(key), now.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            out += [
                f"{inner} ({old.get(inner)} then, {new.get(inner)} now)"
                for inner in sorted({*old, *new})
                if old.get(inner) != new.get(inner)
            ]
        elif old != new:
            out.append(f"the {key.replace('_', ' ')}")
    return out


def _newest_checkpoint(path: Path) -> Path | None:
    def step(folder: Path) -> int:
        return int(folder.name.removeprefix("checkpoint-"))

    folders = [folder for folder in path.glob("checkpoint-*") if folder.name[len("checkpoint-") :].isdigit()]
    for folder in sorted(folders, key=step, reverse=True):
        # A kill can cut a checkpoint short: the file written last must be whole, and all others there.
        state = _read_json(folder / LAST_WRITTEN)
        if state.get("global_step") == step(folder) and all((folder / name).is_file() for name in CHECKPOINT_FILES):
            return folder
    return None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=2), encoding="utf-8")
    part.replace(path)
