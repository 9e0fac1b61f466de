"""When a training ends before its plan does."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from portside.progress import NullProgress
from portside.training.plan import Plan
from portside.training.trainer import Best
from portside.training.watch import Watch

PLAN = Plan(80, 80, 10, 10, 0.1, 8.0, limited=False)


def stopped_after(scores: Sequence[float], patience: int | None) -> tuple[int, str]:
    """After how many validations, one every ten of 80 steps, and why."""
    best = Best()
    watch = Watch(PLAN, best, patience, True, NullProgress(), lambda: 1.0, 1e9)
    control = SimpleNamespace(should_training_stop=False)
    for number, score in enumerate(scores, start=1):
        best.history.append({"step": 10 * number, "score": score, "loss": 0.5})
        best.without_gain = 0 if score > max(scores[: number - 1], default=-1.0) else best.without_gain + 1
        watch.on_evaluate(None, SimpleNamespace(global_step=10 * number), control)
        if control.should_training_stop:
            return number, watch.stopped
    return len(scores), watch.stopped


@pytest.mark.parametrize(
    ("patience", "ends"), [(None, (8, "finished")), (3, (4, "no gain in 3 validations")), (4, (8, "finished"))]
)
def test_a_training_goes_on_to_its_end_unless_told_otherwise(patience: int | None, ends: tuple[int, str]) -> None:
    # Entity F1 on WNUT-17's validation file, pass by pass: the gain comes when the learning rate has fallen.
    assert stopped_after([0.499, 0.479, 0.470, 0.497, 0.506, 0.516, 0.534, 0.524], patience) == ends


def test_a_loss_that_is_no_number_ends_it() -> None:
    best = Best()
    watch = Watch(PLAN, best, None, True, NullProgress(), lambda: 1.0, 1e9)
    control = SimpleNamespace(should_training_stop=False)
    best.history.append({"step": 10, "score": 0.1, "loss": float("nan")})
    watch.on_evaluate(None, SimpleNamespace(global_step=10), control)
    assert control.should_training_stop
    assert watch.diverged
