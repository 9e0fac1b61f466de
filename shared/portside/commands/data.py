"""``portside data``: look at files before training on them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portside.commands.wording import LANGUAGE_HELP, wording_of
from portside.errors import UsageError

if TYPE_CHECKING:
    from portside.data import DataReport

__all__ = ["commands"]

FATAL_EXIT = 2
DEFAULT_TASK = "classification"

commands = typer.Typer(no_args_is_help=True, help="Check files before you train on them.")


@commands.callback()
def data() -> None:
    """Check files before you train on them."""


@commands.command()
def check(
    files: Annotated[
        list[Path], typer.Argument(help="In a form that portside train TASK --help names; for matching also a folder.")
    ],
    *,
    task: Annotated[str, typer.Option(help="What to train on them, a task of portside train.")] = DEFAULT_TASK,
    text: Annotated[str | None, typer.Option(help="Column of the texts; guessed by its name if not given.")] = None,
    label: Annotated[str | None, typer.Option(help="Column of the labels; guessed by its name if not given.")] = None,
    test: Annotated[Path | None, typer.Option(help="Held-out file: which of its rows stand in FILES, too?")] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding of the files; detected if not given.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")] = False,
) -> None:
    """Say what a training file holds and what is wrong with it: file, row, column, value, remedy.

    Ends with exit code 2 when something would stop the training.
    """
    from portside import console
    from portside.data import check_examples
    from portside.data.columns import Columns
    from portside.tasks.check import check_file
    from portside.tasks.spec import find_task

    if task == DEFAULT_TASK:
        reports = [check_examples(path, text=text, label=label, test=test, encoding=encoding) for path in files]
    else:
        spec = find_task(task)
        _only_of_labels(task, {"--test": test, "--encoding": encoding})
        reports = [check_file(spec, path, Columns(text, label)) for path in files]
    if json:
        console.as_json([report.to_dict() for report in reports])
    else:
        for report in reports:
            _show(report)
    if any(report.fatal for report in reports):
        raise typer.Exit(FATAL_EXIT)


@commands.command()
def faults(
    file: Annotated[
        Path, typer.Argument(help="Texts with a label each, with several, or tagged words: as --task says.")
    ],
    *,
    task: Annotated[
        str, typer.Option(help="What to train on it: classification, multilabel or tagging.")
    ] = DEFAULT_TASK,
    text: Annotated[str | None, typer.Option(help="Column of the texts; guessed by its name if not given.")] = None,
    label: Annotated[str | None, typer.Option(help="Column of the labels; guessed by its name if not given.")] = None,
    test: Annotated[
        Path | None, typer.Option(help="Held-out file: which of its rows stand in FILE, nearly too?")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The page to write; if not given, one under the home folder.")
    ] = None,
    language: Annotated[str, typer.Option(help=LANGUAGE_HELP)] = "en",
    json: Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")] = False,
) -> None:
    """Find labels that are probably wrong, labels that are mixed up, texts that stand twice, and leaks: as a page.

    Of texts with several labels: labels that are probably too much or missing. Of tagged words: names that are probably
    tagged wrongly, or not at all.
    """
    from portside import console
    from portside.commands.tasks import replacing
    from portside.data.columns import Columns
    from portside.evaluation.report.fault_tasks import faults_of_task
    from portside.evaluation.report.page import render
    from portside.progress import TerminalProgress
    from portside.settings import load_settings

    words, settings = wording_of(language), load_settings()
    with TerminalProgress(f"Looking for faults in {file.name}") as progress:
        made = faults_of_task(task, file, test, Columns(text, label), settings=settings, progress=progress)
    if json:
        console.as_json(made.to_dict())
        return
    page = out or settings.home / "reports" / f"{file.name.partition('.')[0]}-faults.html"
    if out is None:
        page.parent.mkdir(parents=True, exist_ok=True)
    with replacing(page) as stream:
        stream.write(render(made, language=words.language, translate=words.translate))
    for warning in made.warnings:
        console.say(f"Mind: {warning}.")
    for section in made.sections:
        for sentence in section.sentences:
            console.say(sentence)
    console.say(f"All rows: {page}")


def _only_of_labels(task: str, given: dict[str, object]) -> None:
    for option, value in given.items():
        if value is not None:
            raise UsageError(
                f"{option} is for files of one label a text",
                seen=f"{option} {value} with --task {task}",
                remedy=f"Leave {option} out",
            )


def _show(report: DataReport) -> None:
    from portside import console

    console.say(_summary(report))
    for finding in report.findings:
        place = ", ".join(
            part
            for part in (
                finding.file if finding.file != report.file else None,
                f"row {finding.row:,}" if finding.row is not None else None,
                f"column '{finding.column}'" if finding.column is not None else None,
            )
            if part
        )
        times = f" ({finding.count:,} in all)" if finding.count > 1 else ""
        console.say(f"  {finding.severity}: {finding.rule.rstrip('.')}{times}.")
        if place or finding.value:
            console.say(f"    {': '.join(part for part in (place, finding.value) if part)}")
        if finding.remedy:
            console.say(f"    → {finding.remedy}.")


def _summary(report: DataReport) -> str:
    if not report.holds:
        return f"{report.file}: cannot be used."
    verdict = "cannot be trained on" if report.fatal else "can be trained on" if report.findings else "is clean"
    return f"{report.file} {verdict}: {report.holds}."
