"""Promises on mistakes that are asked for on the command line: 'at most 5 % wrong'."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from portside.errors import UsageError

if TYPE_CHECKING:
    from portside.evaluation.risk import RiskPromise
    from portside.registry import ModelVersion
    from portside.tasks.spec import TaskSpec

__all__ = ["check_promised", "promise_of", "share_of", "shares_of"]

PROMISED = "classification"
"""The task whose answers are one a text, each with a confidence."""


def share_of(percent: float | str, option: str) -> float:
    """A share of wrong answers that was given in percent.

    Raises:
        UsageError: it is no number between 0 and 100.
    """
    try:
        number = float(percent)
    except ValueError:
        number = 0.0
    if not 0 < number < 100:
        raise UsageError(
            f"{option} is in percent, more than 0 and less than 100",
            seen=str(percent).strip() or "nothing",
            remedy=f"For at most 5 % wrong say {option} 5",
        )
    return number / 100


def shares_of(given: Sequence[str], option: str) -> tuple[float, ...]:
    """Those of an option that may be repeated and may hold several between commas; each once, the lowest first.

    Raises:
        UsageError: one of them is no number between 0 and 100.
    """
    return tuple(sorted({share_of(one, option) for text in given for one in text.split(",")}))


def check_promised(task: TaskSpec, option: str, remedy: str) -> None:
    """Whether a promise can be asked for.

    Raises:
        UsageError: the task is not one whose promises can be.
    """
    if task.name != PROMISED:
        raise UsageError(f"{option} is for {PROMISED}", seen=f"a model for {task.name}", remedy=remedy)


def promise_of(version: ModelVersion, risk: float) -> tuple[RiskPromise, bool]:
    """What the rows that the version keeps promise of its answers, and whether the model itself answered them.

    Raises:
        UsageError: it keeps no rows, or they do not suffice.
    """
    from portside.evaluation.held_out import held_out_file
    from portside.evaluation.report.build import scored_held_out
    from portside.evaluation.risk import promise_risk

    otherwise = "leave --at-most-wrong out, which labels every row"
    if held_out_file(version.folder) is None:
        raise UsageError(
            "A promise is made from labelled rows that the model has not learned from",
            seen=f"{version.ref} keeps none",
            remedy=f"Train it with rows kept aside (keep_held_out=true), or {otherwise}",
        )
    scored, by_model = scored_held_out(version)
    made = promise_risk(scored.confidence, scored.right, risk=risk)
    if made.threshold is None:
        raise UsageError(
            made.sentence,
            seen=f"{len(scored):,} rows that {version.ref} keeps",
            remedy=f"Ask for a higher share, train it on more rows, or {otherwise}",
        )
    return made, by_model
