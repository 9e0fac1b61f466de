"""``--method auto``: the method by the data and the time there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from portside.apps import load
from portside.registry import ModelVersion
from portside.tasks.recipe import TrainingRecipe
from portside.tasks.spec import TaskSpec
from portside.training.ladder import Verdict, kept_unasked
from portside.training.run import Order, train_task

__all__ = ["train_auto", "with_verdict"]


def train_auto(spec: TaskSpec, recipe: TrainingRecipe, dataset: Any, order: Order, valid: Any = None) -> ModelVersion:
    """Train by the method that fits, and register; the card's ``auto`` says which and why.

    ``recipe`` is of method ``full``; all that it says besides holds for whichever method is taken.

    Raises:
        DataError, UsageError, ModelError, Cancelled: as of ``train_task``.
    """
    if spec.auto:
        version: ModelVersion = load(spec.auto)(recipe, dataset, valid, order)
        return version
    said = kept_unasked(recipe.method, f"for {spec.name} there is no cheaper method that learns from labelled rows")
    order.progress.log(f"Method {said.sentence}")
    return train_task(recipe, load(spec.make)(recipe, dataset, valid), with_verdict(order, lambda: said))


def with_verdict(order: Order, verdict: Any) -> Order:
    """``order`` with what ``verdict()`` says, once the model is trained, in the card."""

    def measure(version: ModelVersion) -> Mapping[str, Any]:
        said: Verdict = verdict()
        further = {} if order.measure is None else order.measure(version)
        return {**further, "auto": said.to_card()}

    return replace(order, measure=measure)
