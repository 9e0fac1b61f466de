"""``portside evaluate``: measure a model on labelled rows."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from portside.commands.tasks import Measured, commands_of, task_of_version, warn

__all__ = ["commands"]

# Options may follow the model's name, although a group of commands usually ends its own at the first word.
commands = typer.Typer(no_args_is_help=True, subcommand_metavar="", context_settings={"allow_interspersed_args": True})


@commands.callback(invoke_without_command=True)
def evaluate(
    model: Annotated[str, typer.Argument(help="NAME (its champion), NAME@ALIAS or NAME:VERSION.", metavar="NAME")],
    data: Annotated[Path, typer.Option(help="Labelled rows that the model was not trained on.")],
    *,
    text: Annotated[str | None, typer.Option(help="Column of the texts; guessed by its name if not given.")] = None,
    label: Annotated[str | None, typer.Option(help="Column of the labels; guessed by its name if not given.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the whole report to this file ('-': print it).")] = None,
) -> None:
    """Measure a model on labelled rows: its figures with 95 % intervals, every label, what is confused."""
    from portside.apps import load
    from portside.data.columns import Columns
    from portside.progress import TerminalProgress
    from portside.registry import ModelRegistry
    from portside.settings import load_settings

    settings = load_settings()
    version = ModelRegistry(settings.models_dir).resolve(model)
    spec = task_of_version(version)
    task = commands_of(spec)
    dataset = load(spec.read)(data, Columns(text, label), test=True)
    with TerminalProgress(f"Evaluating {version.ref}") as progress:
        warn(spec, dataset, progress.log)
        report = task.evaluate(version, dataset, threads=settings.threads, progress=progress)
    if json == Path("-"):
        from portside.console import as_json

        as_json(report.to_dict())
        return
    task.show(report)
    if json is not None:
        _write(json, report)


def _write(path: Path, report: Measured) -> None:
    from portside.console import say
    from portside.errors import UsageError

    try:
        written = json_module.dumps(report.to_dict(), indent=2, ensure_ascii=False) + "\n"
        path.write_text(written, encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError("The report must be writable", seen=f"{path}: {error.strerror}") from error
    say(f"Report written to {path}")
