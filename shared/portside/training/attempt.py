"""One trial of a search: train a recipe, measure it on validation rows, keep nothing but figures."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from portside.encoders import EncoderSource
from portside.errors import DataError
from portside.inference.threads import prepare_threads
from portside.progress import Progress
from portside.registry.files import clear_leftovers, private_folder
from portside.tasks.recipe import TrainingRecipe
from portside.training.run import Task
from portside.training.run_folder import RunFolder
from portside.training.space import Value, with_values
from portside.training.surroundings import Surroundings

if TYPE_CHECKING:
    from portside.training.adapter import TaskAdapter

__all__ = ["Subject", "attempt"]


@dataclass(frozen=True)
class Subject:
    """What all trials of a search have in common."""

    recipe: TrainingRecipe
    source: EncoderSource
    make: Callable[[TrainingRecipe], Task]
    """The task with its data, for a recipe."""
    threads: int
    """0: all that this process may use."""


class _Behind(Exception):
    """Ends a training that is not worth going on with."""


def attempt(
    subject: Subject,
    values: Mapping[str, Value],
    progress: Progress,
    scratch: Path,
    falls_behind: Callable[[float, float], bool],
) -> dict[str, Any]:
    """Train the recipe with ``values`` in it. Gives ``pruned``, ``seconds`` and, unless it was pruned, ``score`` (of
    the best weights), ``metric`` (what that is, in words), ``precision`` and ``steps``.

    ``falls_behind`` gets the share of the training that is over and the score of each validation; True ends it.

    Raises:
        UsageError, ModelError: this recipe cannot be, or its training gave out.
        DataError: there are no rows to validate on.
        Cancelled: ``progress`` asked to stop.
    """
    began = time.monotonic()
    recipe = with_values(subject.recipe, values)
    try:
        facts = _fitted(recipe, subject, progress, scratch, falls_behind)
    except _Behind:
        facts = {"pruned": True}
    finally:
        gc.collect()  # the Trainer's cycles hold the network
    return {"pruned": False, **facts, "seconds": round(time.monotonic() - began, 3)}


def _fitted(
    recipe: TrainingRecipe,
    subject: Subject,
    progress: Progress,
    scratch: Path,
    falls_behind: Callable[[float, float], bool],
) -> dict[str, Any]:
    task, began = subject.make(recipe), time.monotonic()
    prepare_threads()
    from portside.inference.network import use_threads
    from portside.training.fit import fit

    def look(share: float, score: float) -> None:
        if falls_behind(share, score) and share < 1.0:
            raise _Behind

    def remaining() -> float | None:
        return None if recipe.budget_seconds is None else recipe.budget_seconds - (time.monotonic() - began)

    use_threads(subject.threads)
    clear_leftovers(scratch)
    with private_folder(scratch) as folder:
        around = Surroundings(RunFolder(folder, {}, False), progress, remaining, float("inf"), on_validation=look)
        fitted, adapter = fit(recipe, subject.source, lambda: _checked(task.adapter(subject.source)), around)
    found = fitted.validation or {}
    return {
        "score": found["score"],
        "metric": adapter.metric,
        "precision": fitted.precision,
        "steps": fitted.steps,
    }


def _checked(adapter: TaskAdapter) -> TaskAdapter:
    if not adapter.valid_count:
        raise DataError(
            "A search compares recipes on validation rows",
            seen="too few rows to keep any aside",
            remedy="Give a file of them with --valid, or add rows",
        )
    return adapter
