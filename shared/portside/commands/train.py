"""``portside train``: fine-tune a model on a labelled file."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from portside.commands.orders import order_of, print_registered
from portside.commands.tasks import commands_of, recipe_of, warn
from portside.errors import Cancelled
from portside.progress import Progress
from portside.tasks.spec import find_tasks

if TYPE_CHECKING:
    from portside.data.columns import Columns
    from portside.registry import ModelVersion
    from portside.tasks.recipe import TrainingRecipe
    from portside.tasks.spec import TaskSpec

__all__ = ["StoppableProgress", "commands", "stop_on_signal"]

commands = typer.Typer(no_args_is_help=True, help="Fine-tune a model on your own text.")


AUTO = "auto"
DataFile = Annotated[Path, typer.Option(help="Rows to train on, in a form named above.")]
Name = Annotated[str, typer.Option(help="Name of the model, such as support-intents.")]
ValidFile = Annotated[
    Path | None, typer.Option(help="Validation rows; if not given, some rows of --data are kept aside.")
]
TextColumn = Annotated[str | None, typer.Option(help="Column of the texts; guessed by its name if not given.")]
LabelColumn = Annotated[str | None, typer.Option(help="Column of the labels; guessed by its name if not given.")]
Encoder = Annotated[
    str | None,
    typer.Option(
        help="Start from: folder, name of an adapted encoder, or hub id; else PORTSIDE_ENCODER, else the bundled.",
        metavar="ID|PATH|NAME",
    ),
]
Method = Annotated[
    str,
    typer.Option(
        help="full; lora or dora (the version is a few MB beside the encoder); for classification also few-shot "
        "(5 to 50 texts a label), prototype (seconds, few rows) or zero-shot (labels' names, and what they mean with "
        "--set descriptions=FILE); auto tries what fits the data and the time, and says why.",
        metavar="METHOD",
    ),
]
Epochs = Annotated[int | None, typer.Option(help="Passes over the data; chosen by its size if not given.")]
Seed = Annotated[int, typer.Option(help="The same seed on the same machine gives the same weights.")]
Budget = Annotated[
    str | None, typer.Option(help="Time for the whole training, such as 90s, 10m or 1h30m.", metavar="TIME")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Any other field of the recipe, such as batch_size=16.", metavar="KEY=VALUE"),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from where an interrupted training stopped.")]
Promote = Annotated[
    bool | None,
    typer.Option("--promote/--candidate", help="Serve the new version at once, or not; else only a first one is."),
]
Reason = Annotated[str, typer.Option(help="Why, for the history.")]
Json = Annotated[bool, typer.Option("--json", help="Print what was registered as JSON.")]


@commands.callback()
def train() -> None:
    """Fine-tune a model on your own text."""


def _add_command(task: TaskSpec) -> None:
    """One sub-command for each task, all with the same options."""

    def command(
        data: DataFile,
        name: Name,
        *,
        valid: ValidFile = None,
        text: TextColumn = None,
        label: LabelColumn = None,
        encoder: Encoder = None,
        method: Method = "full",
        epochs: Epochs = None,
        seed: Seed = 0,
        budget: Budget = None,
        settings: Settings = None,
        resume: Resume = False,
        promote: Promote = None,
        reason: Reason = "trained from the command line",
        json: Json = False,
    ) -> None:
        from portside.data.columns import Columns
        from portside.settings import load_settings
        from portside.training.plan import parse_budget

        given = {
            "encoder": load_settings().encoder if encoder is None else encoder,
            "method": "full" if method == AUTO else method,
            "epochs": epochs,
            "seed": seed,
            "budget_seconds": None if budget is None else parse_budget(budget),
        }
        recipe = recipe_of(task, given, settings or [])
        columns = Columns(text, label)
        wish = _Wish(data, valid, columns, name, resume, promote, reason, auto=method == AUTO)
        version = _train(task, recipe, wish)
        _report(task, version, as_json=json)

    command.__doc__ = f"""{task.summary} Reads {task.reads}.

    Ctrl-C leaves a checkpoint and registers nothing; the same command with --resume goes on. Checkpoints lie in the
    home folder's runs/ and hold torch files: resume only what you started yourself.
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
    resume: bool
    promote: bool | None
    reason: str
    auto: bool


def _train(task: TaskSpec, recipe: TrainingRecipe, wish: _Wish) -> ModelVersion:
    from portside.apps import load
    from portside.progress import TerminalProgress
    from portside.registry.names import check_name
    from portside.settings import load_settings
    from portside.training.auto import train_auto
    from portside.training.run import train_task

    settings = load_settings()
    check_name(wish.name)
    read = load(task.read)
    dataset = read(wish.data, wish.columns, test=False)
    valid = read(wish.valid, wish.columns, test=True) if wish.valid else None
    with TerminalProgress(f"Training {wish.name}") as terminal, stop_on_signal(terminal) as progress:
        for found in (dataset, valid):
            if found is not None:
                warn(task, found, progress.log)
        order = order_of(settings, wish.name, progress, reason=wish.reason, promote=wish.promote, resume=wish.resume)
        if wish.auto:
            return train_auto(task, recipe, dataset, order, valid)
        return train_task(recipe, load(task.make)(recipe, dataset, valid), order)


def _report(task: TaskSpec, version: ModelVersion, *, as_json: bool) -> None:
    from portside import console

    if as_json:
        print_registered(version)
        return
    console.say(f"Registered {version.ref} in {version.folder}")
    if "auto" in version.card:
        console.say(f"Method {version.card['auto']['sentence']}")
    measured = commands_of(task).measured(version)
    if measured:
        console.say(measured)
    console.say(f"Measure it on rows it has not seen: portside evaluate {version.ref} --data FILE")


class StoppableProgress:
    """Passes on to another progress; after ``stop`` the next update asks the work to stop."""

    def __init__(self, inner: Progress) -> None:
        self._inner = inner
        self._stop = threading.Event()

    def stop(self) -> None:
        """Ask the work to stop at its next step."""
        self._stop.set()

    def update(self, done: float, total: float, message: str = "") -> None:
        if self._stop.is_set():
            raise Cancelled
        self._inner.update(done, total, message)

    def log(self, line: str) -> None:
        self._inner.log(line)


STOPPING = "Stopping after this step, leaving a checkpoint for --resume (again to end at once)"


@contextmanager
def stop_on_signal(inner: Progress, says: str = STOPPING) -> Iterator[StoppableProgress]:
    """The first Ctrl-C or SIGTERM asks the work to stop after this step and to leave a checkpoint; a second ends it."""
    progress = StoppableProgress(inner)

    def handle(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        inner.log(says)
        progress.stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield progress
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
