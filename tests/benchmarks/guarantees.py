"""Whether promises are kept: test rows cut in halves at random, one to promise by and one to check on.

Of "at most x % wrong", a half that nothing could be promised on has kept nothing: it is counted beside the others, and
answers nothing. Label sets are of texts from inside alone: others have no true label.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from portside.console import table
from portside.data import Dataset, load_examples
from portside.evaluation.conformal import label_sets, promise_sets
from portside.evaluation.report.guarantee import RISKS
from portside.evaluation.risk import promise_risk
from portside.evaluation.scored import score_rows
from portside.inference.classifier import load_classifier
from portside.tasks.classification import ClassificationRecipe
from portside.tasks.spec import find_task
from portside.training.auto import train_auto
from tests.benchmarks.asked import named
from tests.benchmarks.scratch import scratch_order

SPLITS = 100
BUDGET_SECONDS = 240.0
OUTSIDE = "oos"
HEAD = [
    "set",
    "rows a half",
    "at most wrong %",
    "promised in",
    "kept in",
    "answered %, where promised",
    "answered %, of all halves",
    "wrong among them %",
]
COVERAGES = (0.90, 0.95, 0.98)
SETS_HEAD = ["set", "rows a half", "true label among them %", "it was in", "labels a text", "one label alone %"]


@dataclass(frozen=True)
class Tally:
    """What came of promises on many halves."""

    splits: int
    kept: int
    answered: Sequence[float]
    """Share of the other half that was answered, of each split with a promise."""
    wrong: Sequence[float]
    """Share of wrong answers among them."""

    @property
    def promised(self) -> int:
        """Splits on which something could be promised."""
        return len(self.answered)

    def cells(self) -> list[str]:
        """Of the table."""
        promised = f"{self.promised} of {self.splits}"
        if not self.promised:
            return [promised, "–", "–", "0.0", "–"]
        return [
            promised,
            f"{self.kept} of {self.promised}",
            f"{100 * np.mean(self.answered):.1f}",
            f"{100 * sum(self.answered) / self.splits:.1f}",
            f"{100 * np.mean(self.wrong):.1f}",
        ]


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


def run(data: Path, seeds: int, *, only: str = "", encoder: str = "") -> None:
    """Train once on each set, promise on ``SPLITS`` random halves of its test rows, and print what came of it."""
    rows: list[list[object]] = []
    sets: list[list[object]] = []
    for name in named(SETS, only):
        train, test = SETS[name](data)
        with tempfile.TemporaryDirectory() as home:
            recipe = ClassificationRecipe(budget_seconds=BUDGET_SECONDS, encoder=encoder)
            version = train_auto(find_task("classification"), recipe, train, scratch_order(Path(home)))
            scorer = load_classifier(version)
            outside = {one.label for one in test.examples} - set(scorer.labels)
            scored = score_rows(scorer, test, outside=outside)
        for risk in RISKS:
            found = tally(scored.confidence, scored.right, risk)
            rows.append([name, len(scored) // 2, f"{100 * risk:g}", *found.cells()])
        known = scored.at(scored.inside)
        for coverage in COVERAGES:
            held = coverage_of(known.probabilities, known.truth, coverage)
            sets.append([name, len(known) // 2, f"{100 * coverage:g}", *held.cells()])
        table(HEAD, rows)  # so far: the rest takes a while
        table(SETS_HEAD, sets)


def tally(
    confidence: NDArray[np.floating], right: NDArray[np.bool_], risk: float, splits: int = SPLITS, seed: int = 0
) -> Tally:
    """Promise on ``splits`` random halves of the rows, and look at the other halves."""
    random, half = np.random.default_rng(seed), len(right) // 2
    kept, answered, wrong = 0, [], []
    for _ in range(splits):
        order = random.permutation(len(right))
        given, asked = order[:half], order[half:]
        promise = promise_risk(confidence[given], right[given], risk=risk)
        if promise.threshold is None:
            continue
        chosen = asked[confidence[asked] >= promise.threshold]
        share = float((~right[chosen]).mean()) if len(chosen) else 0.0
        kept += share <= risk
        answered.append(len(chosen) / len(asked))
        wrong.append(share)
    return Tally(splits, kept, answered, wrong)


@dataclass(frozen=True)
class Coverage:
    """What came of label sets on many halves: one figure a split."""

    held: Sequence[float]
    """Share of the other half whose set has the true label."""
    size: Sequence[float]
    """Mean number of labels in a set."""
    single: Sequence[float]
    """Share of texts whose set has one label."""

    def cells(self) -> list[str]:
        """Of the table."""
        held = 100 * np.asarray(self.held)
        return [
            f"{held.mean():.1f} ({held.min():.1f} to {held.max():.1f})",
            f"{np.mean(self.size):.2f}",
            f"{100 * np.mean(self.single):.0f}",
        ]


def coverage_of(
    probabilities: NDArray[np.floating],
    truth: NDArray[np.int64],
    coverage: float,
    splits: int = SPLITS,
    seed: int = 0,
) -> Coverage:
    """Fix label sets on ``splits`` random halves of the rows, and look at the other halves.

    ``probabilities`` has the shape (rows, labels), ``truth`` (rows,) the places of the true labels.
    """
    random, half = np.random.default_rng(seed), len(truth) // 2
    held, size, single = [], [], []
    for _ in range(splits):
        order = random.permutation(len(truth))
        given, asked = order[:half], order[half:]
        promise = promise_sets(probabilities[given], truth[given], coverage=coverage)
        chosen = label_sets(probabilities[asked], promise.threshold)
        held.append(float(chosen[np.arange(len(asked)), truth[asked]].mean()))
        size.append(float(chosen.sum(axis=1).mean()))
        single.append(float((chosen.sum(axis=1) == 1).mean()))
    return Coverage(held, size, single)
