"""Peak memory and seconds of many short rows: reading and checking, preparing and running a training, labelling a file.

Each figure is of a process of its own, so that one does not hide behind another's peak. ``import`` is what torch and
the tokenizer alone need: what a step adds to it is the price of the rows. ``--only "label, compiled"`` labels the whole
million. ``PORTSIDE_MEMORY_ROWS`` shortens what has a million rows.

``few-shot`` runs the method as released, rows kept aside in turn, then all of them, but for one pass and with one layer
of the encoder: the vectors are as wide, the steps take a sixth of the time.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.apart import peak_megabytes
from tests.benchmarks.asked import named

ROWS = 1_000_000
PREDICTED = 20_000
"""Rows that the original labels; the time of all is extrapolated, memory is compared with a tenth of them."""
FEW_SHOT = (10_000, 100_000)
LEARNT = 2_000
"""Rows that the compiled model learned from."""
LABELS = 50
MODELS = 5
"""That serve side by side in one process."""


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    name: str
    step: str
    count: int
    needs: str = ""
    """The step that makes what it asks for."""


@dataclass(frozen=True)
class Took:
    """What a step needed."""

    seconds: float
    peak: float
    """Megabytes."""


def lines(rows: int) -> list[Line]:
    """What is measured; ``rows`` are those of the large file."""
    part = min(PREDICTED, rows)
    return [
        Line("import", "import", 0),
        *(Line(step, step, rows) for step in ("read", "stream", "prepare")),
        *(Line(f"few-shot, {count:,}", "few-shot", count, "layer") for count in FEW_SHOT),
        *(Line(f"label, torch, {count:,}", "predict", count, "make") for count in (part // 10, part)),
        Line("label, compiled", "bulk", rows, "compile"),
        *(Line(f"serve, {count} of one encoder", "serve", count, "make") for count in (1, MODELS)),
    ]


def run(data_dir: Path, seeds: int, *, only: str = "") -> dict[str, float]:
    """Print rows, seconds and peak memory of each step; ``data_dir`` and ``seeds`` change nothing."""
    asked = named(lines(int(os.environ.get("PORTSIDE_MEMORY_ROWS", ROWS))), only, lambda line: line.name)
    found: dict[str, Took] = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        made: set[str] = set()
        print(f"{'step':<24}{'rows':>12}{'seconds':>10}{'rows/s':>10}{'peak MB':>10}")
        for line in asked:
            if line.needs and line.needs not in made:
                made.add(line.needs)
                _step(line.needs, home, MODELS)
            if line.step not in ("import", "serve"):
                _write(home / f"{line.count}.csv", line.count)
            took = found[line.name] = _step(line.step, home, line.count)
            speed = f"{line.count / took.seconds:,.0f}" if line.count > MODELS else ""
            print(f"{line.name:<24}{line.count:>12,}{took.seconds:>10.1f}{speed:>10}{took.peak:>10,.0f}")
    for sentence in sentences({line: found[line.name] for line in asked}):
        print(sentence)
    one, several = (found.get(f"serve, {count} of one encoder") for count in (1, MODELS))
    return {f"{MODELS} models of one encoder, memory": MODELS * one.peak / several.peak} if one and several else {}


def sentences(found: Mapping[Line, Took]) -> list[str]:
    """What more rows cost, where a step was taken with two numbers of them."""
    out = []
    for step in ("few-shot", "predict"):
        taken = [(line.count, took.peak) for line, took in found.items() if line.step == step]
        if len(taken) == 2:
            (few, low), (many, high) = taken
            out.append(f"{step}: each further row holds {1024 * (high - low) / (many - few):,.1f} kB")
    return out


def _step(step: str, home: Path, count: int) -> Took:
    """A step in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.memory", step, str(home), str(count)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{step} of {count:,} rows failed:\n{done.stderr[-2_000:]}")
    return Took(*map(float, done.stdout.split()[-2:]))


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


def _layer(home: Path, count: int) -> None:
    """The first layer of the bundled encoder, as an encoder of its own."""
    import shutil

    from transformers import AutoModel

    from portside.encoders import bundled_folder

    source = bundled_folder()
    AutoModel.from_pretrained(source, num_hidden_layers=1, local_files_only=True).save_pretrained(home / "layer")
    for path in source.iterdir():
        if path.name.startswith(("tokenizer", "vocab", "special_tokens")):
            shutil.copy(path, home / "layer")


def _few_shot(home: Path, rows: int) -> None:
    from portside.data import load_examples
    from portside.tasks.classification import ClassificationRecipe
    from portside.training.classification import make_task
    from portside.training.run import train_task
    from tests.benchmarks.scratch import scratch_order

    recipe = ClassificationRecipe(method="few-shot", encoder=str(home / "layer"), epochs=1, consistency=0.0)
    task = make_task(recipe, load_examples(home / f"{rows}.csv"))
    assert train_task(recipe, task, scratch_order(home / f"few-shot {rows}")).validation["n"] > 0


def _compile(home: Path, count: int) -> None:
    """A classifier with its compiled form."""
    from portside.data import load_examples
    from portside.tasks.classification import ClassificationRecipe
    from portside.training.classification import make_task
    from portside.training.run import train_task
    from tests.benchmarks.scratch import compiled, scratch_order

    _write(home / "learnt.csv", LEARNT)
    recipe = ClassificationRecipe(method="prototype")
    task = make_task(recipe, load_examples(home / "learnt.csv"))
    assert compiled(train_task(recipe, task, scratch_order(home))).chosen is not None


def _bulk(home: Path, rows: int) -> None:
    from portside.commands.classification import predict_file
    from portside.registry import ModelRegistry

    version = ModelRegistry(home / "models").resolve("benchmark:1")
    predict_file(version, home / f"{rows}.csv", home / "out.csv", None, threads=0)
    assert sum(1 for _ in (home / "out.csv").open()) == rows + 1


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
    "bulk": _bulk,
    "few-shot": _few_shot,
    "layer": _layer,
    "compile": _compile,
    "make": _make,
    "serve": _serve,
}


def main() -> None:
    """One step in this process: ``step folder rows``."""
    step, home, rows = sys.argv[1:]
    began = time.monotonic()
    STEPS[step](Path(home), int(rows))
    print(time.monotonic() - began, peak_megabytes())


if __name__ == "__main__":
    main()
