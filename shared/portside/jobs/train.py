"""The job ``core.train``: fine-tune a model of any task on a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from portside.jobs.records import JobContext

__all__ = ["run_training"]


def run_training(
    context: JobContext,
    *,
    data: str,
    name: str,
    task: str = "classification",
    text: str | None = None,
    label: str | None = None,
    valid: str | None = None,
    reason: str = "",
    promote: bool | None = None,
    **recipe: Any,
) -> dict[str, Any]:
    """Train on ``data`` and register the result as the next version of ``name``.

    ``text`` and ``label`` name columns where they cannot be guessed; ``recipe`` holds any field of
    the task's recipe (``budget_seconds``, ``epochs``, ``seed``, ``encoder`` …), and its ``method``
    may be ``auto``. A retry continues where the earlier attempt stopped.

    Raises:
        UsageError, DataError: the recipe or a file breaks a rule.
    """
    from portside.apps import load
    from portside.data.columns import Columns
    from portside.registry import ModelRegistry
    from portside.said import said
    from portside.tasks.spec import find_task
    from portside.training.auto import train_auto
    from portside.training.run import Order, train_task

    spec = find_task(task)
    read, columns = load(spec.read), Columns(text, label)
    given = {"encoder": context.settings.encoder, **{key: value for key, value in recipe.items() if value is not None}}
    auto = given.get("method") == "auto"
    made = spec.recipe(**_known({**given, "method": "full"} if auto else given, spec.recipe))
    order = Order(
        registry=ModelRegistry(context.settings.models_dir),
        name=name,
        runs_dir=context.settings.runs_dir,
        progress=context.progress,
        actor=context.actor,
        reason=reason or said("trained on {file}", file=Path(data).name),
        promote=promote,
        resume=context.attempt > 1,
        threads=context.settings.threads,
    )
    dataset = read(Path(data), columns, test=False)
    held_out = read(Path(valid), columns, test=True) if valid else None
    if auto:
        version = train_auto(spec, made, dataset, order, held_out)
    else:
        version = train_task(made, load(spec.make)(made, dataset, held_out), order)
    metrics = dict(version.card.get("metrics") or {})
    summary = said("{model}: {summary}", model=version.ref, summary=version.card.get("summary", ""))
    return {"model": version.ref, "metrics": metrics, "summary": summary}


def _known(given: dict[str, Any], recipe: type) -> dict[str, Any]:
    from dataclasses import fields

    from portside.errors import UsageError
    from portside.said import said

    names = {field.name for field in fields(recipe)}
    unknown = sorted(given.keys() - names)
    if unknown:
        raise UsageError(
            "A training job takes the recipe's fields only",
            seen=", ".join(unknown),
            remedy=said("Use some of: {names}", names=", ".join(sorted(names))),
        )
    return given
