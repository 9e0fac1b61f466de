"""Accuracy on public test sets, with the released recipe: nothing here is chosen on test rows."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, pstdev

from portside.console import table
from portside.data import Dataset, load_examples, split
from portside.evaluation.classification import ClassificationReport, evaluate_classifier
from portside.inference.classifier import load_classifier
from portside.progress import NullProgress
from portside.registry import ModelRegistry
from portside.training.classification import ClassificationRecipe, train_classifier


@dataclass(frozen=True)
class Material:
    """What one training gets, and what it is judged by."""

    train: Dataset
    test: Dataset
    valid: Dataset | None = None


@dataclass(frozen=True)
class Trial:
    """One line of the table."""

    name: str
    published: str
    load: Callable[[Path, int], Material]


def _kept(dataset: Dataset, keep: Callable[[int], bool]) -> Dataset:
    return dataset.subset([place for place in range(len(dataset)) if keep(place)])


def banking77(data: Path, _seed: int) -> Material:
    """Its own train and test files."""
    folder = data / "support" / "banking77"
    return Material(load_examples(folder / "train.csv"), load_examples(folder / "test.csv", role="test"))


def clinc150(data: Path, _seed: int) -> Material:
    """In scope only: rows labelled ``oos`` are left out of all three files."""
    folder = data / "support" / "clinc150"
    parts = [load_examples(folder / f"{part}.csv", role="test") for part in ("train", "test", "valid")]
    train, test, valid = (_kept(part, lambda at, part=part: part.examples[at].label != "oos") for part in parts)
    return Material(train, test, valid)


def phrasebank(agreement: int) -> Callable[[Path, int], Material]:
    """Sentences on which at least ``agreement`` % of the annotators agree; a random 20 % by label is the test set."""

    def load(data: Path, seed: int) -> Material:
        import pandas as pd

        path = data / "finance" / "phrasebank" / "phrasebank.csv"
        agreed = pd.read_csv(path)["agreement"].astype(int).tolist()
        whole = load_examples(path, text="text", label="sentiment")
        rows = whole.rows  # 1-based rows of the file
        kept = _kept(whole, lambda at: agreed[rows[at] - 1] >= agreement)
        parts = split(kept, [0.8, 0.2], seed=seed)
        return Material(parts.train, parts.valid)

    return load


def topics(leak_free: bool) -> Callable[[Path, int], Material]:
    """20 topics of finance tweets; ``leak_free`` leaves out validation rows whose text stands in train."""

    def load(data: Path, _seed: int) -> Material:
        import pandas as pd

        folder = data / "finance" / "topics"
        train = load_examples(folder / "topic_train.csv.gz", text="text", label="topic")
        test = load_examples(folder / "topic_valid.csv.gz", text="text", label="topic", role="test")
        if leak_free:
            leaked = pd.read_csv(folder / "topic_valid.csv.gz")["dup_of_train"].astype(int).tolist()
            test = _kept(test, lambda at: leaked[test.rows[at] - 1] == 0)
        return Material(train, test)

    return load


TRIALS = (
    Trial("BANKING77", "BERT-large 93.7, USE+ConveRT 93.4, DistilBERT 92.5", banking77),
    Trial("CLINC150, in scope", "BERT 96.5-96.9", clinc150),
    Trial("PhraseBank, all (80/20)", "FinBERT 86 (10-fold)", phrasebank(50)),
    Trial("PhraseBank, 100 % agree (80/20)", "FinBERT 97 (10-fold)", phrasebank(100)),
    Trial("20 finance topics, leak-free", "finbert-tone 91.1 with the leaked rows", topics(leak_free=True)),
    Trial("20 finance topics, full", "finbert-tone 91.1", topics(leak_free=False)),
)


def run(data: Path, seeds: int) -> None:
    """Train each trial ``seeds`` times and print the table."""
    rows = []
    for trial in TRIALS:
        reports, seconds = zip(*(_once(trial.load(data, seed), seed) for seed in range(seeds)), strict=True)
        accuracies = [100 * report.accuracy for report in reports]
        low, high = reports[0].accuracy_ci95
        rows.append(
            [
                trial.name,
                f"{mean(accuracies):.2f}" + (f" ± {pstdev(accuracies):.2f}" if seeds > 1 else ""),
                f"{100 * low:.1f}-{100 * high:.1f}",
                f"{mean(report.macro_f1 for report in reports):.4f}",
                f"{reports[0].n:,}",
                f"{mean(seconds):.0f}",
                trial.published,
            ]
        )
        table(["set", "accuracy %", "95 % (seed 0)", "macro-F1", "test rows", "train s", "published"], rows[-1:])
    table(["set", "accuracy %", "95 % (seed 0)", "macro-F1", "test rows", "train s", "published"], rows)


def _once(material: Material, seed: int) -> tuple[ClassificationReport, float]:
    with tempfile.TemporaryDirectory() as folder:
        registry = ModelRegistry(Path(folder) / "models")
        started = time.monotonic()
        version = train_classifier(
            ClassificationRecipe(seed=seed),
            material.train,
            valid=material.valid,
            registry=registry,
            name="benchmark",
            runs_dir=Path(folder) / "runs",
            progress=NullProgress(),
            actor="benchmark",
            reason="benchmark",
        )
        return evaluate_classifier(load_classifier(version), material.test), time.monotonic() - started
