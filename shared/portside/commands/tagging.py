"""Tagging on the command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from portside.commands.rows import Asked, answer_rows
from portside.progress import Progress

if TYPE_CHECKING:
    from portside.data.tagged import TaggedDataset
    from portside.evaluation.tagging import TaggingReport
    from portside.registry import ModelVersion

__all__ = ["evaluate", "measured", "predict_file", "predict_texts", "show"]


def measured(version: ModelVersion) -> str:
    """Entity F1 on validation sentences."""
    found = version.validation
    if not found:
        return ""
    parts = f"precision {found['precision']:.4f}, recall {found['recall']:.4f}"
    return f"Validation entity F1 {found['entity_f1']:.4f} ({parts}), n = {found['n']:,} sentences"


def evaluate(version: ModelVersion, dataset: TaggedDataset, *, threads: int, progress: Progress) -> TaggingReport:
    """Entity F1 with its interval, every type, and the words' tags one by one."""
    from portside.evaluation.tagging import evaluate_tagger
    from portside.inference.cuts import Cuts
    from portside.inference.tagger import load_tagger

    cuts = Cuts("words")
    words = sum(len(one.tokens) for one in dataset.sentences)
    report = evaluate_tagger(
        load_tagger(version, threads=threads, cuts=cuts),
        dataset,
        report=lambda done: progress.update(done, words, f"{done:,} of {words:,} words"),
    )
    return replace(report, cut=cuts.in_rows(None))


def show(report: TaggingReport) -> None:
    """Print a report."""
    from portside.console import say, table

    low, high = report.entity_f1_ci95
    entity = report.entity
    say(f"{report.model} on {report.data}, n = {report.n:,} sentences, {entity.support:,} entities")
    say(f"entity F1 {entity.f1:.4f} (95 % interval {low:.4f} to {high:.4f}), type and both ends right")
    say(f"precision {entity.precision:.4f}, recall {entity.recall:.4f}")
    if report.unknown:
        say(f"Mind: the model does not know {', '.join(report.unknown)}; it misses them in every sentence.")
    if report.cut is not None and report.cut.count:
        say(f"Mind: {report.cut.sentence}")
    table(
        ["type", "precision", "recall", "f1", "entities"],
        [[name, one.precision, one.recall, one.f1, one.support] for name, one in report.per_type.items()],
        title="Types",
    )
    means = [(name, report.token_report[name]) for name in ("macro avg", "weighted avg")]
    table(
        ["words' tags, O among them", "precision", "recall", "f1"],
        [[name, one["precision"], one["recall"], one["f1-score"]] for name, one in means],
    )


def predict_texts(version: ModelVersion, texts: list[str], *, threads: int, as_json: bool) -> None:
    """Print the names in each text."""
    from portside import console
    from portside.inference.cuts import Cuts
    from portside.inference.tagger import load_tagger

    cuts = Cuts("words")
    found = load_tagger(version, threads=threads, cuts=cuts).entities(texts)
    console.note(cuts.sentence)
    if as_json:
        console.as_json([_plain(text, entities, version) for text, entities in zip(texts, found, strict=True)])
        return
    for text, entities in zip(texts, found, strict=True):
        console.say(text)
        for one in entities:
            console.say(f"  {one.type} {one.confidence:.3f}  {one.text}  ({one.start}-{one.end})")
        if not entities:
            console.say("  no names")


def predict_file(version: ModelVersion, data: Path, out: Path, text: str | None, *, threads: int) -> None:
    """Write one JSON line for each row: its text and the names in it."""
    from portside.console import note, say
    from portside.inference.cuts import Cuts
    from portside.inference.tagger import load_tagger

    cuts = Cuts("words")
    tagger = load_tagger(version, threads=threads, cuts=cuts)

    def write(stream: TextIO, _rows: Sequence[Sequence[object]], texts: list[str]) -> None:
        for each, entities in zip(texts, tagger.entities(texts), strict=True):
            stream.write(json.dumps(_plain(each, entities, version), ensure_ascii=False) + "\n")

    done = answer_rows(Asked(version.ref, data, out, text), write=write, doing="Tagging")
    note(cuts.sentence)
    say(f"{done:,} rows tagged by {version.ref}, written to {out}")


def _plain(text: str, entities: list[Any], version: ModelVersion) -> dict[str, Any]:
    return {"text": text, "entities": [asdict(one) for one in entities], "model": version.ref}
