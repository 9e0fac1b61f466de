"""Matching on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from portside.commands.rows import Asked, add_answers
from portside.data.findings import excerpt
from portside.progress import Progress

if TYPE_CHECKING:
    from portside.data.matching import MatchingDataset
    from portside.evaluation.matching import MatchingReport
    from portside.registry import ModelVersion

__all__ = ["evaluate", "measured", "predict_file", "predict_texts", "show"]

SHOWN = 3
"""Documents shown for a query."""
SCORE_DIGITS = 6


def measured(version: ModelVersion) -> str:
    """NDCG@10 on validation queries, by each system."""
    found = version.validation
    if not found:
        return ""
    before = version.card.get("read_before", {})
    told = "".join(f"; before each {side} it reads “{text}”" for side, text in before.items() if text)
    others = f"keywords {found['keywords_ndcg_at_10']:.4f}, hybrid {found['hybrid_ndcg_at_10']:.4f}"
    return (
        f"Validation NDCG@10 {found['ndcg_at_10']:.4f} by vectors ({others}) among {found['documents']:,} documents, "
        f"n = {found['n']:,} queries; it answers by {found['system']}{told}"
    )


def evaluate(version: ModelVersion, dataset: MatchingDataset, *, threads: int, progress: Progress) -> MatchingReport:
    """NDCG, recall and MAP of keywords, vectors and both."""
    from portside.evaluation.matching import evaluate_matcher
    from portside.inference.cuts import Cuts
    from portside.inference.matcher import load_matcher
    from portside.training.seen import load_seen

    cuts = Cuts()
    report = evaluate_matcher(
        load_matcher(version, threads=threads, cuts=cuts),
        dataset,
        seen=load_seen(version.folder),
        report=lambda done, total: progress.update(done, total, "reading texts, ranking documents"),
    )
    return replace(report, cut=cuts.in_rows(None))


def show(report: MatchingReport) -> None:
    """Print a report."""
    from portside.console import say, table

    best = report.systems[report.system]
    low, high = best.ci95["ndcg_at_10"]
    say(f"{report.model} on {report.data}, n = {report.n:,} queries, {report.documents:,} documents")
    if report.without_relevant:
        say(f"left out: {report.without_relevant:,} queries to which no document is relevant")
    say(f"NDCG@10 {best.ndcg_at_10:.4f} (95 % interval {low:.4f} to {high:.4f}) by {report.system}, as it answers")
    if report.seen_in_training:
        say(f"Mind: {report.seen_in_training:,} of these queries were trained on; they flatter it.")
    if report.cut is not None and report.cut.count:
        say(f"Mind: {report.cut.sentence}")
    table(
        ["ranked by", "NDCG@3", "NDCG@10", "MAP", "recall@3", "recall@10", "recall@100"],
        [
            [name, one.ndcg_at_3, one.ndcg_at_10, one.map, one.recall_at_3, one.recall_at_10, one.recall_at_100]
            for name, one in report.systems.items()
        ],
    )


def predict_texts(version: ModelVersion, texts: list[str], *, threads: int, as_json: bool) -> None:
    """Print the best documents for each query."""
    from dataclasses import asdict

    from portside import console
    from portside.inference.cuts import Cuts
    from portside.inference.matcher import load_matcher

    cuts = Cuts()
    matcher = load_matcher(version, threads=threads, cuts=cuts)
    found = matcher.match(texts, SHOWN)
    console.note(cuts.sentence)
    if as_json:
        console.as_json(
            [
                {"text": text, "ranked_by": matcher.system, "matches": [asdict(one) for one in matches]}
                for text, matches in zip(texts, found, strict=True)
            ]
        )
        return
    for text, matches in zip(texts, found, strict=True):
        console.say(text)
        for one in matches:
            console.say(f"  {one.score:.3f}  {one.document}  {excerpt(one.text)}")
        if not matches:
            console.say("  no document shares a word with it")


def predict_file(version: ModelVersion, data: Path, out: Path, text: str | None, *, threads: int) -> None:
    """Write the file's columns with the best document, its id and its score added."""
    from portside.console import note, say
    from portside.inference.cuts import Cuts
    from portside.inference.matcher import load_matcher

    cuts = Cuts()
    matcher = load_matcher(version, threads=threads, cuts=cuts)

    def answer(texts: list[str]) -> Iterator[list[Any]]:
        for matches in matcher.match(texts, 1):
            best = [[one.text, one.document, round(one.score, SCORE_DIGITS)] for one in matches]
            yield best[0] if best else ["", "", ""]

    added = ["best_match", "document", "score"]
    done = add_answers(Asked(version.ref, data, out, text), added=added, answer=answer, doing="Matching")
    note(cuts.sentence)
    say(f"{done:,} rows matched by {version.ref}, written to {out}")
