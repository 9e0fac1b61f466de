"""``--method auto`` against each single method, with the same time budget; nothing here is chosen on test rows."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import mean

from portside.console import table
from portside.data import Dataset, load_examples, split
from portside.evaluation.classification import evaluate_classifier
from portside.inference.classifier import load_classifier
from portside.tasks.classification import ClassificationRecipe, Method
from portside.tasks.spec import find_task
from portside.training.auto import train_auto
from portside.training.classification import make_task
from portside.training.run import train_task
from tests.benchmarks.accuracy import Material, banking77, phrasebank, twitter
from tests.benchmarks.scratch import scratch_order

Sets = tuple[Dataset, Dataset]
BUDGET_SECONDS = 120.0
METHODS: tuple[Method, ...] = ("prototype", "few-shot", "full")
HEAD = ["set", "rows", "labels", *(f"{method} %" for method in METHODS), "auto %", "chose", "auto s", "behind the best"]


def _shots(name: str, shots: int) -> Callable[[Path, int], Sets]:
    def load(data: Path, _seed: int) -> Sets:
        folder = data / "support" / name
        return load_examples(folder / f"train_{shots}shot.csv"), _in_scope(folder / "test.csv")

    return load


def _hint3(part: str) -> Callable[[Path, int], Sets]:
    """Questions of a shop's real users; those outside its intents are left out."""

    def load(data: Path, _seed: int) -> Sets:
        folder = data / "support" / "hint3" / part
        return load_examples(folder / "train.csv", text="text", label="intent"), _in_scope(folder / "test.csv")

    return load


def _natcs(part: str) -> Callable[[Path, int], Sets]:
    """What callers said; a random 30 % by label is the test set."""

    def load(data: Path, seed: int) -> Sets:
        whole = load_examples(data / "support" / "natcs_intents" / f"{part}.csv", text="text", label="intent")
        parts = split(whole, [0.7, 0.3], seed=seed)
        return parts.train, parts.valid

    return load


def _of(load: Callable[[Path, int], Material]) -> Callable[[Path, int], Sets]:
    def both(data: Path, seed: int) -> Sets:
        material = load(data, seed)
        return material.train, material.tests[""]

    return both


SETS: dict[str, Callable[[Path, int], Sets]] = {
    "BANKING77": _of(banking77),
    "BANKING77, 10 a label": _shots("banking77", 10),
    "CLINC150, 5 a label": _shots("clinc150", 5),
    "HINT3 curekart": _hint3("curekart"),
    "HINT3 powerplay11": _hint3("powerplay11"),
    "HINT3 sofmattress": _hint3("sofmattress"),
    "NatCS insurance": _natcs("insurance"),
    "NatCS finance": _natcs("finance"),
    "PhraseBank, 100 % agree": _of(phrasebank(100)),
    "Twitter financial sentiment": _of(twitter),
}


def run(data: Path, seeds: int) -> None:
    """Train each method and auto on each set ``seeds`` times and print the table."""
    rows = []
    for name, load in SETS.items():
        found: dict[str, list[float]] = {}
        chose, seconds = [], []
        for seed in range(seeds):
            train, test = load(data, seed)
            recipe = ClassificationRecipe(seed=seed, budget_seconds=BUDGET_SECONDS)
            for method in METHODS:
                found.setdefault(method, []).append(_once(replace(recipe, method=method), train, test)[0])
            accuracy, method, took = _once(recipe, train, test, auto=True)
            found.setdefault("auto", []).append(accuracy)
            chose.append(method)
            seconds.append(took)
        figures = {method: mean(accuracies) for method, accuracies in found.items()}
        best = max(figures[method] for method in METHODS)
        labels = len({example.label for example in train.examples})
        shown = [f"{figures[method]:.2f}" for method in (*METHODS, "auto")]
        behind = f"{best - figures['auto']:.2f}"
        rows.append([name, len(train), labels, *shown, ", ".join(chose), f"{mean(seconds):.0f}", behind])
        table(HEAD, rows)  # so far: the rest takes a while
    near = sum(float(row[-1]) <= 1.0 for row in rows)
    print(f"   auto is within 1 point of the best single method on {near} of {len(rows)} sets")


def _in_scope(path: Path) -> Dataset:
    dataset = load_examples(path, role="test")
    return dataset.subset([place for place, one in enumerate(dataset.examples) if one.label != "oos"])


def _once(
    recipe: ClassificationRecipe, train: Dataset, test: Dataset, *, auto: bool = False
) -> tuple[float, str, float]:
    """Test accuracy in percent, the method and the seconds it took."""
    with tempfile.TemporaryDirectory() as home:
        order, started = scratch_order(Path(home)), time.monotonic()
        if auto:
            version = train_auto(find_task("classification"), recipe, train, order)
        else:
            version = train_task(recipe, make_task(recipe, train), order)
        seconds = time.monotonic() - started
        known = set(version.card["labels"])
        asked = test.subset([place for place, one in enumerate(test.examples) if one.label in known])
        return 100 * evaluate_classifier(load_classifier(version), asked).accuracy, version.card["method"], seconds
