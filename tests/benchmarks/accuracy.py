"""Accuracy on public test sets with the method that ``--method auto`` takes for as many texts a label, and its released
recipe: nothing here is chosen on test rows."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, pstdev

from portside.console import table
from portside.data import Dataset, load_examples, split
from portside.evaluation.classification import ClassificationReport, evaluate_classifier
from portside.inference.classifier import load_classifier
from portside.training.classification import ClassificationRecipe, make_task
from portside.training.ladder import dearer_rung
from portside.training.run import train_task
from tests.benchmarks.scratch import scratch_order


@dataclass(frozen=True)
class Material:
    """What one training gets, and what it is judged by."""

    train: Dataset
    tests: dict[str, Dataset]
    """What a test set is called beside the trial's name -> its rows."""
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
    return Material(load_examples(folder / "train.csv"), {"": load_examples(folder / "test.csv", role="test")})


def clinc150(data: Path, _seed: int) -> Material:
    """In scope only: rows labelled ``oos`` are left out of all three files."""
    folder = data / "support" / "clinc150"
    parts = [load_examples(folder / f"{part}.csv", role="test") for part in ("train", "test", "valid")]
    train, test, valid = (_kept(part, lambda at, part=part: part.examples[at].label != "oos") for part in parts)
    return Material(train, {"": test}, valid)


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
        return Material(parts.train, {"": parts.valid})

    return load


def topics(data: Path, _seed: int) -> Material:
    """20 topics of finance tweets; leak-free: without the validation rows whose text stands in train."""
    import pandas as pd

    folder = data / "finance" / "topics"
    train = load_examples(folder / "topic_train.csv.gz", text="text", label="topic")
    test = load_examples(folder / "topic_valid.csv.gz", text="text", label="topic", role="test")
    leaked = pd.read_csv(folder / "topic_valid.csv.gz")["dup_of_train"].astype(int).tolist()
    leak_free = _kept(test, lambda at: leaked[test.rows[at] - 1] == 0)
    return Material(train, {", leak-free": leak_free, ", full": test})


def twitter(data: Path, _seed: int) -> Material:
    """Sentiment of finance tweets; leak-free: without the validation rows whose text stands in train."""
    import pandas as pd

    folder = data / "finance" / "twitter_sentiment"
    train = load_examples(folder / "sent_train.csv", text="text", label="sentiment")
    test = load_examples(folder / "sent_valid.csv", text="text", label="sentiment", role="test")
    leaked = pd.read_csv(folder / "sent_valid.csv")["dup_of_train"].astype(int).tolist()
    return Material(train, {"": _kept(test, lambda at: leaked[test.rows[at] - 1] == 0)})


TRIALS = (
    Trial("BANKING77", "BERT-large 93.7, USE+ConveRT 93.4, DistilBERT 92.5", banking77),
    Trial("CLINC150, in scope", "BERT 96.5-96.9", clinc150),
    Trial("PhraseBank, all (80/20)", "FinBERT 86 (10-fold)", phrasebank(50)),
    Trial("PhraseBank, 100 % agree (80/20)", "FinBERT 97 (10-fold)", phrasebank(100)),
    Trial("Twitter financial sentiment, leak-free", "finbert-tone 88.4 with the leaked rows", twitter),
    Trial("20 finance topics", "finbert-tone 91.1 with the leaked rows", topics),
)


HEAD = ["set", "method", "accuracy %", "95 % (seed 0)", "macro-F1", "test rows", "train s", "published"]


def run(data: Path, seeds: int) -> None:
    """Train each trial ``seeds`` times and print the table."""
    rows = []
    for trial in TRIALS:
        method = ""
        runs = []
        for seed in range(seeds):
            material = trial.load(data, seed)
            method = dearer_rung(list(Counter(one.label for one in material.train.examples).values())).method
            runs.append(_once(material, ClassificationRecipe(method=method, seed=seed)))
        seconds = mean(seconds for _, seconds in runs)
        for test in runs[0][0]:
            reports = [reports[test] for reports, _ in runs]
            rows.append([trial.name + test, method, *_figures(reports), f"{seconds:.0f}", trial.published])
        table(HEAD, rows)  # so far: the rest takes a while


def _figures(reports: list[ClassificationReport]) -> list[str]:
    accuracies = [100 * report.accuracy for report in reports]
    low, high = reports[0].accuracy_ci95
    return [
        f"{mean(accuracies):.2f}" + (f" ± {pstdev(accuracies):.2f}" if len(reports) > 1 else ""),
        f"{100 * low:.1f}-{100 * high:.1f}",
        f"{mean(report.macro_f1 for report in reports):.4f}",
        f"{reports[0].n:,}",
    ]


def _once(material: Material, recipe: ClassificationRecipe) -> tuple[dict[str, ClassificationReport], float]:
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        task = make_task(recipe, material.train, material.valid)
        version = train_task(recipe, task, scratch_order(Path(folder)))
        seconds = time.monotonic() - started
        classifier = load_classifier(version)
        return {name: evaluate_classifier(classifier, test) for name, test in material.tests.items()}, seconds
