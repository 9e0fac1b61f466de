"""How long a new process takes to its first answer, and what it holds then, beside transformers and its pipeline.

Every figure is of new processes, the contenders in turn; files are in the machine's cache, as after any first start.
Seconds run from the start of the interpreter to the answer.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from portside.console import say, table
from portside.data import load_examples
from portside.errors import PortsideError
from portside.tasks.classification import ClassificationRecipe
from portside.training.classification import make_task
from portside.training.run import train_task
from tests.benchmarks.asked import named
from tests.benchmarks.scratch import compiled, scratch_order

REPEATS = 5
MODELS = 5
"""That serve side by side in one process."""
PATIENCE_SECONDS = 300
HEAD = ["a new process", "seconds", "least-most", "peak MB", "by", "pipeline's seconds are", "its memory is"]
ONE, SEVERAL, ORIGINAL, HELP, PIPELINE, IMPORTS = (
    "first answer, one compiled model",
    f"first answers, {MODELS} compiled models",
    "first answer, the original by torch",
    "portside --help",
    "first answer, transformers.pipeline",
    "import transformers' pipeline and classes",
)


@dataclass(frozen=True)
class Start:
    """One process."""

    seconds: float
    peak: float | None
    """Megabytes; None: not asked."""
    by: str


def run(data: Path, _seeds: int, *, only: str = "") -> dict[str, float]:
    """Make and compile a model, start each contender ``REPEATS`` times, print medians after each round."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        labels = _prepare(data, home)
        contenders: dict[str, Callable[[], Start]] = {
            ONE: partial(_cold, "models", home, 1),
            SEVERAL: partial(_cold, "models", home, MODELS),
            ORIGINAL: partial(_cold, "original", home, 1),
            HELP: _help,
            PIPELINE: partial(_cold, "pipeline", home, labels),
            IMPORTS: partial(_cold, "import", home, labels),
        }
        found: dict[str, list[Start]] = {}
        for _ in range(REPEATS):
            for name in named(contenders, only):
                found.setdefault(name, []).append(contenders[name]())
            table(HEAD, shown(found))  # so far
    return ratios(found)


def shown(found: Mapping[str, Sequence[Start]]) -> list[list[str]]:
    """Lines of the table: medians, and how many times as much the pipeline needs."""
    theirs = found.get(PIPELINE)
    rows = []
    for name, starts in found.items():
        seconds = [one.seconds for one in starts]
        peak = _peak(starts)
        rows.append(
            [
                name,
                f"{median(seconds):.2f}",
                f"{min(seconds):.2f}-{max(seconds):.2f}",
                "" if peak is None else f"{peak:,.0f}",
                starts[0].by,
                "" if theirs is None else f"× {_seconds(theirs) / median(seconds):.1f}",
                "" if theirs is None or peak is None else f"× {(_peak(theirs) or 0) / peak:.1f}",
            ]
        )
    return rows


def ratios(found: Mapping[str, Sequence[Start]]) -> dict[str, float]:
    """How many times as fast, and as small, as transformers' pipeline."""
    if PIPELINE not in found:
        return {}
    theirs, peak = found[PIPELINE], _peak(found[PIPELINE])
    out = {f"{name}, seconds": _seconds(theirs) / _seconds(found[name]) for name in (ONE, SEVERAL) if name in found}
    for name in (ONE, SEVERAL):
        own = _peak(found.get(name, ()))
        if own and peak:
            out[f"{name}, memory"] = peak / own
    return out


def _seconds(starts: Sequence[Start]) -> float:
    return median(one.seconds for one in starts)


def _peak(starts: Sequence[Start]) -> float | None:
    peaks = [one.peak for one in starts if one.peak is not None]
    return median(peaks) if peaks else None


def _prepare(data: Path, home: Path) -> int:
    """Copies of one compiled model, each with files of its own; returns how many labels they have."""
    train = load_examples(data / "support" / "banking77" / "train.csv")
    recipe = ClassificationRecipe(method="prototype")
    version = train_task(recipe, make_task(recipe, train), scratch_order(home))
    made = compiled(version)
    say(f"serves: {made.original.engine if made.chosen is None else made.chosen.engine}")
    for place in range(MODELS):
        shutil.copytree(version.folder.parent, home / f"model-{place}")
    return len(train.labels)


def _cold(what: str, home: Path, count: int) -> Start:
    return start([sys.executable, "-m", "tests.benchmarks.cold", what, str(home), str(count)])


def _help() -> Start:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "portside.cli", "--help"], check=True, capture_output=True)
    return Start(time.perf_counter() - began, None, "")


def start(command: Sequence[str]) -> Start:
    """Seconds until a process says by what it answered, its first line; on the next are its peak megabytes.

    Raises:
        PortsideError: it ended without.
    """
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as errors:
        quiet = {**os.environ, "TRANSFORMERS_VERBOSITY": "error"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=quiet) as process:
            assert process.stdout is not None
            by = process.stdout.readline().strip()
            seconds = time.perf_counter() - began
            peak = process.stdout.readline().strip()
            code = process.wait(PATIENCE_SECONDS)
        if code or not peak:
            errors.seek(0)
            raise PortsideError("A new process must answer", seen=errors.read()[-500:])
    return Start(seconds, float(peak), by)
