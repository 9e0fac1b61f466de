"""The desk's long work as background jobs: training, importing articles, importing the samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from portside.jobs import JobContext
from portside.said import joined, said

__all__ = ["import_kb", "import_samples", "train"]


def train(context: JobContext, data: str | None = None, promote: bool | None = None) -> dict[str, Any]:
    """Fine-tune the intents on ``data`` (default: the utterances of the last training) and the corrections."""
    from portside_support.train import TrainingWish, train_intents

    trained = train_intents(
        context.settings,
        Path(data) if data else None,
        progress=context.progress,
        actor=context.actor,
        reason=said("trained by a job"),
        wish=TrainingWish(promote=promote),
    )
    return {"summary": trained.summary(), "model": trained.model}


def import_kb(context: JobContext, folder: str) -> dict[str, Any]:
    """Make the articles below ``folder`` the knowledge base."""
    from portside_support.train import import_articles

    count = import_articles(context.settings, Path(folder), progress=context.progress)
    return {"summary": said("{n} articles are searchable", n=count), "articles": count}


def import_samples(context: JobContext) -> dict[str, Any]:
    """Train and fill the desk from the sample data."""
    from portside_support.train import prepare_demo

    done = prepare_demo(context.settings, context.settings.samples, context.progress)
    return {"summary": joined(done, "; ") if done else said("The samples were there already"), "done": done}
