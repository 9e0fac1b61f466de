"""Build every engine that this machine can run for a model, measure each, keep the best. Imports torch."""

from __future__ import annotations

import importlib.util
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from portside.inference.batched import Forward
from portside.inference.engines.build import BUILDERS, export
from portside.inference.engines.choice import Measured, choose, refusal
from portside.inference.engines.interface import KINDS, ORIGINAL, TORCH_BF16, EngineKind
from portside.inference.engines.machine import LIBRARIES, library
from portside.inference.engines.runtimes import load_engine
from portside.inference.engines.store import Compiled, CompiledPlace, remove_compiled, write_compiled
from portside.inference.engines.subject import Answers, Subject
from portside.inference.network import as_forward, best_device, use_threads
from portside.progress import NullProgress, Progress
from portside.said import said

__all__ = ["ORIGINAL", "Compilation", "compile_model"]

SINGLES = 200
"""Rows asked one by one: of fewer than 100, a single one that is answered otherwise than among others would be too many
for ``LEAST_AGREEMENT``, by chance."""
ROUNDS = 3
"""Times that all rows are timed; the fastest counts: what disturbs a machine only ever slows it down."""


@dataclass(frozen=True)
class Compilation:
    """What was measured, and what serves from now on."""

    original: Measured
    engines: Sequence[Measured]
    failed: dict[str, str]
    """Engines that could not be built or run, and why."""
    chosen: Measured | None
    rows: int
    measure: str = ""
    refused: dict[str, str] = field(default_factory=dict)
    record: Compiled | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "rows": self.rows,
            "measure": self.measure,
            "serves": ORIGINAL if self.chosen is None else self.chosen.engine,
            "original": self.original.to_dict(),
            "engines": [one.to_dict() for one in self.engines],
            "refused": self.refused,
            "failed": self.failed,
        }


def compile_model(
    subject: Subject,
    place: CompiledPlace,
    *,
    threads: int = 0,
    kinds: Sequence[EngineKind] = KINDS,
    progress: Progress | None = None,
) -> Compilation:
    """Measure every engine of ``kinds`` on the rows of ``subject``; the best is put into ``place``."""
    use_threads(threads)
    told, steps = progress or NullProgress(), len(kinds) + 1
    told.update(0, steps, said("measuring the original"))
    # Measured where it will serve; exported where every engine can read it.
    device = best_device()
    original, answers = _measure(
        subject, ORIGINAL, as_forward(subject.network.to(device), subject.outputs, device=device), _size(subject)
    )
    found: list[Measured] = []
    failed: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="portside-compile-") as scratch:
        workshop = _Workshop(subject, Path(scratch), threads)
        for done, kind in enumerate(kinds, start=1):
            told.update(done, steps, said("building and measuring {engine}", engine=kind.name))
            if importlib.util.find_spec(kind.library) is None:
                failed[kind.name] = f"{kind.library} is not installed"
                continue
            try:
                forward, megabytes = workshop.engine(kind.name)
                found.append(_measure(subject, kind.name, forward, megabytes, answers)[0])
            # A library that cannot build or run this network on this processor is one engine less, not an error.
            except Exception as error:
                failed[kind.name] = f"{type(error).__name__}: {error}".splitlines()[0]
        chosen = choose(original, found, subject.rows)
        refused = {one.engine: why for one in found if (why := refusal(one, original, subject.rows))}
        made = Compilation(original, found, failed, chosen, subject.rows, subject.measure, refused)
        if chosen is None:
            remove_compiled(place)
            return made
        record = write_compiled(place, workshop.file(chosen.engine), chosen.engine, {**made.to_dict(), **_machine()})
    return Compilation(original, found, failed, chosen, subject.rows, subject.measure, refused, record)


class _Workshop:
    """Builds engines of one network in a folder; it is exported once, when the first needs it."""

    def __init__(self, subject: Subject, folder: Path, threads: int) -> None:
        self._subject, self._folder, self._threads = subject, folder, threads
        self._broken: Exception | None = None

    def engine(self, name: str) -> tuple[Forward, float]:
        """The engine, ready to be asked, and the megabytes of its weights."""
        if name == TORCH_BF16:
            device = best_device()
            network = self._subject.network.to(device)
            forward = as_forward(network, self._subject.outputs, device=device, precision="bf16")
            return forward, _size(self._subject)
        path = self._built(name)
        return load_engine(name, path, threads=self._threads), path.stat().st_size / 1e6

    def file(self, name: str) -> Path | None:
        """What it needs when it serves; None: no file."""
        if name == TORCH_BF16:
            return None
        return self._folder / ("exported.onnx" if BUILDERS[name] is None else f"{name}.onnx")

    def _built(self, name: str) -> Path:
        exported = self._folder / "exported.onnx"
        if self._broken is not None:
            raise self._broken
        if not exported.exists():
            try:
                export(self._subject, exported)
            except Exception as error:
                self._broken = error
                raise
        build, path = BUILDERS[name], self.file(name)
        assert path is not None
        if build is not None:
            build(self._subject, exported, path)
        return path


def _measure(
    subject: Subject, name: str, forward: Forward, megabytes: float, original: Answers | None = None
) -> tuple[Measured, Answers]:
    """Speed, size and answers of one engine; also the answers themselves, to all rows."""
    everything = range(subject.rows)
    answers = subject.ask(forward, everything)
    bulk = min(_seconds(lambda: subject.ask(forward, everything)) for _ in range(ROUNDS))
    places = [place * subject.rows // SINGLES for place in range(SINGLES)] if subject.rows > SINGLES else everything
    alone: list[Any] = []
    single = [_seconds(lambda place=place: alone.extend(subject.ask(forward, [place]))) for place in places]
    return Measured(
        name,
        texts_per_second=subject.rows / bulk,
        single_ms=1000 * median(single),
        agreement=1.0 if original is None else subject.agreement(answers, original),
        alone=subject.agreement(alone, [answers[place] for place in places]),
        megabytes=megabytes,
        quality=None if subject.quality is None else subject.quality(answers),
        nearest=None
        if subject.nearest is None
        else subject.nearest(answers, answers if original is None else original),
    ), answers


def _size(subject: Subject) -> float:
    return float(sum(one.numel() * one.element_size() for one in subject.network.parameters()) / 1e6)


def _seconds(work: Callable[..., object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _machine() -> dict[str, str]:
    versions = {name: library(name) for name in LIBRARIES}
    return {"machine": platform.processor() or platform.machine(), **versions}
