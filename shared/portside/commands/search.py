"""``portside search``: find the recipe that does best on validation rows."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from portside.commands.orders import order_of, print_registered
from portside.commands.tasks import commands_of, recipe_of
from portside.commands.train import (
    DataFile,
    Encoder,
    Json,
    LabelColumn,
    Name,
    Promote,
    Reason,
    Seed,
    TextColumn,
    ValidFile,
    stop_on_signal,
)
from portside.errors import Cancelled, UsageError
from portside.processes import ProcessMark, this_process
from portside.progress import Progress
from portside.tasks.spec import find_tasks

if TYPE_CHECKING:
    from portside.data.columns import Columns
    from portside.settings import Settings
    from portside.tasks.recipe import TrainingRecipe
    from portside.tasks.spec import TaskSpec
    from portside.training.search_report import Found
    from portside.training.space import Dimension
    from portside.training.trials import Trial

__all__ = ["commands", "space_of"]

TRIALS_SHOWN = 10
PARENT_SECONDS = 2.0
"""Between two looks of a worker at whether the search that started it is still there."""
GRACE_SECONDS = 20.0
"""For a worker to put its trial back, when the search is stopped."""
STOPPING = "Stopping after this step; the trials that are finished are kept (again to end at once)"

commands = typer.Typer(no_args_is_help=True, help="Find the recipe that does best on validation rows.")

Trials = Annotated[int, typer.Option(help="Recipes to try in all, those of earlier calls included.", min=1)]
StudyFile = Annotated[
    Path | None, typer.Option(help="File that remembers the trials; else NAME.db in the home folder's searches/.")
]
Workers = Annotated[int, typer.Option(help="Processes that try recipes at the same time.", min=1)]
Fixed = Annotated[
    list[str] | None,
    typer.Option("--set", help="A field of the recipe that all trials share, as epochs=4.", metavar="KEY=VALUE"),
]
SpaceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--space",
        help="What to try for a field: encoder_lr=1e-5..5e-4:log, dropout=0..0.3 or batch_size=16,32,64.",
        metavar="KEY=VALUES",
    ),
]
HelperOf = Annotated[str | None, typer.Option(hidden=True, help="The process that started this worker.")]
SearchTime = Annotated[
    str | None, typer.Option("--budget", help="Time for all trials and the winner's training.", metavar="TIME")
]


@commands.callback()
def search() -> None:
    """Find the recipe that does best on validation rows."""


def _add_command(task: TaskSpec) -> None:
    """One sub-command for each task, all with the same options."""

    def command(
        data: DataFile,
        name: Name,
        *,
        trials: Trials = 20,
        study: StudyFile = None,
        workers: Workers = 1,
        space: SpaceOption = None,
        settings: Fixed = None,
        valid: ValidFile = None,
        text: TextColumn = None,
        label: LabelColumn = None,
        encoder: Encoder = None,
        seed: Seed = 0,
        budget: SearchTime = None,
        promote: Promote = None,
        reason: Reason = "the best recipe of a search",
        json: Json = False,
        helper_of: HelperOf = None,
    ) -> None:
        from portside.data.columns import Columns
        from portside.settings import load_settings

        found = load_settings()
        given = {"encoder": found.encoder if encoder is None else encoder, "seed": seed}
        recipe = recipe_of(task, given, settings or [])
        file = study or found.searches_dir / f"{name}.db"
        asked = (workers, tuple(space or ()), tuple(settings or ()), encoder, budget, promote, reason)
        wish = _Wish(data, valid, Columns(text, label), name, trials, file, *asked)
        if helper_of is not None:
            _help(task, recipe, wish, found, helper_of)
        else:
            _report(task, _search(task, recipe, wish, found), as_json=json)

    command.__doc__ = f"""{task.summary} Tries many recipes and registers the best one. Reads {task.reads}.

    The first trial is the recipe that portside train takes. Ctrl-C, or a kill, loses nothing that was finished: the
    same command goes on, and may be started several times at once. Only validation rows are looked at.
    """
    commands.command(task.name)(command)


for _task in find_tasks():
    _add_command(_task)


@dataclass(frozen=True)
class _Wish:
    data: Path
    valid: Path | None
    columns: Columns
    name: str
    trials: int
    study: Path
    workers: int
    space: tuple[str, ...]
    fixed: tuple[str, ...]
    encoder: str | None
    budget: str | None
    promote: bool | None
    reason: str


def space_of(recipe: TrainingRecipe, fixed: Sequence[str], settings: Sequence[str]) -> dict[str, Dimension]:
    """The default space of ``recipe`` without the fields that ``--set`` fixed, changed by what ``--space`` says.

    Raises:
        UsageError: a setting cannot be understood, or a field is fixed and searched.
    """
    from portside.training.space import default_space, parse_dimension

    keys = {setting.partition("=")[0] for setting in fixed}
    chosen = dict(parse_dimension(setting, recipe) for setting in settings)
    both = sorted(keys & chosen.keys())
    if both:
        raise UsageError(
            "A field is either fixed or searched", seen=", ".join(both), remedy="Leave --set or --space out"
        )
    return {**default_space(recipe, keys), **chosen}


def _search(task: TaskSpec, recipe: TrainingRecipe, wish: _Wish, settings: Settings) -> Found:
    from portside.progress import TerminalProgress
    from portside.registry.names import check_name
    from portside.training.search import search

    check_name(wish.name)
    space_of(recipe, wish.fixed, wish.space)
    with (
        TerminalProgress(f"Searching {wish.name}") as terminal,
        stop_on_signal(terminal, STOPPING) as progress,
        _helpers(task, recipe, wish, progress),
    ):
        return search(**_asked(task, recipe, wish, settings, progress))


def _help(task: TaskSpec, recipe: TrainingRecipe, wish: _Wish, settings: Settings, helper_of: str) -> None:
    from portside.progress import NullProgress
    from portside.training.search import help_search

    with stop_on_signal(NullProgress()) as progress:
        help_search(**_asked(task, recipe, wish, settings, _WhileParentLives(progress, helper_of)))


def _asked(
    task: TaskSpec, recipe: TrainingRecipe, wish: _Wish, settings: Settings, progress: Progress
) -> dict[str, Any]:
    """The arguments of ``search``."""
    from portside.apps import load
    from portside.inference.threads import threads_of_each
    from portside.training.plan import parse_budget
    from portside.training.search import SearchPlan

    budget = None if wish.budget is None else parse_budget(wish.budget)
    plan = SearchPlan(
        study=wish.study,
        space=space_of(recipe, wish.fixed, wish.space),
        trials=wish.trials,
        scratch=settings.searches_dir / ".trials",
        budget_seconds=budget,
        threads=threads_of_each(wish.workers, settings.threads),
    )
    read = load(task.read)
    dataset = read(wish.data, wish.columns, test=False)
    valid = read(wish.valid, wish.columns, test=True) if wish.valid else None
    order = order_of(settings, wish.name, progress, reason=wish.reason, promote=wish.promote)
    return {"spec": task, "recipe": recipe, "dataset": dataset, "order": order, "plan": plan, "valid": valid}


class _WhileParentLives:
    """Passes on to another progress, and asks the work to stop when the process that wanted it is gone."""

    def __init__(self, inner: Progress, parent: str) -> None:
        self._inner = inner
        self._parent = ProcessMark.parse(parent)
        self._looked = time.monotonic()

    def update(self, done: float, total: float, message: str = "") -> None:
        if time.monotonic() - self._looked > PARENT_SECONDS:
            self._looked = time.monotonic()
            if self._parent is not None and self._parent.is_alive() is False:
                raise Cancelled
        self._inner.update(done, total, message)

    def log(self, line: str) -> None:
        self._inner.log(line)


@contextmanager
def _helpers(task: TaskSpec, recipe: TrainingRecipe, wish: _Wish, progress: Progress) -> Iterator[None]:
    """The other workers, while the block runs; what they say stands in a log beside the study."""
    running: list[tuple[subprocess.Popen[bytes], Path]] = []
    try:
        for number in range(2, wish.workers + 1):
            log = wish.study.with_name(f"{wish.study.name}.worker-{number}.log")
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("wb") as output:
                # A session of its own: Ctrl-C reaches this process, which then tells its workers.
                child = subprocess.Popen(
                    [sys.executable, "-m", "portside.cli", *_words(task, recipe, wish)],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            running.append((child, log))
        yield
    finally:
        for child, log in running:
            if child.poll() not in (None, 0):
                progress.log(f"A worker ended with code {child.returncode}; its last words are in {log}")
            child.terminate()
        for child, _ in running:
            try:
                child.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _words(task: TaskSpec, recipe: TrainingRecipe, wish: _Wish) -> list[str]:
    """The command line of a worker: this one's, and whose worker it is."""
    options = {
        "--data": wish.data,
        "--name": wish.name,
        "--trials": wish.trials,
        "--study": wish.study,
        "--workers": wish.workers,
        "--valid": wish.valid,
        "--text": wish.columns.text,
        "--label": wish.columns.label,
        "--encoder": wish.encoder,
        "--seed": recipe.seed,
        "--budget": wish.budget,
        "--helper-of": this_process(),
    }
    given = [f"{key}={value}" for key, value in options.items() if value is not None]
    several = [f"--set={one}" for one in wish.fixed] + [f"--space={one}" for one in wish.space]
    return ["search", task.name, *given, *several]


def _report(task: TaskSpec, found: Found, *, as_json: bool) -> None:
    from portside import console

    version, card = found.version, found.version.card["search"]
    if as_json:
        print_registered(version)
        return
    ranked = sorted(
        (one for one in found.trials if one.score is not None),
        key=lambda one: (one.state != "complete", -(one.score or 0.0)),
    )
    names = list(card["space"])
    console.table(
        ["trial", str(card["metric"]), "how it ended", "seconds", *names],
        [_row(one, names) for one in ranked[:TRIALS_SHOWN]],
        title=f"Trials, best first ({min(len(ranked), TRIALS_SHOWN)} of {card['trials']})",
    )
    if found.importance:
        rows = list(found.importance.items())
        console.table(["field", "share of the variance"], rows, title="What made the difference")
    console.say(
        f"{card['completed']} completed, {card['pruned']} pruned, {card['failed']} failed; best {card['metric']} "
        f"{card['best_score']:.4f} in trial {card['best_trial']}" + _against(card["default_score"])
    )
    was = "Registered" if found.fresh else "The winner was registered before as"
    console.say(f"{was} {version.ref} in {version.folder}, with pictures: {', '.join(card['pictures'].values())}")
    measured = commands_of(task).measured(version)
    if measured:
        console.say(measured)
    console.say("It was chosen by these rows, which flatters it a little.")
    console.say(f"Measure it on rows it has not seen: portside evaluate {version.ref} --data FILE")


def _row(one: Trial, names: Sequence[str]) -> list[object]:
    values = [one.values.get(name) for name in names]
    shown = [f"{value:.3g}" if isinstance(value, float) else value for value in values]
    return [one.number, one.score, one.state, round(one.seconds), *shown]


def _against(default: float | None) -> str:
    return "" if default is None else f"; the recipe as it was: {default:.4f}"
