"""``portside report``: what is known of a model, as a page, as JSON and in a few sentences."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from portside.data.columns import Columns
    from portside.evaluation.report.parts import Report
    from portside.registry import ModelVersion
    from portside.settings import Settings

__all__ = ["commands"]

TRIED = "classification"
"""The task whose models keep rows aside for a report, and are tried with small changes of the texts."""

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
    out: Annotated[
        Path | None, typer.Option(help="The page to write; if not given, one under the home folder.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the same figures to this file ('-': print them).")] = None,
) -> None:
    """How good a model is and what is wrong with it, with 95 % intervals: one page that opens offline."""
    from portside.commands.tasks import replacing
    from portside.console import as_json, say
    from portside.data.columns import Columns
    from portside.evaluation.report.page import render
    from portside.registry import ModelRegistry
    from portside.settings import load_settings

    settings = load_settings()
    registry = ModelRegistry(settings.models_dir)
    version, other = registry.resolve(model), None if against is None else registry.resolve(against)
    made = _report(version, other, data, Columns(text, label), settings)
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
        stream.write(render(made))
    _say(made)
    say(f"The whole report: {page}")


def _report(
    version: ModelVersion, against: ModelVersion | None, data: Path | None, columns: Columns, settings: Settings
) -> Report:
    from portside.apps import load
    from portside.commands.tasks import task_of_version
    from portside.progress import TerminalProgress

    task = task_of_version(version)
    _check_same(version, against)
    if data is None and task.name == TRIED:
        return _held_out(version, against, settings)
    data = data or _kept_rows(version)
    dataset = load(task.read)(data, columns, test=True)
    with TerminalProgress(f"Reporting on {version.ref}") as progress:
        made: Report = load(task.report)(
            version,
            dataset,
            against=against,
            threads=settings.threads,
            progress=lambda done, of: progress.update(done, of, f"{done:,} of {of:,}"),
        )
    return _tried(made, version, dataset.texts, settings) if task.name == TRIED else made


def _kept_rows(version: ModelVersion) -> Path:
    from portside.errors import UsageError
    from portside.evaluation.held_out import held_out_file

    kept = held_out_file(version.folder)
    if kept is None:
        raise UsageError(
            "A report is made from rows that the model was not trained on",
            seen=f"{version.ref} keeps none beside it, and no --data",
            remedy=f"Name a labelled file: portside report {version.ref} --data FILE",
        )
    return kept


def _held_out(version: ModelVersion, against: ModelVersion | None, settings: Settings) -> Report:
    from dataclasses import replace

    from portside.evaluation.report.build import report_on_held_out
    from portside.evaluation.report.pairing import compare_held_out
    from portside.inference.classifier import load_classifier

    made = report_on_held_out(version)
    if against is None:
        return made
    compared = compare_held_out(version, against, lambda: load_classifier(against, threads=settings.threads))
    return replace(made, sections=[compared, *made.sections])


def _tried(made: Report, version: ModelVersion, texts: Sequence[str], settings: Settings) -> Report:
    from dataclasses import replace

    from portside.evaluation.report.behaviour import tried_on
    from portside.evaluation.report.explanations import explained_on
    from portside.inference.attributor import load_attributor
    from portside.inference.classifier import load_classifier

    classifier = load_classifier(version, threads=settings.threads)
    explained = explained_on(load_attributor(version, threads=settings.threads), texts)
    tried = tried_on(classifier, texts, settings.suites_dir)
    return replace(made, sections=[*made.sections, *([] if explained is None else [explained]), tried])


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
        say(f"Mind: {warning}.")
    for section in report.sections:
        for sentence in section.sentences:
            say(sentence)
