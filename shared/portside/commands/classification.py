"""Classification on the command line."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from portside.commands.rows import Asked, add_answers, added_columns
from portside.progress import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from portside.data import Dataset
    from portside.evaluation.classification import ClassificationReport
    from portside.inference.outside_gate import EnergyGate
    from portside.records import Prediction
    from portside.registry import ModelVersion

__all__ = [
    "evaluate",
    "measured",
    "output_columns",
    "predict_file",
    "predict_promised",
    "predict_texts",
    "show",
]

CONFUSIONS_SHOWN = 10
WEAKEST_SHOWN = 10
PROBABILITY_DIGITS = 6
SHOWN = 3
"""Most probable labels shown for a text on the terminal."""


def measured(version: ModelVersion) -> str:
    """Accuracy on validation rows, with its interval."""
    metrics = version.validation
    if not metrics:
        return ""
    low, high = metrics["accuracy_ci95"]
    return (
        f"Validation accuracy {100 * metrics['accuracy']:.2f} % (95 % interval {100 * low:.1f} to {100 * high:.1f}), "
        f"macro-F1 {metrics['macro_f1']:.4f}, n = {metrics['n']:,}"
    )


def evaluate(version: ModelVersion, dataset: Dataset, *, threads: int, progress: Progress) -> ClassificationReport:
    """Accuracy with its 95 % interval, macro-F1, every label, what is confused."""
    from portside.evaluation.classification import evaluate_classifier
    from portside.inference.classifier import load_classifier
    from portside.inference.cuts import Cuts
    from portside.training.seen import load_seen

    dataset, cuts = _inside(version, dataset), Cuts()
    report = evaluate_classifier(
        load_classifier(version, threads=threads, cuts=cuts),
        dataset,
        seen=load_seen(version.folder),
        report=lambda done: progress.update(done, len(dataset), f"{done:,} of {len(dataset):,} rows"),
    )
    return replace(report, cut=cuts.in_rows(dataset.rows))


def _inside(version: ModelVersion, dataset: Dataset) -> Dataset:
    """The rows that have one of the labels, where the model was told which label means that none does."""
    from portside.console import note

    label = ((version.card.get("data") or {}).get("outside") or {}).get("label")
    inside = [place for place, one in enumerate(dataset.examples) if one.label != label]
    if len(inside) == len(dataset) or not inside:
        return dataset
    note(
        f"Left out: {len(dataset) - len(inside):,} rows labelled '{label}', which none of the model's labels fits; "
        f"portside report {version.ref} --data FILE tells what it makes of them."
    )
    return dataset.subset(inside)


def show(report: ClassificationReport) -> None:
    """Print a report."""
    from portside.console import say, table

    low, high = report.accuracy_ci95
    say(f"{report.model} on {report.data}, n = {report.n:,}")
    say(f"accuracy {100 * report.accuracy:.2f} % (95 % interval {100 * low:.2f} to {100 * high:.2f})")
    say(f"macro-F1 {report.macro_f1:.4f} over {len(report.per_class)} labels")
    if report.seen_in_training:
        say(
            f"Mind: {report.seen_in_training:,} of these rows ({100 * report.seen_in_training / report.n:.1f} %) "
            "have a text that the model was trained on; they flatter it."
        )
    if report.cut is not None and report.cut.count:
        say(f"Mind: {report.cut.sentence}")
    weakest = sorted(report.per_class.items(), key=lambda item: (item[1].f1, item[0]))[:WEAKEST_SHOWN]
    table(
        ["label", "precision", "recall", "f1", "rows"],
        [[label, one.precision, one.recall, one.f1, one.support] for label, one in weakest],
        title=f"Labels, weakest first ({len(weakest)} of {len(report.per_class)})",
    )
    confused = report.top_confusions(CONFUSIONS_SHOWN)
    if confused:
        table(["true", "predicted", "rows"], confused, title="Most often confused")


def predict_texts(version: ModelVersion, texts: list[str], *, threads: int, as_json: bool) -> None:
    """Print the label of each text, its confidence, and what comes next."""
    from portside import console
    from portside.inference.classifier import load_classifier
    from portside.inference.cuts import Cuts

    cuts = Cuts()
    predictions = load_classifier(version, threads=threads, cuts=cuts).predict(texts)
    console.note(cuts.sentence)
    if as_json:
        console.as_json([{"text": text, **_plain(found)} for text, found in zip(texts, predictions, strict=True)])
        return
    for text, found in zip(texts, predictions, strict=True):
        ranked = sorted(found.probabilities.items(), key=lambda item: -item[1])[1:SHOWN]
        others = ", ".join(f"{label} {probability:.3f}" for label, probability in ranked)
        unlike = ", unlike all it learned" if found.outside else ""
        console.say(f"{found.label} {found.confidence:.3f} (then {others}{unlike})  {text}")


def _plain(found: Prediction) -> dict[str, Any]:
    return {
        "label": found.label,
        "confidence": found.confidence,
        "probabilities": dict(found.probabilities),
        "model": found.model,
        "outside": found.outside,
    }


def output_columns(given: Sequence[str], labels: Sequence[str], *, gated: bool = False) -> tuple[list[str], list[str]]:
    """Names for the columns of the input and for those that are added; ``gated``: the model tells what is outside.

    A column of the input that is called like an added one gets ``input_`` before its name.
    """
    return added_columns(given, _added(labels, gated))


def _added(labels: Sequence[str], gated: bool) -> list[str]:
    return ["label", "confidence", *(["outside"] if gated else []), *(f"p_{label}" for label in labels)]


def predict_file(version: ModelVersion, data: Path, out: Path, text: str | None, *, threads: int) -> None:
    """Write the file's columns with label, confidence, whether it is unlike all that was learned, and every
    probability added.
    """
    from portside.console import say

    done = _label(Asked(version.ref, data, out, text), version, threads)
    say(f"{done:,} rows labelled by {version.ref}, written to {out}")


def predict_promised(
    version: ModelVersion, data: Path, out: Path, text: str | None, *, risk: float, threads: int
) -> None:
    """As ``predict_file``, but leave the label empty where the model is too unsure for a promise: at most a share
    ``risk`` of the labels given is wrong. Says the promise before and how many were labelled after.

    Raises:
        UsageError: the rows that the version keeps do not suffice for it.
    """
    from portside.commands.promise import promise_of
    from portside.console import say
    from portside.evaluation.report.choice import beside_promise
    from portside.evaluation.report.guarantee import not_by_model

    promise, by_model = promise_of(version, risk)
    say(promise.sentence)
    if not by_model:
        say(not_by_model())
    if beside := beside_promise(version, by_model=by_model):
        say(beside)
    done = _label(Asked(version.ref, data, out, text), version, threads, sure=promise.threshold)
    given = _labelled(out)
    say(
        f"{given:,} of {done:,} rows labelled by {version.ref}, {done - given:,} left open because it is not sure "
        f"enough; written to {out}"
    )


def _label(asked: Asked, version: ModelVersion, threads: int, *, sure: float | None = None) -> int:
    """Write all rows, labelled from a confidence of ``sure`` on; returns how many there were."""
    from portside.console import note
    from portside.inference.classifier import load_classifier
    from portside.inference.cuts import Cuts

    cuts = Cuts()
    classifier = load_classifier(version, threads=threads, cuts=cuts)
    gate = classifier.gate

    def answer(texts: list[str]) -> Iterator[list[Any]]:
        logits, _ = classifier.scores(texts)
        return _answers(logits, classifier.labels, gate, sure)

    added = _added(classifier.labels, gate is not None)
    alike = {} if sure is None else {"at most wrong": sure}
    done = add_answers(asked, added=added, answer=answer, doing="Labelling", alike=alike)
    note(cuts.sentence)
    return done


def _answers(
    logits: NDArray[np.float32], labels: Sequence[str], gate: EnergyGate | None, sure: float | None
) -> Iterator[list[Any]]:
    """The cells of each text, in the order of ``_added``; ``logits`` of shape (texts, labels)."""
    from portside.inference.classifier import chances

    outside = None if gate is None else gate.outside(logits)
    for row, probabilities in enumerate(chances(logits, gate)):
        best = int(probabilities.argmax())
        label = labels[best] if sure is None or probabilities[best] >= sure else ""
        numbers = [round(float(value), PROBABILITY_DIGITS) for value in probabilities]
        gated = [] if outside is None else ["true" if outside[row] else "false"]
        yield [label, numbers[best], *gated, *numbers]


def _labelled(out: Path) -> int:
    """Rows of a written file that have a label: a run that was cut off may have written a part of them."""
    with out.open(encoding="utf-8", newline="") as stream:
        return sum(bool(row["label"]) for row in csv.DictReader(stream))
