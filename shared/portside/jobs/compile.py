"""The job ``core.compile``: make a model answer faster on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portside.jobs.records import JobContext

__all__ = ["run_compiling"]


def run_compiling(context: JobContext, *, model: str, apps: Sequence[str] = ()) -> dict[str, Any]:
    """Measure every engine on the rows kept beside ``model``; the fastest serves whose answers stay the same.

    ``apps``: on what these have an encoder read, where no rows were kept beside it.

    Raises:
        UsageError: no rows were kept beside it, and no app of ``apps`` has enough texts any more.
        ModelError: there is no such model, or it is damaged.
    """
    from portside.apps import find_apps
    from portside.inference.engines.choice import speed_up
    from portside.inference.engines.registered import find_compilable
    from portside.jobs.encoders import texts_by_app
    from portside.registry import ModelRegistry
    from portside.said import said

    settings = context.settings
    found = find_compilable(model, ModelRegistry(settings.models_dir), settings.models_dir)
    named = [app for app in find_apps() if app.name in apps]
    texts = [one for offered in texts_by_app(named, settings).values() for one in offered]
    made = found.compiled(None, threads=settings.threads, progress=context.progress, texts=texts)
    if made.chosen is None:
        summary = said("No engine is faster with the same answers: {name} goes on as it was trained.", name=found.name)
    else:
        times = speed_up(made.chosen, made.original)
        summary = said(
            "{name} is served by {engine} from now on, {times} times as fast.",
            name=found.name,
            engine=made.chosen.engine,
            times=f"{times:.1f}",
        )
    return {**made.to_dict(), "model": found.name, "summary": summary}
