"""Texts from outside the intents: how well each score tells them apart, the score chosen on validation rows."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

from portside.console import table
from portside.data import Dataset, load_examples
from portside.evaluation.outside import METHODS, choose_method, fit_detector, separation
from portside.evaluation.scored import Scored, Scorer, score_rows
from portside.inference.classifier import load_classifier
from portside.inference.outside_gate import fit_energy_gate
from portside.tasks.classification import ClassificationRecipe
from portside.training.classification import make_task
from portside.training.run import train_task
from tests.benchmarks.asked import named
from tests.benchmarks.scratch import scratch_order

LEFT_OUT = 27
"""Of BANKING77's intents: they play the texts from outside."""
BUDGET_SECONDS = 300.0
HEAD = ["set", "score", "chosen", "AUROC", "FPR95 %", "inside", "outside", "published"]
GATE_HEAD = ["set", "taken for outside % of those inside", "noticed % of those outside"]
PUBLISHED = {"CLINC150": "BERT .942, SNGP .969"}
Parts = tuple[Dataset, Dataset, Dataset]


def run(data: Path, seeds: int, *, only: str = "") -> None:
    """Train on the intents inside, print AUROC and FPR95 of each score on the test rows."""
    rows, gates = [], []
    for seed in range(seeds):
        for name in named(SETS, only):
            train, valid, test = SETS[name](data, seed)
            learned, checked, asked = _scored(train, valid, test, seed)
            detector = fit_detector(learned.features, learned.truth, len(learned.labels))
            chosen = choose_method(detector, checked)
            for method in METHODS:
                found = separation(detector.scores(asked, method), asked.inside)
                mark = "chosen" if method == chosen else ""
                figures = [f"{found.auroc:.4f}", f"{100 * found.false_alarms:.1f}", found.inside, found.outside]
                rows.append([name, method, mark, *figures, PUBLISHED.get(name, "")])
            gates.append([name, *_shipped(checked, asked)])
            table(HEAD, rows)  # so far: the rest takes a while
            table(GATE_HEAD, gates)


def _shipped(checked: Scored, asked: Scored) -> list[str]:
    """What the threshold that a version is saved with would do, fixed on validation rows from inside alone."""
    gate = fit_energy_gate(checked.at(checked.inside).logits)
    if gate is None:
        return ["too few rows", ""]
    taken = gate.outside(asked.logits)
    return [f"{100 * taken[asked.inside].mean():.1f}", f"{100 * taken[~asked.inside].mean():.1f}"]


def _scored(train: Dataset, valid: Dataset, test: Dataset, seed: int) -> tuple[Scored, Scored, Scored]:
    recipe = ClassificationRecipe(method="few-shot", seed=seed, budget_seconds=BUDGET_SECONDS)
    with tempfile.TemporaryDirectory() as home:
        scorer = load_classifier(train_task(recipe, make_task(recipe, train), scratch_order(Path(home))))
        learned, checked, asked = (_ask(scorer, part) for part in (train, valid, test))
    return learned, checked, asked


def _ask(scorer: Scorer, part: Dataset) -> Scored:
    return score_rows(scorer, part, outside={one.label for one in part.examples} - set(scorer.labels))


def _clinc150(data: Path, _seed: int) -> Parts:
    folder = data / "support" / "clinc150"
    train, valid, test = (load_examples(folder / f"{part}.csv", role="test") for part in ("train", "valid", "test"))
    return _without(train, {"oos"}), valid, test


def _hint3(data: Path, _seed: int, shop: str) -> Parts:
    """Real questions to a shop's bot. Its training rows know no texts from outside, nor do those kept aside."""
    folder = data / "support" / "hint3" / shop
    train, test = load_examples(folder / "train.csv"), load_examples(folder / "test.csv", role="test")
    kept_aside = set(range(0, len(train), 8))
    valid = train.subset(sorted(kept_aside))
    learned = {one.text for one in valid.examples}
    return (
        train.subset([n for n, one in enumerate(train.examples) if n not in kept_aside and one.text not in learned]),
        valid.subset([n for n, one in enumerate(valid.examples) if one.label in {row.label for row in train.examples}]),
        test,
    )


def _banking77(data: Path, seed: int) -> Parts:
    """The intents left out are drawn by seed; half of them are outside in validation, the others in the test rows."""
    folder = data / "support" / "banking77"
    train, test = load_examples(folder / "train.csv"), load_examples(folder / "test.csv", role="test")
    labels = sorted({one.label for one in train.examples})
    left_out = Random(seed).sample(labels, LEFT_OUT)
    known, hidden = set(left_out[: LEFT_OUT // 2]), set(left_out[LEFT_OUT // 2 :])
    inside = _without(train, set(left_out))
    kept_aside = set(range(0, len(train), 8))
    valid = train.subset([n for n, one in enumerate(train.examples) if n in kept_aside and one.label not in hidden])
    learned = {one.text for one in valid.examples}
    return (
        inside.subset([n for n, one in enumerate(inside.examples) if one.text not in learned]),
        valid,
        _without(test, known),
    )


def _without(dataset: Dataset, labels: set[str]) -> Dataset:
    return dataset.subset([n for n, one in enumerate(dataset.examples) if one.label not in labels])


SETS: dict[str, Callable[[Path, int], Parts]] = {
    "CLINC150": _clinc150,
    "BANKING77, 27 intents left out": _banking77,
    **{f"HINT3 {shop}": partial(_hint3, shop=shop) for shop in ("curekart", "powerplay11", "sofmattress")},
}
