"""Tagging on the command line."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from portside.commands.tasks import Columns, read_texts, replacing
from portside.data.findings import DataReport
from portside.progress import Progress

if TYPE_CHECKING:
    from portside.data.tagged import TaggedDataset
    from portside.evaluation.tagging import TaggingReport
    from portside.registry import ModelVersion

__all__ = ["evaluate", "findings", "measured", "predict_file", "predict_texts", "read", "show"]

TEXTS_AT_ONCE = 512


def read(path: Path, columns: Columns, *, test: bool) -> TaggedDataset:
    """Tagged sentences; ``columns`` and ``test`` change nothing.

    Raises:
        DataError: the file breaks a rule.
    """
    from portside.data.tagged import load_tagged

    return load_tagged(path)


def findings(dataset: TaggedDataset) -> DataReport:
    """What reading had to mend."""
    return DataReport(dataset.source, len(dataset), len(dataset)).with_findings(*dataset.findings)


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
    from portside.inference.tagger import load_tagger

    words = sum(len(one.tokens) for one in dataset.sentences)
    return evaluate_tagger(
        load_tagger(version, threads=threads),
        dataset,
        report=lambda done: progress.update(done, words, f"{done:,} of {words:,} words"),
    )


def show(report: TaggingReport) -> None:
    """Print a report."""
    from portside.console import say, table

    low, high = report.entity_f1_ci95
    entity = report.entity
    say(f"{report.model} on {report.data}, n = {report.n:,} sentences, {entity.support:,} entities")
    say(f"entity F1 {entity.f1:.4f} (95 % interval {low:.4f} to {high:.4f}), type and both ends right")
    say(f"precision {entity.precision:.4f}, recall {entity.recall:.4f}")
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
    from portside.inference.tagger import load_tagger

    found = load_tagger(version, threads=threads).entities(texts)
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
    from portside.console import say
    from portside.inference.tagger import load_tagger
    from portside.progress import TerminalProgress

    tagger = load_tagger(version, threads=threads)
    frame, column = read_texts(data, text)
    texts = [str(value) for value in frame[column]]
    with replacing(out) as stream, TerminalProgress(f"Tagging {data.name}") as progress:
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            part = texts[start : start + TEXTS_AT_ONCE]
            for each, entities in zip(part, tagger.entities(part), strict=True):
                stream.write(json.dumps(_plain(each, entities, version), ensure_ascii=False) + "\n")
            progress.update(start + len(part), len(texts), f"{start + len(part):,} of {len(texts):,} rows")
    say(f"{len(texts):,} rows tagged by {version.ref}, written to {out}")


def _plain(text: str, entities: list[Any], version: ModelVersion) -> dict[str, Any]:
    return {"text": text, "entities": [asdict(one) for one in entities], "model": version.ref}
