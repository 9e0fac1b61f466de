"""Multi-label classification on the command line."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from portside.commands.classification import PROBABILITY_DIGITS
from portside.commands.rows import Asked, add_answers
from portside.progress import Progress

if TYPE_CHECKING:
    from portside.data.multilabel import MultiLabelDataset
    from portside.evaluation.answers import Answers
    from portside.evaluation.multilabel import MultiLabelReport
    from portside.registry import ModelVersion

__all__ = ["evaluate", "measured", "predict_file", "predict_promised", "predict_texts", "show"]

WEAKEST_SHOWN = 10
SHOWN = 3
"""Most probable labels shown for a text that gets none."""
UNSURE = "unsure_labels"
"""Column of the labels that a promise leaves out."""


def measured(version: ModelVersion) -> str:
    """Micro-F1 on validation rows."""
    found = version.validation
    if not found:
        return ""
    return (
        f"Validation micro-F1 {found['micro_f1']:.4f} from probability {found['threshold']:.2f} on, n = {found['n']:,}"
    )


def evaluate(
    version: ModelVersion, dataset: MultiLabelDataset, *, threads: int, progress: Progress
) -> MultiLabelReport:
    """Micro- and macro-F1, mean average precision, every label."""
    from portside.evaluation.multilabel import evaluate_multilabeller
    from portside.inference.cuts import Cuts
    from portside.inference.multilabel import load_multilabeller

    cuts = Cuts()
    report = evaluate_multilabeller(
        load_multilabeller(version, threads=threads, cuts=cuts),
        dataset,
        report=lambda done: progress.update(done, len(dataset), f"{done:,} of {len(dataset):,} rows"),
    )
    return replace(report, cut=cuts.in_rows(dataset.rows))


def show(report: MultiLabelReport) -> None:
    """Print a report."""
    from portside.console import say, table

    low, high = report.micro_f1_ci95
    say(f"{report.model} on {report.data}, n = {report.n:,}")
    say(f"micro-F1 {report.micro_f1:.4f} (95 % interval {low:.4f} to {high:.4f})")
    low, high = report.macro_f1_ci95
    say(f"macro-F1 {report.macro_f1:.4f} ({low:.4f} to {high:.4f})")
    say(f"mean average precision {report.map:.4f}; exactly the right labels: {100 * report.exact:.1f} %")
    if report.unknown:
        say(f"Mind: the model does not know {', '.join(report.unknown)}; it misses them in every row.")
    if report.cut is not None and report.cut.count:
        say(f"Mind: {report.cut.sentence}")
    weakest = sorted(report.per_label.items(), key=lambda item: (item[1].f1, item[0]))[:WEAKEST_SHOWN]
    table(
        ["label", "precision", "recall", "f1", "average precision", "rows"],
        [[label, one.precision, one.recall, one.f1, one.average_precision, one.support] for label, one in weakest],
        title=f"Labels, weakest first ({len(weakest)} of {len(report.per_label)})",
    )


def predict_texts(version: ModelVersion, texts: list[str], *, threads: int, as_json: bool) -> None:
    """Print the labels of each text."""
    from dataclasses import asdict

    from portside import console
    from portside.inference.cuts import Cuts
    from portside.inference.multilabel import load_multilabeller

    cuts = Cuts()
    found = load_multilabeller(version, threads=threads, cuts=cuts).predict(texts)
    console.note(cuts.sentence)
    if as_json:
        console.as_json([{"text": text, **asdict(one)} for text, one in zip(texts, found, strict=True)])
        return
    for text, one in zip(texts, found, strict=True):
        ranked = sorted(one.probabilities.items(), key=lambda item: -item[1])[:SHOWN]
        given = ", ".join(f"{label} {one.probabilities[label]:.3f}" for label in one.labels)
        nearest = ", ".join(f"{label} {probability:.3f}" for label, probability in ranked)
        console.say(f"{given or f'no label (nearest: {nearest})'}  {text}")


def predict_file(version: ModelVersion, data: Path, out: Path, text: str | None, *, threads: int) -> None:
    """Write the file's columns with its labels, separated by |, and every probability added."""
    from portside.console import say

    done = _label(Asked(version.ref, data, out, text), version, threads)
    say(f"{done:,} rows labelled by {version.ref}, written to {out}")


def predict_promised(
    version: ModelVersion, data: Path, out: Path, text: str | None, *, risk: float, threads: int
) -> None:
    """As ``predict_file``, but move labels of which the model is too unsure for a promise to a column of their own.

    The promise: of the rows that get a label, at most a share ``risk`` gets a wrong one. Said before; how many rows
    were labelled is said after.

    Raises:
        UsageError: the rows that the version keeps do not suffice for it.
    """
    from portside.commands.promise import text_promise_of
    from portside.console import say

    sure = text_promise_of(version, _kept_answers(version, threads), "labels", risk)
    done = _label(Asked(version.ref, data, out, text), version, threads, sure=sure)
    given, unsure = _filled(out, "labels"), _filled(out, UNSURE)
    say(
        f"{given:,} of {done:,} rows got labels of which {version.ref} is sure enough; {unsure:,} rows have others "
        f"that it is not sure enough of, in the column {UNSURE}; written to {out}"
    )


def _kept_answers(version: ModelVersion, threads: int) -> Answers:
    """The labels it gives to the rows that it keeps."""
    from portside.commands.promise import kept_rows
    from portside.evaluation.multilabel import given_labels
    from portside.evaluation.report.multilabel import label_rows
    from portside.inference.multilabel import load_multilabeller
    from portside.progress import TerminalProgress
    from portside.training.seen import load_seen

    kept = kept_rows(version)
    with TerminalProgress("Reading the rows kept aside") as progress:
        asked = label_rows(
            load_multilabeller(version, threads=threads),
            kept,
            lambda done: progress.update(done, len(kept), f"{done:,} of {len(kept):,} rows"),
        )
    given = given_labels(asked.probabilities, asked.truth, asked.threshold)
    return given.fresh(asked.texts, load_seen(version.folder))


def _label(asked: Asked, version: ModelVersion, threads: int, *, sure: float | None = None) -> int:
    """Write all rows, those labels apart that are less probable than ``sure``; returns how many rows there were."""
    from portside.console import note
    from portside.inference.cuts import Cuts
    from portside.inference.multilabel import load_multilabeller

    cuts = Cuts()
    labeller = load_multilabeller(version, threads=threads, cuts=cuts)

    def answer(texts: list[str]) -> Iterator[list[Any]]:
        for one in labeller.predict(texts):
            given = [label for label in one.labels if sure is None or one.probabilities[label] >= sure]
            unsure = [] if sure is None else ["|".join(label for label in one.labels if label not in given)]
            yield ["|".join(given), *unsure, *_rounded(list(one.probabilities.values()))]

    added = ["labels", *([] if sure is None else [UNSURE]), *(f"p_{label}" for label in labeller.labels)]
    alike = {} if sure is None else {"at most wrong": sure}
    done = add_answers(asked, added=added, answer=answer, doing="Labelling", alike=alike)
    note(cuts.sentence)
    return done


def _filled(out: Path, column: str) -> int:
    """Rows of a written file that have something there: a run that was cut off may have written a part of them."""
    with out.open(encoding="utf-8", newline="") as stream:
        return sum(bool(row[column]) for row in csv.DictReader(stream))


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, PROBABILITY_DIGITS) for value in values]
