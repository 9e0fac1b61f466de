"""Build every engine that this machine can run for a classifier, measure each, keep the best. Imports torch."""

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

import numpy as np
from numpy.typing import NDArray

from portside.inference.batched import Forward, run_batches
from portside.inference.engines.build import BUILDERS, export
from portside.inference.engines.choice import Measured, choose, refusal
from portside.inference.engines.interface import KINDS, EngineKind
from portside.inference.engines.runtimes import load_engine
from portside.inference.engines.store import Compiled, remove_compiled, write_compiled
from portside.inference.tokens import Tokens
from portside.progress import NullProgress, Progress
from portside.registry import ModelVersion
from portside.tasks.classification_network import load_network

__all__ = ["Compilation", "compile_version"]

ORIGINAL = "original"
SINGLES = 60
"""Texts timed one by one."""
ROUNDS = 3
"""Times that all texts are timed; the fastest counts: what disturbs a machine only ever slows it down."""


@dataclass(frozen=True)
class Compilation:
    """What was measured, and what serves from now on."""

    original: Measured
    engines: Sequence[Measured]
    failed: dict[str, str]
    """Engines that could not be built or run, and why."""
    chosen: Measured | None
    n: int
    record: Compiled | None = None
    refused: dict[str, str] = field(default_factory=dict)


def compile_version(
    version: ModelVersion,
    texts: Sequence[str],
    truth: Sequence[str],
    *,
    threads: int = 0,
    kinds: Sequence[EngineKind] = KINDS,
    progress: Progress | None = None,
) -> Compilation:
    """Compile a classifier for this machine; ``texts`` with their labels are rows that it has not learned from.

    Raises:
        ModelDamaged: the folder lacks a file or holds an unreadable one.
        ModelError: the version is a model for another task.
    """
    told = progress or NullProgress()
    network, tokens, file = load_network(version.folder)
    place_of = {label: place for place, label in enumerate(file.labels)}
    rows = _Rows(tokens, texts, np.array([place_of.get(label, -1) for label in truth]), len(file.labels))
    told.update(0, len(kinds) + 1, "measuring the original")
    original, decisions = rows.measure(ORIGINAL, _torch(network, threads), version.folder / "model.safetensors")
    found: list[Measured] = []
    failed: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="portside-compile-") as scratch:
        exported = Path(scratch) / "onnx-fp32.onnx"
        export(network, exported)
        for done, kind in enumerate(kinds, start=1):
            told.update(done, len(kinds) + 1, f"building and measuring {kind.name}")
            if importlib.util.find_spec(kind.library) is None:
                failed[kind.name] = f"{kind.library} is not installed"
                continue
            try:
                path = _built(kind.name, exported)
                engine = load_engine(kind.name, path, threads=threads)
                found.append(rows.measure(kind.name, engine, path, decisions)[0])
            # A library that cannot build or run this network on this processor is one engine less, not an error.
            except Exception as error:
                failed[kind.name] = f"{type(error).__name__}: {error}"
        chosen = choose(original, found)
        refused = {one.engine: why for one in found if (why := refusal(one, original))}
        made = Compilation(original, found, failed, chosen, len(texts), refused=refused)
        if chosen is None:
            remove_compiled(version.folder)
            return made
        record = write_compiled(version.folder, _file_of(chosen.engine, exported), chosen.engine, _told(made))
    return Compilation(original, found, failed, chosen, len(texts), record, refused)


def _file_of(engine: str, exported: Path) -> Path:
    return exported if BUILDERS[engine] is None else exported.with_name(f"{engine}.onnx")


def _built(engine: str, exported: Path) -> Path:
    build, path = BUILDERS[engine], _file_of(engine, exported)
    if build is not None:
        build(exported, path)
    return path


def _torch(network: Any, threads: int) -> Forward:
    import torch

    from portside.inference.network import use_threads

    use_threads(threads)

    def forward(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        with torch.inference_mode():
            out = network(torch.from_numpy(ids), torch.from_numpy(mask))
            found: NDArray[np.float32] = torch.cat([out["logits"], out["features"]], dim=1).numpy()
        return found

    return forward


@dataclass(frozen=True)
class _Rows:
    """What engines are measured on."""

    tokens: Tokens
    texts: Sequence[str]
    truth: NDArray[np.int64]
    labels: int

    def measure(
        self, name: str, forward: Forward, path: Path, original: NDArray[np.int64] | None = None
    ) -> tuple[Measured, NDArray[np.int64]]:
        """Speed, size and answers of one engine; also its decisions, shape (texts,)."""
        rows = run_batches(forward, self.tokens, self.texts)
        found = np.asarray(rows[:, : self.labels].argmax(axis=1), dtype=np.int64)
        bulk = min(_seconds(lambda: run_batches(forward, self.tokens, self.texts)) for _ in range(ROUNDS))
        asked = [self.texts[place % len(self.texts)] for place in range(SINGLES)]
        single = [_seconds(lambda text=text: run_batches(forward, self.tokens, [text])) for text in asked]
        agreement = 1.0 if original is None else float((found == original).mean())
        made = Measured(
            name,
            len(self.texts) / bulk,
            1000 * median(single),
            float((found == self.truth).mean()),
            agreement,
            path.stat().st_size / 1e6,
        )
        return made, found


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _told(made: Compilation) -> dict[str, Any]:
    from importlib.metadata import version as library

    return {
        "texts": made.n,
        "original": made.original.to_dict(),
        "engines": [one.to_dict() for one in made.engines],
        "refused": made.refused,
        "failed": made.failed,
        "machine": platform.processor() or platform.machine(),
        "onnxruntime": library("onnxruntime"),
    }
