"""Accuracy on public test sets with the method that ``--method auto`` takes for as many texts a label, and its released
recipe: nothing here is chosen on test rows."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, pstdev, stdev

from portside.console import say, table
from portside.data import Dataset, load_examples, split
from portside.data.identity import text_key
from portside.evaluation.classification import ClassificationReport, evaluate_classifier, score_labels
from portside.evaluation.intervals import wilson
from portside.inference.classifier import load_classifier
from portside.training.classification import ClassificationRecipe, make_task
from portside.training.ladder import dearer_rung
from portside.training.run import train_task
from tests.benchmarks.asked import named
from tests.benchmarks.scratch import scratch_order

FOLDS = 10


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
    load: Callable[[Path, int], Material] | Callable[[Path, int], list[Material]]
    """One training, or several that are judged together: each row in one fold's test set."""
    trainings: int = 1
    """Of each model: the recipe's ``trainings``."""


@dataclass(frozen=True)
class Pooled:
    """The test rows of several trainings as one set."""

    accuracy: float
    low: float
    """Of Wilson's 95 % interval."""
    high: float
    macro_f1: float
    n: int
    parts: tuple[float, ...]
    """Accuracy of each training alone."""


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
        parts = split(_agreed(data, agreement), [0.8, 0.2], seed=seed)
        return Material(parts.train, {"": parts.valid})

    return load


def phrasebank_folds(agreement: int) -> Callable[[Path, int], list[Material]]:
    """The same sentences in ten folds by label, each the test set once, as FinBERT's figures are."""
    return lambda data, seed: cross_validation(_agreed(data, agreement), FOLDS, seed=seed)


def _agreed(data: Path, agreement: int) -> Dataset:
    import pandas as pd

    path = data / "finance" / "phrasebank" / "phrasebank.csv"
    agreed = pd.read_csv(path)["agreement"].astype(int).tolist()
    whole = load_examples(path, text="text", label="sentiment")
    rows = whole.rows  # 1-based rows of the file
    return _kept(whole, lambda at: agreed[rows[at] - 1] >= agreement)


def cross_validation(whole: Dataset, count: int, *, seed: int) -> list[Material]:
    """``count`` trainings; each row is asked in one of them, and equal texts are never both learnt and asked."""
    from sklearn.model_selection import StratifiedGroupKFold

    cut = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    labels = [example.label for example in whole.examples]
    groups = [text_key(text) for text in whole.texts]
    return [
        Material(whole.subset(train.tolist()), {"": whole.subset(test.tolist())})
        for train, test in cut.split(labels, labels, groups)
    ]


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
    Trial("Banking, weights of 3 trainings", "BERT-large 93.7", banking77, trainings=3),
    Trial("CLINC, in scope, weights of 3 trainings", "BERT 96.5-96.9", clinc150, trainings=3),
    Trial("PhraseBank, all (80/20)", "FinBERT 86 (10-fold)", phrasebank(50)),
    Trial("PhraseBank, 100 % agree (80/20)", "FinBERT 97 (10-fold)", phrasebank(100)),
    Trial("PhraseBank, all (10-fold)", "FinBERT 86 (10-fold)", phrasebank_folds(50)),
    Trial("PhraseBank, 100 % agree (10-fold)", "FinBERT 97 (10-fold)", phrasebank_folds(100)),
    Trial("Twitter financial sentiment, leak-free", "finbert-tone 88.4 with the leaked rows", twitter),
    Trial("Tweets, weights of 3 trainings", "finbert-tone 88.4 with the leaked rows", twitter, trainings=3),
    Trial("20 finance topics", "finbert-tone 91.1 with the leaked rows", topics),
)


HEAD = ["set", "method", "accuracy %", "95 % (seed 0)", "macro-F1", "folds", "test rows", "train s", "published"]


def run(data: Path, seeds: int, *, only: str = "", encoder: str = "") -> None:
    """Train each trial ``seeds`` times and print the table; of the trials those with ``only`` in their name."""
    rows: list[list[str]] = []
    for trial in named(TRIALS, only, lambda trial: trial.name):
        found: dict[str, list[Pooled]] = {}
        seconds: list[float] = []
        for seed in range(seeds):
            method, reports, took = _one_seed(trial, data, seed, encoder)
            seconds += took
            for test, parts in reports.items():
                found.setdefault(test, []).append(pooled(parts))
        for test, each in found.items():
            rows.append([trial.name + test, method, *_figures(each), f"{mean(seconds):.0f}", trial.published])
        table(HEAD, rows)  # so far: the rest takes a while


def _one_seed(
    trial: Trial, data: Path, seed: int, encoder: str
) -> tuple[str, dict[str, list[ClassificationReport]], list[float]]:
    """The method, by test set the report of each training, and the seconds of each; a line is printed for each."""
    loaded = trial.load(data, seed)
    materials = loaded if isinstance(loaded, list) else [loaded]
    counts = Counter(one.label for one in materials[0].train.examples)
    method = dearer_rung(list(counts.values())).method
    reports: dict[str, list[ClassificationReport]] = {}
    seconds = []
    for place, material in enumerate(materials, start=1):
        recipe = ClassificationRecipe(method=method, seed=seed, encoder=encoder, trainings=trial.trainings)
        judged, took = _once(material, recipe)
        seconds.append(took)
        for test, report in judged.items():
            reports.setdefault(test, []).append(report)
            fold = f", fold {place} of {len(materials)}" if len(materials) > 1 else ""
            said = f"{100 * report.accuracy:.2f} % of {report.n:,} right, macro-F1 {report.macro_f1:.4f}, {took:.0f} s"
            say(f"{trial.name}{test}, seed {seed}{fold}: {said}")
    return method, reports, seconds


def pooled(reports: Sequence[ClassificationReport]) -> Pooled:
    """All rows judged as one set: where folds are small, the mean of their macro-F1 is another figure."""
    pairs = sum(
        (
            Counter({(true, said): rows for true, row in one.confusion.items() for said, rows in row.items()})
            for one in reports
        ),
        Counter[tuple[str, str]](),
    )
    truth, answers = zip(*pairs.elements(), strict=True)
    scores = score_labels(truth, answers)
    hits = sum(rows for (true, said), rows in pairs.items() if true == said)
    low, high = wilson(hits, len(truth))
    macro_f1 = mean(score.f1 for score in scores.values())
    return Pooled(hits / len(truth), low, high, macro_f1, len(truth), tuple(one.accuracy for one in reports))


def _figures(found: Sequence[Pooled]) -> list[str]:
    accuracies = [100 * one.accuracy for one in found]
    parts = [100 * part for one in found for part in one.parts]
    return [
        f"{mean(accuracies):.2f}" + (f" ± {pstdev(accuracies):.2f}" if len(found) > 1 else ""),
        f"{100 * found[0].low:.1f}-{100 * found[0].high:.1f}",
        f"{mean(one.macro_f1 for one in found):.4f}",
        f"{mean(parts):.2f} ± {stdev(parts):.2f} ({len(parts)})" if len(found[0].parts) > 1 else "",
        f"{found[0].n:,}",
    ]


def _once(material: Material, recipe: ClassificationRecipe) -> tuple[dict[str, ClassificationReport], float]:
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        task = make_task(recipe, material.train, material.valid)
        version = train_task(recipe, task, scratch_order(Path(folder)))
        seconds = time.monotonic() - started
        classifier = load_classifier(version)
        return {name: evaluate_classifier(classifier, test) for name, test in material.tests.items()}, seconds
