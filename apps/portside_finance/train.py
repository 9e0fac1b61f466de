"""Fine-tune the two models, and prepare the app from the samples."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from portside.errors import UsageError
from portside.progress import Progress, ProgressPart
from portside.records import Example
from portside.said import joined, said, settled
from portside.settings import Settings

if TYPE_CHECKING:
    from portside.registry import ModelVersion
    from portside.tasks.classification import LabelledTexts
    from portside_finance.service import FinanceService

__all__ = ["Corrected", "prepare_demo", "train_model", "with_corrections"]


_PATIENCE = 2.0


@dataclass(frozen=True)
class Corrected:
    """Labelled texts with the corrections that people made on the pages: a correction replaces the file's label."""

    examples: tuple[Example, ...]
    labels: tuple[str, ...]
    source: str
    content_hash: str


def with_corrections(base: LabelledTexts, corrections: Sequence[tuple[str, str]]) -> LabelledTexts:
    """``base`` and the corrected texts; ``base`` itself when there are none."""
    if not corrections:
        return base
    right = {text.strip().casefold(): Example(text, label) for text, label in corrections}
    kept = [example for example in base.examples if example.text.strip().casefold() not in right]
    examples = (*kept, *right.values())
    digest = hashlib.sha256(base.content_hash.encode())
    for example in right.values():
        digest.update(f"\x1e{example.text}\x1f{example.label}".encode())
    labels = tuple(sorted({example.label for example in examples}))
    source = f"{base.source} with {len(right)} corrections"
    return Corrected(examples, labels, source, digest.hexdigest())


def train_model(
    settings: Settings,
    service: FinanceService,
    kind: str,
    data: Path,
    *,
    progress: Progress,
    reason: str,
    budget_seconds: float | None = None,
    resume: bool = False,
    promote: bool | None = None,
) -> ModelVersion:
    """Fine-tune the ``sentiment`` or the ``topic`` model on a file, corrections included.

    Raises:
        DataError: the file cannot be trained on.
        UsageError: another training of this model runs, or the budget is too short.
        Cancelled: asked to stop.
    """
    from portside.data import load_examples
    from portside.registry import ModelRegistry
    from portside.tasks.classification import ClassificationRecipe
    from portside.training.classification import make_task
    from portside.training.run import Order, train_task

    score = service.config.score
    names = {"sentiment": score.sentiment_model, "topic": score.topic_model}
    if kind not in names:
        raise UsageError("There are two models to train", seen=kind, remedy=f"Name one of: {', '.join(names)}")
    dataset = with_corrections(load_examples(data), service.store.headlines.corrected(kind))
    recipe = ClassificationRecipe(encoder=settings.encoder, budget_seconds=budget_seconds)
    order = Order(
        registry=ModelRegistry(settings.models_dir),
        name=names[kind],
        runs_dir=settings.runs_dir,
        progress=progress,
        actor=service.actor,
        reason=reason,
        promote=promote,
        resume=resume,
        threads=settings.threads,
    )
    return train_task(recipe, make_task(recipe, dataset), order)


def prepare_demo(settings: Settings, samples: Path, progress: Progress) -> list[str]:
    """Train both models on the samples, import companies and headlines, score them and compute alerts.

    What was done before is not done again; interrupted, it goes on where it was.
    """
    from portside_finance.build import build_service

    folder = samples / "finance"
    service = build_service(settings)
    try:
        done = _train_missing(settings, service, folder, progress)
        done += _import_missing(service, folder, progress)
        scored = service.score(ProgressPart(progress, 0.45, 0.98, "reading headlines"))
        if scored.texts:
            done.append(
                said(
                    "scored {n} distinct headlines with {sentiment}, {topic}",
                    n=f"{scored.texts:,}",
                    sentiment=scored.sentiment_model,
                    topic=scored.topic_model,
                )
            )
        service.update_alerts()
        if done:
            counts = [
                said("{n} {state}", n=n, state=settled(state)) for state, n in sorted(service.alert_counts().items())
            ]
            done.append(said("alerts: {counts}", counts=joined(counts, ", ") if counts else said("none")))
        progress.update(1.0, 1.0, "")
        return done
    finally:
        service.store.database.close()


def _train_missing(settings: Settings, service: FinanceService, folder: Path, progress: Progress) -> list[str]:
    from portside.registry import CHAMPION, ModelRegistry

    registry = ModelRegistry(settings.models_dir)
    config = service.config
    plans: Mapping[str, tuple[str, str, float, float, float]] = {
        "sentiment": ("sentiment.csv", config.score.sentiment_model, config.train.demo_seconds_sentiment, 0.0, 0.18),
        "topic": ("topics.csv", config.score.topic_model, config.train.demo_seconds_topics, 0.18, 0.37),
    }
    done: list[str] = []
    for kind, (file, name, seconds, start, end) in plans.items():
        if CHAMPION in registry.aliases(name):
            continue
        part = ProgressPart(progress, start, end, f"training {name}")
        version = _train_in_time(settings, service, kind, folder / file, seconds=seconds, progress=part)
        done.append(said("trained {model}", model=version.ref))
    return done


def _train_in_time(
    settings: Settings, service: FinanceService, kind: str, data: Path, *, seconds: float, progress: Progress
) -> ModelVersion:
    reason = said("trained on the sample data")
    try:
        return train_model(settings, service, kind, data, progress=progress, reason=reason, budget_seconds=seconds)
    except UsageError as error:
        # A machine busy with other work may not get one step into the time: a slow demo is better than none.
        progress.log(f"{error} Trying once more with {_PATIENCE:g} times the time.")
        more = seconds * _PATIENCE
        return train_model(settings, service, kind, data, progress=progress, reason=reason, budget_seconds=more)


def _import_missing(service: FinanceService, folder: Path, progress: Progress) -> list[str]:
    from portside_finance.headlines import guess_mapping
    from portside_finance.ingest import import_identity
    from portside_finance.reading import columns_of

    done: list[str] = []
    if not service.totals()["companies"]:
        count = service.import_companies(folder / "companies.csv")
        done.append(said("imported {n} companies", n=count))
    path = folder / "headlines.csv.gz"
    mapping = guess_mapping(columns_of(path), path.name, default_source="headlines")
    state = service.store.import_state(import_identity(path, mapping))
    if state is None or not state.finished:
        report = service.ingest(path, progress=ProgressPart(progress, 0.37, 0.45, "importing headlines"))
        done.append(
            said(
                "imported {n} headlines, {copies} of them copies of a known story",
                n=f"{report.added:,}",
                copies=f"{report.same_story:,}",
            )
        )
    return done
