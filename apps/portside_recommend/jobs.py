"""Long work in the background: import, training, evaluation. Each returns what the page shows when it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from portside.said import joined, said

if TYPE_CHECKING:
    from portside.jobs import JobContext
    from portside.progress import Progress
    from portside.settings import Settings
    from portside_recommend.service import RecommendService

__all__ = ["evaluate", "evaluate_service", "ingest", "train"]


def ingest(
    context: JobContext,
    *,
    items: str | None = None,
    events: str | None = None,
    mapping: Mapping[str, str] | None = None,
    default_event: str = "",
    samples: bool = False,
) -> dict[str, Any]:
    """Take files in; ``samples``: those that come with the project."""
    from portside_recommend.build import build_service

    if samples:
        folder = context.settings.samples / "recommend"
        items, events = str(folder / "items.csv"), str(folder / "events.csv.gz")

    taken = build_service(context.settings).ingest(
        items=Path(items) if items else None,
        events=Path(events) if events else None,
        mapping=mapping,
        default_event=default_event,
        progress=context.progress,
    )
    for finding in taken.findings:
        context.progress.log(f"{finding.count:,} rows: {finding.rule} (seen: {finding.value})")
    names = ", ".join(Path(each).name for each in (items, events) if each)
    summary = said(
        "{files}: {items} items, {events} new events",
        files=names,
        items=f"{taken.items:,}",
        events=f"{taken.events:,}",
    )
    return {"summary": summary, "items": taken.items, "events": taken.events, "events_read": taken.events_read}


def train(context: JobContext, budget_seconds: float | None = None) -> dict[str, Any]:
    """Fine-tune the encoder and choose the weights."""
    from portside.registry import ModelRegistry
    from portside_recommend.build import build_service
    from portside_recommend.train import train_recommender

    service = build_service(context.settings)
    config = service.config.encoder
    if budget_seconds is not None:
        config = replace(config, budget_seconds=budget_seconds)
    trained = train_recommender(
        service,
        ModelRegistry(context.settings.models_dir),
        context.settings,
        progress=context.progress,
        actor=context.actor,
        reason=said("trained from the page or the queue"),
        config=config,
    )
    return {"summary": joined(trained.lines(), "; "), "version": trained.version, "promoted": trained.promoted}


def evaluate(context: JobContext, protocol: str = "time", fine_tune: bool = True) -> dict[str, Any]:
    """Measure list quality; the report is kept."""
    from portside_recommend.build import build_service

    service = build_service(context.settings)
    report = evaluate_service(service, context.settings, protocol, context.progress, fine_tune=fine_tune)
    ours = report["methods"]["Portside"]
    summary = said(
        "Recall@{k} {recall}, NDCG@{k} {ndcg} over {users} users",
        k=report["k"],
        recall=f"{ours['recall'][0]:.4f}",
        ndcg=f"{ours['ndcg'][0]:.4f}",
        users=f"{report['cases']:,}",
    )
    return {"summary": summary, "report": report}


def evaluate_service(
    service: RecommendService,
    settings: Settings,
    protocol: str,
    progress: Progress,
    *,
    fine_tune: bool,
    budget_seconds: float | None = None,
) -> dict[str, Any]:
    """Evaluate with an encoder trained for this evaluation only, on the events before the cut, then thrown away."""
    from portside.encoders import resolve_encoder
    from portside.registry import ModelRegistry
    from portside_recommend.train import make_teacher

    config = service.config.encoder
    if budget_seconds is not None:
        config = replace(config, budget_seconds=budget_seconds)
    settings.runs_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=settings.runs_dir, prefix="recommend-evaluation-") as folder:
        start = resolve_encoder(settings.encoder, ModelRegistry(settings.models_dir)).folder
        teacher = make_teacher(start, Path(folder), config, threads=settings.threads) if fine_tune else None
        return service.evaluate(protocol, teacher, progress)
