"""The job ``core.compile``: make a model answer faster on this machine."""

from __future__ import annotations

from typing import Any

from portside.jobs.records import JobContext

__all__ = ["run_compiling"]


def run_compiling(context: JobContext, *, model: str) -> dict[str, Any]:
    """Measure every engine on the rows kept beside ``model``; the fastest serves whose answers stay the same.

    Raises:
        UsageError: no rows were kept beside it.
        ModelError: there is no such model, or it is damaged.
    """
    from portside.inference.engines.choice import speed_up
    from portside.inference.engines.registered import find_compilable
    from portside.registry import ModelRegistry

    settings = context.settings
    found = find_compilable(model, ModelRegistry(settings.models_dir), settings.models_dir)
    made = found.compiled(None, threads=settings.threads, progress=context.progress)
    if made.chosen is None:
        summary = f"No engine is faster with the same answers: {found.name} goes on as it was trained."
    else:
        times = speed_up(made.chosen, made.original)
        summary = f"{found.name} is served by {made.chosen.engine} from now on, {times:.1f} times as fast."
    return {**made.to_dict(), "model": found.name, "summary": summary}
