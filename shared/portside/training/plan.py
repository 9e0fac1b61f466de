"""How long to train: steps, validations and the learning rate, fitted into the time there is. Pure decisions."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from portside.errors import UsageError

__all__ = ["BudgetTooShort", "Clockwork", "Plan", "parse_budget", "plan_run", "rate_multiplier"]

MOST_VALIDATIONS = 10
SLACK = 0.04
"""Share of the budget left free: the last step and the last validation may take longer than measured."""
HEADROOM = 2.0
"""Updates that a run with a budget may make, as a multiple of those expected: steps that turn out faster than
measured use the time that is left, and the clock ends the run."""
FEWEST_STEPS = 8
"""Fewer updates than this are no training: a budget that does not allow them is refused."""


class BudgetTooShort(UsageError):
    """Not even a handful of steps fit into the time."""


@dataclass(frozen=True)
class Plan:
    """What one run will do."""

    steps: int
    """Updates at most; with a budget that cuts the run short, the clock is to end it before."""
    expected_steps: int
    """Updates at the speed that was measured; the same as ``steps`` without such a budget."""
    steps_per_epoch: int
    validate_every: int
    """Updates between two validations."""
    step_seconds: float
    """Measured before the start."""
    expected_seconds: float
    """Of updates and validations together."""
    limited: bool
    """The budget allows fewer updates than the recipe asks for."""
    seconds: float | None = None
    """Time for the updates, and the validations between them; the last one comes afterwards. None: no limit."""
    looks_once: bool = False
    """A second look at each row, which the recipe asks for, is left out for want of time."""

    @property
    def epochs(self) -> float:
        """Passes over the data that are expected."""
        return self.expected_steps / self.steps_per_epoch

    @property
    def sentence(self) -> str:
        """The plan in words, for the person who waits."""
        text = f"{self.expected_steps:,} steps ({self.epochs:.1f} epochs) in {_minutes(self.expected_seconds)}"
        return f"The time budget allows about {text}: the recipe asks for more" if self.limited else f"Plan: {text}"


def plan_run(
    *, rows: int, batch_size: int, epochs: int, step_seconds: float, validate_seconds: float, seconds: float | None
) -> Plan:
    """Fit ``epochs`` over ``rows`` into ``seconds`` (None: no limit), validations included.

    Raises:
        BudgetTooShort: not even a handful of steps fit.
    """
    per_epoch = math.ceil(rows / batch_size)
    expected = wanted = epochs * per_epoch
    room = None
    if seconds is not None:
        room = seconds * (1.0 - SLACK)
        expected = min(wanted, int(room / step_seconds))
        # Fewer steps need fewer validations: settle the two by going down until both fit.
        while expected > FEWEST_STEPS and _cost(expected, per_epoch, step_seconds, validate_seconds) > room:
            expected -= max(1, expected // 50)
        if expected < min(FEWEST_STEPS, wanted):
            raise BudgetTooShort(
                "The time budget must leave room for a few training steps",
                seen=f"{max(seconds, 0):.0f} s left for steps of {step_seconds:.2f} s each",
                remedy="Give more time with --budget, or leave it out",
            )
    limited = expected < wanted
    return Plan(
        steps=min(wanted, math.ceil(HEADROOM * expected)) if limited else wanted,
        expected_steps=expected,
        steps_per_epoch=per_epoch,
        validate_every=_validate_every(expected, per_epoch),
        step_seconds=step_seconds,
        expected_seconds=_cost(expected, per_epoch, step_seconds, validate_seconds),
        limited=limited,
        seconds=None if room is None else max(room - validate_seconds, room / 2),
    )


def _validate_every(steps: int, per_epoch: int) -> int:
    return max(1, min(steps, max(per_epoch, math.ceil(steps / MOST_VALIDATIONS))))


def _cost(steps: int, per_epoch: int, step_seconds: float, validate_seconds: float) -> float:
    return steps * step_seconds + math.ceil(steps / _validate_every(steps, per_epoch)) * validate_seconds


@dataclass(frozen=True)
class Clockwork:
    """How far a run is, by steps and by time, whichever is further."""

    steps: int
    seconds: float | None
    """Time for all steps; None where there is no budget."""

    def done(self, step: int, elapsed: float) -> float:
        """Share of the run that is over, from 0 to 1."""
        by_steps = step / max(self.steps, 1)
        by_time = elapsed / self.seconds if self.seconds else 0.0
        return min(1.0, max(by_steps, by_time))


def rate_multiplier(done: float, warmup: float) -> float:
    """Learning rate at ``done`` of the run, as a share of its peak: a linear rise, then a linear fall to 0.

    Where the machine turns slower than measured, ``done`` follows the clock: the rate still falls to 0 when
    the time is up, rather than being cut off high.
    """
    if done < warmup:
        return done / warmup
    return max(0.0, (1.0 - done) / max(1.0 - warmup, 1e-9))


def parse_budget(text: str) -> float:
    """Seconds that ``90``, ``90s``, ``10m``, ``1h`` or ``1h30m`` mean.

    Raises:
        UsageError: it means none of these, or no time at all.
    """
    match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", text.strip().lower().replace(" ", ""))
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    total = 3600 * hours + 60 * minutes + seconds
    if total <= 0:
        raise UsageError("A time budget is hours, minutes and seconds", seen=repr(text), remedy="Write 10m or 1h30m")
    return float(total)


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
