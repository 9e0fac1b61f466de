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
    from portside.evaluation.answers import Answers
    from portside.evaluation.tagging import TaggingReport
    from portside.records import Entity
    from portside.registry import ModelVersion

__all__ = ["evaluate", "measured", "predict_file", "predict_promised", "predict_texts", "show"]

UNSURE = "unsure"
"""Beside a row's names: those that a promise leaves out."""


def measured(version: ModelVersion) -> str:
    """Entity F1 on validation sentences, and what they told of a name's confidence."""
    found = version.validation
    if not found:
        return ""
    parts = f"precision {found['precision']:.4f}, recall {found['recall']:.4f}"
    made = f"Validation entity F1 {found['entity_f1']:.4f} ({parts}), n = {found['n']:,} sentences"
    told = (version.card.get("calibration") or {}).get("names")
    return f"{made}. {told}" if told else made


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
    from portside.console import say

    done = _tag(Asked(version.ref, data, out, text), version, threads)
    say(f"{done:,} rows tagged by {version.ref}, written to {out}")


def predict_promised(
    version: ModelVersion, data: Path, out: Path, text: str | None, *, risk: float, threads: int
) -> None:
    """As ``predict_file``, but list names of which the model is too unsure for a promise apart, as ``unsure``.

    The promise: of the sentences that get a name, at most a share ``risk`` gets a wrong one. Said before; how many
    rows have names is said after.

    Raises:
        UsageError: the rows that the version keeps do not suffice for it.
    """
    from portside.commands.promise import text_promise_of
    from portside.console import say

    sure = text_promise_of(version, _kept_answers(version, threads), "names", risk)
    say("A text is one sentence here, as in the rows it keeps: a row of several has that many chances of a wrong name.")
    done = _tag(Asked(version.ref, data, out, text), version, threads, sure=sure)
    given, unsure = _filled(out)
    say(
        f"{given:,} of {done:,} rows got names of which {version.ref} is sure enough; in {unsure:,} rows it finds "
        f"others that it is not sure enough of, under '{UNSURE}'; written to {out}"
    )


def _kept_answers(version: ModelVersion, threads: int) -> Answers:
    """The names it finds in the sentences that it keeps."""
    from portside.commands.promise import kept_rows
    from portside.evaluation.report.tagging import answers_of, fresh_answers, tag_rows
    from portside.inference.tagger import load_tagger
    from portside.progress import TerminalProgress
    from portside.training.seen import load_seen

    kept = kept_rows(version)
    words = sum(len(one.tokens) for one in kept.sentences)
    with TerminalProgress("Reading the rows kept aside") as progress:
        asked = tag_rows(
            load_tagger(version, threads=threads),
            kept,
            lambda done: progress.update(done, words, f"{done:,} of {words:,} words"),
        )
    return fresh_answers(asked, answers_of(asked, fitted_here=True), load_seen(version.folder))


def _tag(asked: Asked, version: ModelVersion, threads: int, *, sure: float | None = None) -> int:
    """Write all rows, those names apart that it is less sure of than ``sure``; returns how many rows there were."""
    from portside.console import note
    from portside.inference.cuts import Cuts
    from portside.inference.tagger import load_tagger

    cuts = Cuts("words")
    tagger = load_tagger(version, threads=threads, cuts=cuts)

    def write(stream: TextIO, _rows: Sequence[Sequence[object]], texts: list[str]) -> None:
        for each, entities in zip(texts, tagger.entities(texts), strict=True):
            found = _plain(each, entities, version) if sure is None else _split(each, entities, version, sure)
            stream.write(json.dumps(found, ensure_ascii=False) + "\n")

    alike = {} if sure is None else {"at most wrong": sure}
    done = answer_rows(asked, write=write, doing="Tagging", alike=alike)
    note(cuts.sentence)
    return done


def _split(text: str, entities: list[Entity], version: ModelVersion, sure: float) -> dict[str, Any]:
    given = [one for one in entities if one.confidence >= sure]
    unsure = [asdict(one) for one in entities if one.confidence < sure]
    return {**_plain(text, given, version), UNSURE: unsure}


def _filled(out: Path) -> tuple[int, int]:
    """Rows of a written file with names, and with unsure ones: a run that was cut off may have written some of them."""
    given = unsure = 0
    with out.open(encoding="utf-8") as stream:
        for line in stream:
            row = json.loads(line)
            given, unsure = given + bool(row["entities"]), unsure + bool(row[UNSURE])
    return given, unsure


def _plain(text: str, entities: list[Any], version: ModelVersion) -> dict[str, Any]:
    return {"text": text, "entities": [asdict(one) for one in entities], "model": version.ref}
