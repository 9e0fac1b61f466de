"""What the core needs to know of a task, and how tasks are found: one module each, adding one touches no other."""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

from portside.errors import UsageError
from portside.said import said
from portside.tasks.recipe import TrainingRecipe

__all__ = ["TRIAL", "TaskSpec", "find_task", "find_tasks"]

TRIAL = (
    "Hello",
    "Where is my parcel? I ordered it on 3 May and paid with my new card.",
    "Shares of the bank fell by 12 % after a weak quarter",
    "warm jacket, size M, for wet autumn days",
    "谢谢, ça va: 100 €!",
)
"""Texts of several kinds."""


@dataclass(frozen=True)
class TaskSpec:
    """One task. Addresses (``package.module:attribute``) are imported when they are asked for."""

    name: str
    summary: str
    """What a model of this task does, in one sentence: the help of ``portside train <name>``."""
    reads: str
    """Which files it trains on, for the help."""
    read: str
    """``read(path, columns, *, test) -> dataset`` with a ``report`` on it; ``test``: its rows are only asked about."""
    recipe: type[TrainingRecipe]
    make: str
    """``make(recipe, dataset, valid) -> Task``: checked data, ready for ``train_task``."""
    answers: str
    """``answers(folder, inputs) -> (labels, probabilities)``, an array (rows, labels): what a reload must repeat."""
    cli: str
    """A module with ``evaluate``, ``show``, ``predict_texts`` and ``predict_file``: see ``TaskCommands``."""
    report: str
    """``report(version, dataset, *, against, threads, progress) -> Report``; ``against``: another version or None;
    ``progress`` is told how many steps are done of how many."""
    compile: str
    """``subject(version, dataset) -> Subject``: what ``portside compile`` makes faster, judged on those rows."""
    auto: str = ""
    """``train(recipe, dataset, valid, order) -> ModelVersion`` by the method that fits; empty: ``full`` always does."""
    trial: Sequence[Any] = TRIAL
    """Inputs for ``answers`` that every model of the task can be asked: what a merged adapter must repeat."""


@lru_cache(maxsize=1)
def find_tasks() -> tuple[TaskSpec, ...]:
    """The ``TASK`` of every module in this package that has one, by name."""
    folder = import_module("portside.tasks")
    modules = (import_module(f"{folder.__name__}.{found.name}") for found in _light_modules(list(folder.__path__)))
    tasks: list[TaskSpec] = [module.TASK for module in modules if hasattr(module, "TASK")]
    return tuple(sorted(tasks, key=lambda task: task.name))


def _light_modules(path: list[str]) -> list[pkgutil.ModuleInfo]:
    # A task's own module has a one-word name; what it keeps beside it (its network) may import torch.
    return [found for found in pkgutil.iter_modules(path) if "_" not in found.name]


def find_task(name: str) -> TaskSpec:
    """The task of that name.

    Raises:
        UsageError: there is none; names those there are.
    """
    for task in find_tasks():
        if task.name == name:
            return task
    known = ", ".join(task.name for task in find_tasks())
    raise UsageError("No task of that name", seen=name, remedy=said("Use one of: {known}", known=known))
