"""The trainings that make one model: those that rows are kept aside to measure, then, where asked, one on all rows.

Imports torch: import it lazily.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from portside.encoders import EncoderSource
from portside.tasks.recipe import TrainingRecipe
from portside.training.adapter import TaskAdapter
from portside.training.fit import Fitted, fit
from portside.training.plan import BudgetTooShort
from portside.training.surroundings import Surroundings
from portside.training.weight_average import fit_averaged

if TYPE_CHECKING:
    from portside.training.run import Task

__all__ = ["Trained", "train_rounds"]

LAST_ROUND = 1.5
"""Time of the training on all rows, as a multiple of one that a third of them is kept aside from."""


@dataclass(frozen=True)
class Trained:
    """A trained network, and the task it was trained for."""

    task: Task
    fitted: Fitted
    adapter: TaskAdapter


def train_rounds(recipe: TrainingRecipe, task: Task, source: EncoderSource, around: Surroundings) -> Trained:
    """Train the task's rounds, as many as there is time for, then on all rows where the task says so.

    Raises:
        Cancelled, ModelError, UsageError: as of ``fit``; what the task's own judge raises.
    """
    rounds = task.rounds()
    measured = _measured(recipe, rounds, source, around)
    whole = task.everything(measured)
    if whole is None:
        return measured[0]
    around.progress.log("Training anew on all rows, those that were kept aside among them")
    try:
        last = _train(recipe, whole, source, around.part("all", *_place(len(rounds), len(rounds))))
    except BudgetTooShort as error:
        around.progress.log(f"No time was left for it: {error.seen}")
        return measured[0]
    first = measured[0].fitted
    earlier = last.fitted.earlier_seconds + sum(one.fitted.seconds + one.fitted.earlier_seconds for one in measured)
    return replace(last, fitted=replace(last.fitted, best=first.best, earlier_seconds=earlier))


def _measured(
    recipe: TrainingRecipe, rounds: Sequence[Task], source: EncoderSource, around: Surroundings
) -> list[Trained]:
    if len(rounds) == 1:
        return [_train(recipe, rounds[0], source, around)]
    began, left = time.monotonic(), around.remaining()
    kept = 0.0 if left is None else left * LAST_ROUND / (1 + LAST_ROUND)
    out: list[Trained] = []
    for number, task in enumerate(rounds):
        took = (time.monotonic() - began) / max(number, 1)
        now = around.remaining()
        if number and now is not None and now < (1 + LAST_ROUND) * took:
            around.progress.log(f"The time budget allows {number} of {len(rounds)} rounds")
            break
        around.progress.log(f"Round {number + 1} of {len(rounds)}: rows are kept aside in turn, to measure by")
        inner = around.part(f"round-{number + 1}", *_place(number, len(rounds)), kept=kept)
        out.append(_train(recipe, task, source, inner))
        kept = LAST_ROUND * (time.monotonic() - began) / len(out)
    return out


def _train(recipe: TrainingRecipe, task: Task, source: EncoderSource, around: Surroundings) -> Trained:
    how = fit if recipe.trainings == 1 else fit_averaged
    return Trained(task, *how(recipe, source, lambda: task.adapter(source), around))


def _place(number: int, rounds: int) -> tuple[float, float]:
    """Where a round begins and how much of the whole it is; the one on all rows is number ``rounds``."""
    whole = rounds + LAST_ROUND
    return number / whole, (LAST_ROUND if number == rounds else 1.0) / whole
