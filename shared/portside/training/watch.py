"""What happens between two training steps: progress, validation, checkpoints, and stopping. Imported lazily."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from transformers import TrainerCallback

from portside.errors import Cancelled
from portside.progress import Progress
from portside.said import said
from portside.training.plan import Clockwork, Plan
from portside.training.trainer import Best

__all__ = ["Watch"]


@dataclass
class Watch(TrainerCallback):
    """Follows one run and decides, after each step, what comes next."""

    plan: Plan
    best: Best
    patience: int | None
    validates: bool
    progress: Progress
    elapsed: Callable[[], float]
    checkpoint_seconds: float
    metric: str = "score"
    """What validation measures, in words."""
    start_epoch: Callable[[], None] = lambda: None
    on_validation: Callable[[float, float], None] = lambda share, score: None
    """Gets the share of the run that is over and the score; what it raises ends the run."""
    stopped: str = "finished"
    cancelled: Cancelled | None = None
    diverged: bool = False
    _saved_at: float = field(default_factory=time.monotonic)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.start_epoch()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        step = state.global_step
        last = step >= self.plan.steps
        if not last and self.plan.seconds is not None and self.elapsed() > self.plan.seconds:
            last, self.stopped = True, "time budget used up"
        if self.validates and (step % self.plan.validate_every == 0 or (last and self._worth_validating(step))):
            control.should_evaluate = True
        if time.monotonic() - self._saved_at >= self.checkpoint_seconds:
            control.should_save = True
        self._report(step, control)
        if last or control.should_training_stop:
            control.should_training_stop = True
        return control

    def _worth_validating(self, step: int) -> bool:
        # Cut off right after a validation, the weights have hardly moved: no time for another.
        since = step - (self.best.history[-1]["step"] if self.best.history else 0)
        return since > self.plan.validate_every // 10

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        newest = self.best.history[-1]
        self.progress.log(
            f"step {state.global_step:,}: validation {self.metric} {newest['score']:.4f}, loss {newest['loss']:.3f}"
        )
        self.diverged = not math.isfinite(newest["loss"])
        early = (
            self.patience is not None
            and self.best.without_gain >= self.patience
            and state.global_step < self.plan.steps
        )
        if early:
            self.stopped = f"no gain in {self.patience} validations"
        if early or self.diverged:
            control.should_training_stop = True
        if not self.diverged:
            self.on_validation(self._done(state.global_step), newest["score"])
        return control

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._saved_at = time.monotonic()

    def _done(self, step: int) -> float:
        return Clockwork(self.plan.steps, self.plan.seconds).done(step, self.elapsed())

    def _report(self, step: int, control: Any) -> None:
        if self.cancelled is not None:
            return
        try:
            # In thousandths of the run: the clock may end it before the steps do.
            slots = {"step": f"{step:,}", "steps": f"{self.plan.expected_steps:,}"}
            limited = self.plan.limited
            where = (
                said("step {step} of about {steps}", **slots) if limited else said("step {step} of {steps}", **slots)
            )
            self.progress.update(round(1000 * self._done(step)), 1000, where)
        except Cancelled as asked:
            # Not raised here: the Trainer first leaves a checkpoint to resume from.
            self.cancelled = asked
            control.should_save = True
            control.should_evaluate = False
            control.should_training_stop = True
