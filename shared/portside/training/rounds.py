"""The trainings that make one model: one that some rows are kept aside to measure, then, where asked, one on all rows.

Imports torch: import it lazily.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from portside.encoders import EncoderSource
from portside.errors import UsageError
from portside.progress import Progress
from portside.tasks.recipe import TrainingRecipe
from portside.training.adapter import TaskAdapter
from portside.training.fit import Fitted, Surroundings, fit

if TYPE_CHECKING:
    from portside.training.run import Task

__all__ = ["Trained", "train_rounds"]


@dataclass(frozen=True)
class Trained:
    """A trained network, and the task it was trained for."""

    task: Task
    fitted: Fitted
    adapter: TaskAdapter


def train_rounds(recipe: TrainingRecipe, task: Task, source: EncoderSource, around: Surroundings) -> Trained:
    """Train ``task``; where the recipe refits, once more on every row, with what the first training was measured at.

    Raises:
        Cancelled, ModelError, UsageError: as of ``fit``.
    """
    if not recipe.refits:
        return Trained(task, *fit(recipe, source, lambda: task.adapter(source), around))
    left = around.remaining()
    first = replace(
        around,
        remaining=around.remaining if left is None else lambda: (around.remaining() or 0.0) - left / 2,
        progress=_Half(around.progress, 0.0),
    )
    measured = Trained(task, *fit(recipe, source, lambda: task.adapter(source), first))
    whole = task.everything(measured.fitted, measured.adapter)
    if whole is None:
        return measured
    around.progress.log("Training anew on all rows, those that were kept aside among them")
    second = Surroundings(around.run.second(), _Half(around.progress, 0.5), around.remaining, around.checkpoint_seconds)
    try:
        fitted, adapter = fit(recipe, source, lambda: whole.adapter(source), second)
    except UsageError as error:
        around.progress.log(f"No time was left for it ({error.seen}): the model learned without them")
        return measured
    said = replace(
        fitted,
        validation=measured.fitted.validation,
        best=measured.fitted.best,
        seconds=measured.fitted.seconds + fitted.seconds,
    )
    return Trained(whole, said, adapter)


@dataclass(frozen=True)
class _Half:
    """Progress of one of two trainings, as a part of both."""

    inner: Progress
    begin: float

    def update(self, done: float, total: float, message: str = "") -> None:
        self.inner.update(self.begin + 0.5 * done / max(total, 1e-9), 1.0, message)

    def log(self, line: str) -> None:
        self.inner.log(line)
