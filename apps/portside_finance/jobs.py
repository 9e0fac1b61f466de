"""Long work in the background: what the worker runs for each kind of job of this app."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from portside.errors import ModelNotFound, UsageError
from portside.jobs.records import JobContext
from portside.progress import Progress, ProgressPart
from portside.said import joined, said
from portside_finance.build import build_service
from portside_finance.service import FinanceService
from portside_finance.train import prepare_demo, train_model

__all__ = ["ingest", "poll", "repeat", "samples", "score", "train"]


def ingest(
    context: JobContext,
    *,
    path: str = "",
    url: str = "",
    source: str = "",
    columns: dict[str, str] | None = None,
    companies: bool = False,
) -> dict[str, Any]:
    """Import a file (or what a feed holds now), score what is new, bring alerts up to date."""
    service = build_service(context.settings)
    if companies:
        count = service.import_companies(Path(path), progress=context.progress)
        service.update_alerts()
        summary = said("{file}: {n} companies", file=Path(path).name, n=f"{count:,}")
        return {"companies": count, "summary": summary}
    if bool(path) == bool(url):
        raise UsageError("An import needs one file or one address", seen=f"{path!r} {url!r}", remedy="Give one of them")
    if url:
        report = service.ingest_feed(url)
    else:
        part = ProgressPart(context.progress, 0.0, 0.4)
        report = service.ingest(Path(path), columns=columns, source=source, progress=part)
    for row in report.examples:
        context.progress.log(f"row {row.row}, {row.column}: {row.rule}; {row.value!r}; {row.remedy}")
    texts = _score(service, ProgressPart(context.progress, 0.4, 1.0))
    summary = said(
        "{source}: {rows} rows, {new} new, {known} known, {refused} refused",
        source=Path(path).name or url,
        rows=f"{report.rows:,}",
        new=f"{report.added:,}",
        known=f"{report.repeated:,}",
        refused=f"{report.refused:,}",
    )
    return {
        "added": report.added,
        "repeated": report.repeated,
        "refused": report.refused,
        "skipped": report.skipped,
        "scored": texts,
        "summary": summary,
    }


def samples(context: JobContext) -> dict[str, Any]:
    """Train on the sample data and import it, as ``portside demo`` does for this app."""
    done = prepare_demo(context.settings, context.settings.samples, context.progress)
    return {"done": done, "summary": joined(done, "; ")}


def poll(context: JobContext, *, everything: bool = False, every_minutes: float = 0.0) -> dict[str, Any]:
    """Ask the feeds that are due, score what is new, bring alerts up to date.

    With ``every_minutes`` it goes on until the job is stopped.
    """
    service = build_service(context.settings)
    totals = {"polled": 0, "added": 0, "errors": 0}

    def once() -> None:
        report = service.poll(context.progress, everything=everything)
        if report.added:
            _score(service, context.progress)
        else:
            service.update_alerts()
        totals["polled"] += report.polled
        totals["added"] += report.added
        totals["errors"] += len(report.errors)

    once()
    if every_minutes > 0:
        repeat(once, every_minutes * 60, context.progress, sleep=time.sleep)
    summary = said(
        "{feeds} feeds, {new} new headlines, {errors} errors",
        feeds=totals["polled"],
        new=f"{totals['added']:,}",
        errors=totals["errors"],
    )
    return {**totals, "summary": summary}


def repeat(work: Callable[[], None], seconds: float, progress: Progress, *, sleep: Callable[[float], None]) -> None:
    """Do the work again every so many seconds until ``progress``, asked every 2 seconds, raises Cancelled."""
    while True:
        waited = 0.0
        while waited < seconds:
            progress.update(waited, seconds, said("waiting for the next round"))
            sleep(2.0)
            waited += 2.0
        work()


def score(context: JobContext, *, rescore: bool = False) -> dict[str, Any]:
    """Score what is not scored yet (with ``rescore`` what another version scored), bring alerts up to date."""
    service = build_service(context.settings)
    report = service.score(context.progress, rescore=rescore)
    service.update_alerts()
    return {
        "texts": report.texts,
        "models": [report.sentiment_model, report.topic_model],
        "summary": said("{n} headlines read", n=f"{report.texts:,}"),
    }


def train(
    context: JobContext, *, sentiment: str = "", topics: str = "", budget_seconds: float | None = None
) -> dict[str, Any]:
    """Fine-tune one or both models on files, corrections included."""
    service = build_service(context.settings)
    files = [(kind, file) for kind, file in (("sentiment", sentiment), ("topic", topics)) if file]
    if not files:
        raise UsageError(
            "A training needs a file", seen="none", remedy="Give labelled headlines for sentiment or topics"
        )
    versions = []
    for number, (kind, file) in enumerate(files):
        part = ProgressPart(context.progress, number / len(files), (number + 1) / len(files), kind)
        version = train_model(
            context.settings,
            service,
            kind,
            Path(file),
            progress=part,
            reason=f"trained on {Path(file).name}",
            budget_seconds=budget_seconds,
            resume=context.attempt > 1,
        )
        versions.append(version.ref)
    return {"models": versions, "summary": ", ".join(versions)}


def _score(service: FinanceService, progress: Progress) -> int:
    """Score and evaluate; without a model the headlines wait for one, which is no failure of the import."""
    try:
        texts = service.score(progress).texts
    except ModelNotFound as error:
        progress.log(str(error))
        texts = 0
    service.update_alerts()
    return texts
