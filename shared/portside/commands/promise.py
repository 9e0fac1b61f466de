"""Promises on mistakes that are asked for on the command line: 'at most 5 % wrong'."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from portside.errors import UsageError

if TYPE_CHECKING:
    from portside.evaluation.answers import Answers
    from portside.evaluation.risk import RiskPromise
    from portside.registry import ModelVersion
    from portside.tasks.spec import TaskSpec

__all__ = ["PromisingCommands", "kept_rows", "promise_of", "promising", "share_of", "shares_of", "text_promise_of"]

OTHERWISE = "leave --at-most-wrong out, which answers every row"


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


class PromisingCommands(Protocol):
    """A task's part of the command line, where its answers each have a confidence."""

    def predict_promised(
        self, version: ModelVersion, data: Path, out: Path, text: str | None, *, risk: float, threads: int
    ) -> None:
        """Write only the answers to the rows of a file of which at most a share ``risk`` is wrong."""
        ...


def promising(task: TaskSpec, option: str) -> PromisingCommands:
    """The task's part of the command line that answers only what can be promised.

    Raises:
        UsageError: its answers cannot be left out by how sure the model is.
    """
    from portside.tasks.spec import find_tasks

    if not _promises(task):
        names = [one.name for one in find_tasks() if _promises(one)]
        raise UsageError(
            f"{option} is for {', '.join(names)}",
            seen=f"a model for {task.name}",
            remedy="Leave it out: every row is answered then",
        )
    return cast(PromisingCommands, import_module(task.cli))


def _promises(task: TaskSpec) -> bool:
    return hasattr(import_module(task.cli), "predict_promised")


def promise_of(version: ModelVersion, risk: float) -> tuple[RiskPromise, bool]:
    """What the rows that a classifier keeps promise of its answers, and whether the model itself answered them.

    Raises:
        UsageError: it keeps no rows, or they do not suffice.
    """
    from portside.evaluation.kept_promise import promise_on_kept

    found = promise_on_kept(version.folder, risk=risk)
    if found is None:
        raise _none_kept(version)
    if found.promise.threshold is None:
        raise _too_little(version, found.promise.sentence, f"{found.promise.n:,} rows")
    return found.promise, found.by_model


def kept_rows(version: ModelVersion) -> Any:
    """The rows that a version keeps, as its task reads them.

    Raises:
        UsageError: it keeps none.
        DataError: they cannot be read.
    """
    from portside.evaluation.held_out import held_out_file
    from portside.evaluation.report.making import Asked

    if held_out_file(version.folder) is None:
        raise _none_kept(version)
    return Asked(version).dataset


def text_promise_of(version: ModelVersion, answers: Answers, called: str, risk: float) -> float:
    """From which confidence on ``answers``, to the rows that a version keeps, are promised; says what is promised.

    ``called`` is what the answers are, in the plural.

    Raises:
        UsageError: the rows do not suffice.
    """
    from portside.console import say
    from portside.evaluation.report.choice import beside_promise
    from portside.evaluation.risk import promise_texts

    made = promise_texts(answers.confidence, answers.right, answers.text, risk=risk)
    if made.threshold is None:
        raise _too_little(version, made.sentence(called), f"{made.n:,} texts with {called} among the rows")
    say(made.sentence(called))
    if beside := beside_promise(version):
        say(beside)
    return made.threshold


def _none_kept(version: ModelVersion) -> UsageError:
    return UsageError(
        "A promise is made from labelled rows that the model has not learned from",
        seen=f"{version.ref} keeps none",
        remedy=f"Train it with rows kept aside (keep_held_out=true), or {OTHERWISE}",
    )


def _too_little(version: ModelVersion, sentence: str, rows: str) -> UsageError:
    return UsageError(
        sentence,
        seen=f"{rows} that {version.ref} keeps",
        remedy=f"Ask for a higher share, train it on more rows, or {OTHERWISE}",
    )
