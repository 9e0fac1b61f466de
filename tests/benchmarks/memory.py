"""Peak memory of a million short rows: reading and checking, preparing a training, labelling a file.

Each figure is of a process of its own, so that one does not hide behind another's peak. ``import`` is what torch and
the tokenizer alone need: what a step adds to it is the price of the rows.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROWS = 1_000_000
PREDICTED = 20_000
"""Rows that are really labelled; the time of all is extrapolated, memory is compared with a tenth of them."""
LABELS = 50
MODELS = 5
"""That serve side by side in one process."""


def run(data_dir: Path, seeds: int) -> None:
    """Print rows, seconds and peak memory of each step; ``data_dir`` and ``seeds`` change nothing."""
    rows = int(os.environ.get("PORTSIDE_MEMORY_ROWS", ROWS))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for count in (rows, PREDICTED, PREDICTED // 10):
            _write(home / f"{count}.csv", count)
        _step("make", home, MODELS)
        print(f"{'step':<22}{'rows':>12}{'seconds':>10}{'peak MB':>10}")
        steps = [("import", rows), ("read", rows), ("stream", rows), ("prepare", rows)]
        for step, count in [*steps, ("predict", PREDICTED // 10), ("predict", PREDICTED)]:
            seconds, peak = _step(step, home, count)
            print(f"{step:<22}{count:>12,}{seconds:>10.1f}{peak:>10,.0f}")
        serving = [_step("serve", home, count)[1] for count in (1, MODELS)]
        print(f"predict, {rows:,} rows by extrapolation: {seconds * rows / PREDICTED:,.0f} s")
        print(f"serving one model {serving[0]:,.0f} MB, {MODELS} models of the same encoder {serving[1]:,.0f} MB")


def _step(step: str, home: Path, count: int) -> tuple[float, float]:
    """Seconds and peak megabytes of a step in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.memory", step, str(home), str(count)]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, peak = map(float, found.stdout.split()[-2:])
    return seconds, peak


def _write(path: Path, rows: int) -> None:
    with path.open("w") as file:
        file.write("text,label\n")
        for row in range(rows):
            file.write(f"where is my card number {row * 7919 % 1_000_003} please,label {row % LABELS}\n")


def _import(home: Path, rows: int) -> None:
    from portside.training.classification_adapter import ClassificationAdapter

    assert ClassificationAdapter


def _read(home: Path, rows: int) -> None:
    from portside.data import load_examples

    assert len(load_examples(home / f"{rows}.csv")) == rows


def _stream(home: Path, rows: int) -> None:
    from portside.data.source import open_rows

    assert sum(len(part) for part in open_rows(home / f"{rows}.csv").parts(2_048)) == rows


def _prepare(home: Path, rows: int) -> None:
    from portside.data import load_examples
    from portside.encoders import resolve_encoder
    from portside.tasks.classification import ClassificationRecipe
    from portside.training.classification import make_task

    recipe = ClassificationRecipe()
    task = make_task(recipe, load_examples(home / f"{rows}.csv"))
    assert len(task.adapter(resolve_encoder()).rows) > 0.9 * rows


def _make(home: Path, count: int) -> None:
    """Classifiers of one encoder, each with a head of its own: what adapters, prototypes and few-shot heads leave."""
    from portside.encoders import bundled_folder
    from portside.inference.folder import ModelFile
    from portside.inference.network import pretrained_encoder
    from portside.inference.tokens import Tokens
    from portside.tasks.classification_network import ClassificationNetwork
    from portside.tasks.network_folder import save_network

    source = bundled_folder()
    tokens = Tokens(source, max_tokens=128)
    names = tuple(f"label {place}" for place in range(LABELS))
    for place in range(count):
        folder = home / f"model {place}"
        folder.mkdir()
        network = ClassificationNetwork(pretrained_encoder(source), 384, LABELS)
        save_network(folder, network, tokens, tokens.config, ModelFile("classification", 128, names))


def _serve(home: Path, count: int) -> None:
    from portside.inference.classifier import FolderClassifier

    models = [FolderClassifier(home / f"model {place}", model="m:1") for place in range(count)]
    for one in models:
        one.predict(["where is my card"])


def _predict(home: Path, rows: int) -> None:
    from portside.commands.classification import predict_file
    from portside.registry import ModelVersion

    folder = home / "model 0"
    predict_file(ModelVersion("m", 1, folder, {}), home / f"{rows}.csv", home / "out.csv", None, threads=0)


STEPS: dict[str, Callable[[Path, int], None]] = {
    "import": _import,
    "read": _read,
    "stream": _stream,
    "prepare": _prepare,
    "predict": _predict,
    "make": _make,
    "serve": _serve,
}


def main() -> None:
    """One step in this process: ``step folder rows``."""
    step, home, rows = sys.argv[1:]
    began = time.monotonic()
    STEPS[step](Path(home), int(rows))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)
    print(time.monotonic() - began, peak)


if __name__ == "__main__":
    main()
