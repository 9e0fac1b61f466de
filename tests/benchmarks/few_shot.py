"""Few-shot test accuracy on the fixed public draws, by method; nothing here is chosen on test rows."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import mean, pstdev

from portside.console import table
from portside.data import Dataset, load_examples
from portside.evaluation.classification import ClassificationReport, evaluate_classifier
from portside.inference.classifier import load_classifier
from portside.tasks.classification import ClassificationRecipe, Method
from portside.training.classification import make_task
from portside.training.run import train_task
from tests.benchmarks.asked import named
from tests.benchmarks.scratch import scratch_order

DRAWS = {
    ("banking77", 5): "RoBERTa-base 74.0, CPFT 80.9, FastFit 82.4",
    ("banking77", 10): "RoBERTa-base 84.3, CPFT 87.2",
    ("clinc150", 5): "RoBERTa-base 88.0, CPFT 92.3",
    ("clinc150", 10): "RoBERTa-base 91.6, CPFT 94.2",
}
METHODS: tuple[Method, ...] = ("zero-shot", "prototype", "few-shot")
HEAD = ["set", "texts a label", "method", "accuracy %", "95 % (seed 0)", "macro-F1", "train s", "published"]


def run(data: Path, seeds: int, *, only: str = "") -> None:
    """Train each method on each draw ``seeds`` times and print the table; ``only``: as in ``banking77 10 few-shot``."""
    rows = []
    lines = [(*draw, method) for draw in DRAWS for method in METHODS]
    for name, shots, method in named(lines, only, lambda line: " ".join(map(str, line))):
        published = DRAWS[name, shots]
        folder = data / "support" / name
        train = load_examples(folder / f"train_{shots}shot.csv")
        test = _in_scope(load_examples(folder / "test.csv", role="test"))
        runs = [_once(ClassificationRecipe(method=method, seed=seed), train, test) for seed in range(seeds)]
        accuracies = [100 * report.accuracy for report, _ in runs]
        low, high = runs[0][0].accuracy_ci95
        rows.append(
            [
                name,
                shots,
                method,
                f"{mean(accuracies):.2f}" + (f" ± {pstdev(accuracies):.2f}" if seeds > 1 else ""),
                f"{100 * low:.1f}-{100 * high:.1f}",
                f"{mean(report.macro_f1 for report, _ in runs):.4f}",
                f"{mean(seconds for _, seconds in runs):.0f}",
                published,
            ]
        )
        table(HEAD, rows)  # so far: the rest takes a while


def _in_scope(dataset: Dataset) -> Dataset:
    return dataset.subset([place for place, one in enumerate(dataset.examples) if one.label != "oos"])


def _once(recipe: ClassificationRecipe, train: Dataset, test: Dataset) -> tuple[ClassificationReport, float]:
    with tempfile.TemporaryDirectory() as home:
        started = time.monotonic()
        version = train_task(recipe, make_task(recipe, train), scratch_order(Path(home)))
        seconds = time.monotonic() - started
        return evaluate_classifier(load_classifier(version), test), seconds
