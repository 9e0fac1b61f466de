"""``portside report``: what is known of a model, as a page, as JSON and in a few sentences."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portside.commands.promise import shares_of
from portside.commands.wording import LANGUAGE_HELP, wording_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from portside.evaluation.report.making import Asked
    from portside.evaluation.report.parts import Report
    from portside.progress import Progress
    from portside.registry import ModelVersion
    from portside.settings import Settings

__all__ = ["commands"]

# Options may follow the model's name, although a group of commands usually ends its own at the first word.
commands = typer.Typer(no_args_is_help=True, subcommand_metavar="", context_settings={"allow_interspersed_args": True})


@commands.callback(invoke_without_command=True)
def report(
    model: Annotated[str, typer.Argument(help="NAME (its champion), NAME@ALIAS or NAME:VERSION.", metavar="NAME")],
    data: Annotated[
        Path | None, typer.Option(help="Labelled rows; without it those that were kept aside in training.")
    ] = None,
    *,
    text: Annotated[str | None, typer.Option(help="Column of the texts; guessed by its name if not given.")] = None,
    label: Annotated[str | None, typer.Option(help="Column of the labels; guessed by its name if not given.")] = None,
    against: Annotated[
        str | None, typer.Option(help="Another version, to compare with on the same rows.", metavar="NAME:VERSION")
    ] = None,
    risk: Annotated[
        list[str] | None,
        typer.Option(
            help="Percent of wrong answers that a promise is tried for, also several: 1,3. If not given 2, 5 and 10.",
            metavar="PERCENT",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The page to write; if not given, one under the home folder.")
    ] = None,
    language: Annotated[str, typer.Option(help=LANGUAGE_HELP)] = "en",
    json: Annotated[Path | None, typer.Option(help="Write the same figures to this file ('-': print them).")] = None,
) -> None:
    """How good a model is and what is wrong with it, with 95 % intervals: one page that opens offline."""
    from portside.commands.tasks import replacing
    from portside.console import as_json, say
    from portside.data.columns import Columns
    from portside.evaluation.report.making import Asked
    from portside.evaluation.report.page import render
    from portside.registry import ModelRegistry
    from portside.settings import load_settings

    risks, words = shares_of(risk or [], "--risk"), wording_of(language)
    settings = load_settings()
    registry = ModelRegistry(settings.models_dir)
    version, other = registry.resolve(model), None if against is None else registry.resolve(against)
    made = _report(Asked(version, data, Columns(text, label)), other, risks, settings)
    if json == Path("-"):
        as_json(made.to_dict())
        return
    if json is not None:
        with replacing(json) as stream:
            stream.write(json_module.dumps(made.to_dict(), indent=2, ensure_ascii=False) + "\n")
    page = out or settings.home / "reports" / f"{version.name}-{version.version}.html"
    if out is None:
        page.parent.mkdir(parents=True, exist_ok=True)
    with replacing(page) as stream:
        stream.write(render(made, language=words.language, translate=words.translate))
    _say(made)
    say(f"The whole report: {page}")


def _report(asked: Asked, against: ModelVersion | None, risks: Sequence[float], settings: Settings) -> Report:
    """``risks``: shares of wrong answers that a promise is tried for; none: the usual ones."""
    from portside.evaluation.report.making import can_be_tried, report_of
    from portside.evaluation.risk import RISKS
    from portside.progress import TerminalProgress

    _check_same(asked.version, against)
    with TerminalProgress(f"Reporting on {asked.version.ref}") as progress:
        made = report_of(
            asked,
            against=against,
            risks=risks or RISKS,
            threads=settings.threads,
            progress=_counting(progress),
        )
    return _tried(made, asked, settings) if can_be_tried(asked.version) else made


def _tried(made: Report, asked: Asked, settings: Settings) -> Report:
    from dataclasses import replace

    from portside.evaluation.report.making import behaviour_of, explanations_of
    from portside.progress import TerminalProgress

    with TerminalProgress("Leaving words out") as progress:
        explained = explanations_of(asked, settings, progress=_counting(progress))
    with TerminalProgress("Trying small changes") as progress:
        tried = behaviour_of(asked, settings, progress=_counting(progress))
    return replace(made, sections=[*made.sections, *([] if explained is None else [explained]), tried])


def _counting(progress: Progress) -> Callable[[int, int], None]:
    return lambda done, of: progress.update(done, of, f"{done:,} of {of:,}")


def _check_same(version: ModelVersion, against: ModelVersion | None) -> None:
    from portside.commands.tasks import task_of_version
    from portside.errors import UsageError

    if against is None:
        return
    one, other = task_of_version(version).name, task_of_version(against).name
    if one != other:
        raise UsageError(
            "Two versions are compared at the same task",
            seen=f"{version.ref} is a model for {one}, {against.ref} for {other}",
            remedy="Name two versions of one task",
        )


def _say(report: Report) -> None:
    from portside.console import say

    say(f"{report.title}: {report.subtitle}")
    for warning in report.warnings:
        say(f"Mind: {warning.rstrip('.')}.")
    for section in report.sections:
        for sentence in section.sentences:
            say(sentence)
