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

from portside.errors import Cancelled
from portside.progress import Progress

if TYPE_CHECKING:
    from portside.data import Dataset
    from portside.registry import ModelVersion
    from portside.tasks.classification import ClassificationRecipe

__all__ = ["StoppableProgress", "commands", "stop_on_signal"]

CHECKED_FINDINGS = 5
"""Findings of the data check that are shown before training; all of them: portside data check."""

commands = typer.Typer(no_args_is_help=True, help="Fine-tune a model on your own text.")


@commands.callback()
def train() -> None:
    """Fine-tune a model on your own text."""


@commands.command()
def classification(
    data: Annotated[Path, typer.Option(help="Labelled rows: CSV, TSV, JSON lines or Parquet; gzipped or not.")],
    name: Annotated[str, typer.Option(help="Name of the model, such as support-intents.")],
    *,
    valid: Annotated[
        Path | None, typer.Option(help="Validation rows; if not given, some rows of --data are kept aside.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="Column of the texts; guessed by its name if not given.")] = None,
    label: Annotated[str | None, typer.Option(help="Column of the labels; guessed by its name if not given.")] = None,
    encoder: Annotated[
        str | None, typer.Option(help="Pretrained weights: folder or hub id; else PORTSIDE_ENCODER, else the bundled.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the data; chosen by its size if not given.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed on the same machine gives the same weights.")] = 0,
    budget: Annotated[
        str | None, typer.Option(help="Time for the whole training, such as 90s, 10m or 1h30m.", metavar="TIME")
    ] = None,
    class_weights: Annotated[
        bool, typer.Option("--class-weights", help="Let rare labels count as much as frequent ones.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from where an interrupted training stopped.")] = False,
    promote: Annotated[
        bool | None,
        typer.Option("--promote/--candidate", help="Serve the new version at once, or not; else only a first one is."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for the history.")] = "trained from the command line",
    json: Annotated[bool, typer.Option("--json", help="Print what was registered as JSON.")] = False,
) -> None:
    """Fine-tune a classifier: each text gets one of the labels.

    Ctrl-C leaves a checkpoint and registers nothing; the same command with --resume goes on. Checkpoints lie in the
    home folder's runs/ and hold torch files: resume only what you started yourself.
    """
    from portside.settings import load_settings
    from portside.tasks.classification import ClassificationRecipe
    from portside.training.plan import parse_budget

    recipe = ClassificationRecipe(
        encoder=load_settings().encoder if encoder is None else encoder,
        epochs=epochs,
        seed=seed,
        class_weights=class_weights,
        budget_seconds=None if budget is None else parse_budget(budget),
    )
    version = _train(recipe, _Wish(data, valid, text, label, name, resume, promote, reason))
    _report(version, as_json=json)


@dataclass(frozen=True)
class _Wish:
    data: Path
    valid: Path | None
    text: str | None
    label: str | None
    name: str
    resume: bool
    promote: bool | None
    reason: str


def _train(recipe: ClassificationRecipe, wish: _Wish) -> ModelVersion:
    from portside.data import load_examples
    from portside.progress import TerminalProgress
    from portside.registry import ModelRegistry
    from portside.registry.actor import current_actor
    from portside.registry.names import check_name
    from portside.settings import load_settings
    from portside.training.classification import train_classifier

    settings = load_settings()
    check_name(wish.name)
    dataset = load_examples(wish.data, text=wish.text, label=wish.label)
    valid = load_examples(wish.valid, text=wish.text, label=wish.label, role="test") if wish.valid else None
    with TerminalProgress(f"Training {wish.name}") as terminal, stop_on_signal(terminal) as progress:
        _show_findings(dataset, progress)
        return train_classifier(
            recipe,
            dataset,
            valid=valid,
            registry=ModelRegistry(settings.models_dir),
            name=wish.name,
            runs_dir=settings.runs_dir,
            progress=progress,
            actor=current_actor(settings),
            reason=wish.reason,
            promote=wish.promote,
            resume=wish.resume,
            threads=settings.threads,
        )


def _show_findings(dataset: Dataset, progress: Progress) -> None:
    findings = [finding for finding in dataset.report.findings if finding.severity != "note"]
    for finding in findings[:CHECKED_FINDINGS]:
        times = f" ({finding.count:,} times)" if finding.count > 1 else ""
        row = f", row {finding.row:,}" if finding.row is not None else ""
        progress.log(f"{finding.severity}: {finding.rule.rstrip('.')}{times}{row}")
    if findings:
        progress.log(f"All that was found: portside data check {dataset.source}")


def _report(version: ModelVersion, *, as_json: bool) -> None:
    from portside import console

    metrics = version.validation
    if as_json:
        found = {"model": version.name, "version": version.version, "folder": version.folder, "card": version.card}
        console.as_json(found)
        return
    console.say(f"Registered {version.ref} in {version.folder}")
    if metrics:
        low, high = metrics["accuracy_ci95"]
        console.say(
            f"Validation accuracy {100 * metrics['accuracy']:.2f} % "
            f"(95 % interval {100 * low:.1f} to {100 * high:.1f}), "
            f"macro-F1 {metrics['macro_f1']:.4f}, n = {metrics['n']:,}"
        )
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


@contextmanager
def stop_on_signal(inner: Progress) -> Iterator[StoppableProgress]:
    """The first Ctrl-C or SIGTERM asks the work to stop after this step and to leave a checkpoint; a second ends it."""
    progress = StoppableProgress(inner)

    def handle(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        inner.log("Stopping after this step, leaving a checkpoint for --resume (again to end at once)")
        progress.stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield progress
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
