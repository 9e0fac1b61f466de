"""Whether "at most x % wrong" is kept: test rows cut in halves at random, one to promise by and one to check on."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from portside.console import table
from portside.data import Dataset, load_examples
from portside.evaluation.report.guarantee import RISKS
from portside.evaluation.risk import promise_risk
from portside.evaluation.scored import score_rows
from portside.inference.classifier import load_classifier
from portside.tasks.classification import ClassificationRecipe
from portside.tasks.spec import find_task
from portside.training.auto import train_auto
from tests.benchmarks.scratch import scratch_order

SPLITS = 100
BUDGET_SECONDS = 240.0
OUTSIDE = "oos"
HEAD = ["set", "rows a half", "at most wrong %", "kept in", "promised in", "answered %", "wrong among them %"]


def _support(name: str, test: str = "test.csv") -> Callable[[Path], tuple[Dataset, Dataset]]:
    def load(data: Path) -> tuple[Dataset, Dataset]:
        folder = data / "support" / name
        train = load_examples(folder / "train.csv", text="text", label="intent")
        inside = train.subset([n for n, one in enumerate(train.examples) if one.label != OUTSIDE])
        return inside, load_examples(folder / test, text="text", label="intent", role="test")

    return load


SETS = {
    "CLINC150 with out-of-scope": _support("clinc150"),
    "BANKING77": _support("banking77"),
    "HINT3 curekart": _support("hint3/curekart"),
    "HINT3 powerplay11": _support("hint3/powerplay11"),
    "HINT3 sofmattress": _support("hint3/sofmattress"),
}


def run(data: Path, seeds: int) -> None:
    """Train once on each set, promise on ``SPLITS`` random halves of its test rows, and print what came of it."""
    rows = []
    for name, load in SETS.items():
        train, test = load(data)
        with tempfile.TemporaryDirectory() as home:
            recipe = ClassificationRecipe(budget_seconds=BUDGET_SECONDS)
            version = train_auto(find_task("classification"), recipe, train, scratch_order(Path(home)))
            scorer = load_classifier(version)
            outside = {one.label for one in test.examples} - set(scorer.labels)
            scored = score_rows(scorer, test, outside=outside)
        for risk in RISKS:
            rows.append([name, len(scored) // 2, f"{100 * risk:g}", *_kept(scored.confidence, scored.right, risk)])
        table(HEAD, rows)  # so far: the rest takes a while


def _kept(confidence: np.ndarray, right: np.ndarray, risk: float) -> list[str]:  # type: ignore[type-arg]
    random, half = np.random.default_rng(0), len(right) // 2
    kept, answered, wrong = 0, [], []
    for _ in range(SPLITS):
        order = random.permutation(len(right))
        given, asked = order[:half], order[half:]
        promise = promise_risk(confidence[given], right[given], risk=risk)
        if promise.threshold is None:
            kept += 1
            continue
        chosen = asked[confidence[asked] >= promise.threshold]
        share = float((~right[chosen]).mean()) if len(chosen) else 0.0
        kept += share <= risk
        answered.append(len(chosen) / len(asked))
        wrong.append(share)
    said = [f"{100 * np.mean(values):.1f}" if values else "–" for values in (answered, wrong)]
    return [f"{kept} of {SPLITS}", f"{len(answered)} of {SPLITS}", *said]
