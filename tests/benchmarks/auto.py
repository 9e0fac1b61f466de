"""``--method auto`` against each single method, with the same time budget; nothing here is chosen on test rows."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

from portside.console import say, table
from portside.data import Dataset, load_examples, split
from portside.evaluation.classification import evaluate_classifier
from portside.inference.classifier import load_classifier
from portside.tasks.classification import ClassificationRecipe, Method
from portside.tasks.spec import find_task
from portside.training.auto import train_auto
from portside.training.classification import make_task
from portside.training.run import train_task
from tests.benchmarks.accuracy import Material, banking77, phrasebank, twitter
from tests.benchmarks.asked import named
from tests.benchmarks.scratch import scratch_order

Sets = tuple[Dataset, Dataset]
BUDGET_SECONDS = 120.0
OVER = 0.1
"""Share by which a training may be over its budget."""
METHODS: tuple[Method, ...] = ("prototype", "few-shot", "full")
HEAD = [
    "set",
    "rows",
    "labels",
    *(f"{method} %" for method in METHODS),
    "auto %",
    "chose",
    "auto s",
    "of budget %",
    "in budget",
    "behind the best",
]


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


@dataclass(frozen=True)
class Line:
    """What came of one set."""

    name: str
    rows: int
    labels: int
    accuracies: Mapping[str, float]
    """In percent, the mean over the seeds, by method and of ``auto``."""
    chose: Sequence[str]
    seconds: Sequence[float]
    """Of auto, by seed."""

    @property
    def behind(self) -> float:
        """Points from auto to the best single method."""
        return max(self.accuracies[method] for method in METHODS) - self.accuracies["auto"]

    @property
    def most_used(self) -> float:
        """The longest training as a share of the budget."""
        return max(self.seconds) / BUDGET_SECONDS

    @property
    def in_budget(self) -> bool:
        """Whether no training was over its budget by more than ``OVER``."""
        return self.most_used <= 1 + OVER

    def cells(self) -> list[object]:
        """Of the table."""
        return [
            self.name,
            self.rows,
            self.labels,
            *(f"{self.accuracies[method]:.2f}" for method in (*METHODS, "auto")),
            ", ".join(self.chose),
            f"{mean(self.seconds):.0f}",
            f"{100 * self.most_used:.0f}",
            "yes" if self.in_budget else "no",
            f"{self.behind:.2f}",
        ]


def run(data: Path, seeds: int, *, only: str = "", encoder: str = "") -> None:
    """Train each method and auto on each set ``seeds`` times and print the table."""
    lines: list[Line] = []
    for name in named(SETS, only):
        lines.append(_line(name, data, seeds, encoder))
        table(HEAD, [line.cells() for line in lines])  # so far: the rest takes a while
    for sentence in verdicts(lines):
        say(f"   {sentence}")


def verdicts(lines: Sequence[Line]) -> list[str]:
    """How near auto comes to the best method, and whether it kept to its budget."""
    near = sum(line.behind <= 1.0 for line in lines)
    worst = max(lines, key=lambda line: line.most_used)
    kept = "yes" if all(line.in_budget for line in lines) else "no"
    longest = f"the longest took {max(worst.seconds):.0f} of {BUDGET_SECONDS:.0f} s ({worst.name})"
    return [
        f"auto is within 1 point of the best single method on {near} of {len(lines)} sets",
        f"over budget by at most {100 * OVER:.0f} %: {kept}; {longest}",
    ]


def _line(name: str, data: Path, seeds: int, encoder: str) -> Line:
    found: dict[str, list[float]] = {}
    chose, seconds = [], []
    for seed in range(seeds):
        train, test = SETS[name](data, seed)
        recipe = ClassificationRecipe(seed=seed, budget_seconds=BUDGET_SECONDS, encoder=encoder)
        for method in METHODS:
            found.setdefault(method, []).append(_told(name, replace(recipe, method=method), train, test)[0])
        accuracy, chosen, took = _told(name, recipe, train, test, auto=True)
        found.setdefault("auto", []).append(accuracy)
        chose.append(chosen)
        seconds.append(took)
    labels = len({example.label for example in train.examples})
    return Line(name, len(train), labels, {method: mean(every) for method, every in found.items()}, chose, seconds)


def _told(
    name: str, recipe: ClassificationRecipe, train: Dataset, test: Dataset, *, auto: bool = False
) -> tuple[float, str, float]:
    """As ``_once``; prints it."""
    accuracy, method, took = _once(recipe, train, test, auto=auto)
    which = f"auto ({method})" if auto else method
    say(f"{name}, seed {recipe.seed}, {which}: {accuracy:.2f} %, {took:.0f} of {BUDGET_SECONDS:.0f} s")
    return accuracy, method, took


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
