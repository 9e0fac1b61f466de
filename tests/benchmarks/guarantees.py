"""Whether promises are kept: test rows cut in halves at random, one to promise by and one to check on (``kept``).

Of each task that about which its report promises: the answers of a classifier, the labels and names that texts and
sentences get (a text counts as wrong where one of them is), the first documents of queries. Texts that were trained on
are left out of the last three, as in the report. Label sets are of texts from inside alone: others have no true label.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from portside.console import table
from portside.data import Dataset, load_examples
from portside.data.matching import load_judged
from portside.evaluation.conformal import label_sets, promise_sets
from portside.evaluation.matching import check_relevant
from portside.evaluation.multilabel import given_labels
from portside.evaluation.report.multilabel import label_rows
from portside.evaluation.risk import RISKS
from portside.evaluation.scored import score_rows
from portside.inference.classifier import load_classifier
from portside.inference.matcher import load_matcher
from portside.inference.multilabel import load_multilabeller
from portside.tasks.classification import ClassificationRecipe
from portside.tasks.matching import JudgedTexts
from portside.tasks.spec import find_task
from portside.training.auto import train_auto
from portside.training.matching import MatchingRecipe
from portside.training.matching import make_task as matching_task
from portside.training.multilabel import MultiLabelRecipe
from portside.training.multilabel import make_task as multilabel_task
from portside.training.run import train_task
from portside.training.seen import load_seen
from portside.training.tagging import TaggingRecipe
from tests.benchmarks.asked import named
from tests.benchmarks.kept import HEAD, SPLITS, TEXTS_HEAD, alike, halves, tally, text_rows
from tests.benchmarks.multilabel import DOMAINS, split
from tests.benchmarks.scratch import scratch_order
from tests.benchmarks.tagging import train_and_judge

BUDGET_SECONDS = 240.0
OUTSIDE = "oos"
COVERAGES = (0.90, 0.95, 0.98)
SETS_HEAD = ["set", "rows a half", "true label among them %", "it was in", "labels a text", "one label alone %"]


def _support(name: str, test: str = "test.csv") -> Callable[[Path], tuple[Dataset, Dataset]]:
    def load(data: Path) -> tuple[Dataset, Dataset]:
        folder = data / "support" / name
        train = load_examples(folder / "train.csv", text="text", label="intent")
        inside = train.subset([n for n, one in enumerate(train.examples) if one.label != OUTSIDE])
        return inside, load_examples(folder / test, text="text", label="intent", role="test")

    return load


@dataclass(frozen=True)
class Kept:
    """Lines of the tables, from one training."""

    rows: Sequence[Sequence[object]] = ()
    """Of ``HEAD``."""
    texts: Sequence[Sequence[object]] = ()
    """Of ``TEXTS_HEAD``."""
    sets: Sequence[Sequence[object]] = ()
    """Of ``SETS_HEAD``."""


def _classified(load: Callable[[Path], tuple[Dataset, Dataset]]) -> Callable[[str, Path, str], Kept]:
    def judge(name: str, data: Path, encoder: str) -> Kept:
        train, test = load(data)
        with tempfile.TemporaryDirectory() as home:
            recipe = ClassificationRecipe(budget_seconds=BUDGET_SECONDS, encoder=encoder)
            version = train_auto(find_task("classification"), recipe, train, scratch_order(Path(home)))
            scorer = load_classifier(version)
            outside = {one.label for one in test.examples} - set(scorer.labels)
            scored = score_rows(scorer, test, outside=outside)
        known = scored.at(scored.inside)
        held = {one: coverage_of(known.probabilities, known.truth, one) for one in COVERAGES}
        return Kept(
            rows=list(risk_rows(name, scored.confidence, scored.right)),
            sets=[[name, len(known) // 2, f"{100 * one:g}", *found.cells()] for one, found in held.items()],
        )

    return judge


def _labelled(domain: str) -> Callable[[str, Path, str], Kept]:
    def judge(name: str, data: Path, encoder: str) -> Kept:
        train, test = split(data, domain)
        recipe = MultiLabelRecipe(encoder=encoder)
        with tempfile.TemporaryDirectory() as home:
            version = train_task(recipe, multilabel_task(recipe, train), scratch_order(Path(home)))
            asked, seen = label_rows(load_multilabeller(version), test), load_seen(version.folder)
        answers = given_labels(asked.probabilities, asked.truth, asked.threshold)
        return Kept(texts=list(text_rows(name, answers.fresh(asked.texts, seen), asked.texts)))

    return judge


def _matched(name: str, data: Path, encoder: str) -> Kept:
    folder = data / "support" / "stackfaq"
    train, test = load_judged(folder), load_judged(folder, test=True)
    recipe = MatchingRecipe(encoder=encoder)
    with tempfile.TemporaryDirectory() as home:
        version = train_task(recipe, matching_task(recipe, train), scratch_order(Path(home)))
        matcher, seen = load_matcher(version), load_seen(version.folder)
        ranked = matcher.rankings(test)
    first = first_documents(ranked.orders[matcher.system], ranked.cosines[matcher.system], test, seen)
    return Kept(rows=list(risk_rows(name, first.cosine, first.right, alike(first.queries))))


def _tagged(folder: str) -> Callable[[str, Path, str], Kept]:
    def judge(name: str, data: Path, encoder: str) -> Kept:
        found = train_and_judge(data / "ner" / folder, TaggingRecipe(encoder=encoder))
        return Kept(texts=list(text_rows(name, found.promisable, found.texts)))

    return judge


SETS: dict[str, Callable[[str, Path, str], Kept]] = {
    "CLINC150 with out-of-scope": _classified(_support("clinc150")),
    "BANKING77": _classified(_support("banking77")),
    "HINT3 curekart": _classified(_support("hint3/curekart")),
    "HINT3 powerplay11": _classified(_support("hint3/powerplay11")),
    "HINT3 sofmattress": _classified(_support("hint3/sofmattress")),
    **{f"NLU++ {domain}, labels": _labelled(domain) for domain in DOMAINS},
    "StackFAQ, first document": _matched,
    "WNUT-17, names": _tagged("wnut17"),
    "CoNLL-2003, names": _tagged("conll2003"),
}


def run(data: Path, seeds: int, *, only: str = "", encoder: str = "") -> None:
    """Train once on each set, promise on ``SPLITS`` random halves of its test rows, and print what came of it."""
    rows: list[Sequence[object]] = []
    texts: list[Sequence[object]] = []
    sets: list[Sequence[object]] = []
    for name in named(SETS, only):
        found = SETS[name](name, data, encoder)
        rows += found.rows
        texts += found.texts
        sets += found.sets
        for head, lines in ((HEAD, rows), (TEXTS_HEAD, texts), (SETS_HEAD, sets)):
            if lines:
                table(head, lines)  # so far: the rest takes a while


@dataclass(frozen=True)
class FirstDocuments:
    """Of n queries with a right document that are new to the model: the document that it ranks first."""

    queries: Sequence[str]
    cosine: NDArray[np.float64]
    """How near it is, shape (n,)."""
    right: NDArray[np.bool_]


def first_documents(
    orders: Mapping[str, Sequence[str]],
    cosines: Mapping[str, float],
    dataset: JudgedTexts,
    seen: Callable[[str], bool] | None,
) -> FirstDocuments:
    """What a report on a matcher promises about; ``seen`` tells which queries were trained on, None: not known."""
    found = [
        (dataset.queries[query], cosines[query], orders[query][0] in documents)
        for query, documents in check_relevant(dataset).items()
        if query in cosines and not (seen is not None and seen(dataset.queries[query]))
    ]
    near, right = [cosine for _, cosine, _ in found], [hit for _, _, hit in found]
    return FirstDocuments([text for text, _, _ in found], np.array(near), np.array(right, dtype=bool))


def risk_rows(
    name: str,
    confidence: NDArray[np.floating],
    right: NDArray[np.bool_],
    groups: NDArray[np.integer] | None = None,
) -> Iterator[list[object]]:
    """Lines of the table of rows with one answer each, one for each risk that a report tries."""
    for risk in RISKS:
        found = tally(confidence, right, risk, groups=groups)
        yield [name, len(right) // 2, f"{100 * risk:g}", *found.cells()]


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
    held, size, single = [], [], []
    for given, asked in halves(np.arange(len(truth)), splits, seed):
        promise = promise_sets(probabilities[given], truth[given], coverage=coverage)
        chosen = label_sets(probabilities[asked], promise.threshold)
        held.append(float(chosen[np.arange(len(chosen)), truth[asked]].mean()))
        size.append(float(chosen.sum(axis=1).mean()))
        single.append(float((chosen.sum(axis=1) == 1).mean()))
    return Coverage(held, size, single)
