"""``portside report``: what is known of a model, as a page, as JSON and in a few sentences."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from portside.data.columns import Columns
    from portside.evaluation.report.parts import Report
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
    out: Annotated[
        Path | None, typer.Option(help="The page to write; if not given, one under the home folder.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the same figures to this file ('-': print them).")] = None,
) -> None:
    """How good a classifier is and what is wrong with it, with 95 % intervals: one page that opens offline."""
    from portside.commands.tasks import replacing
    from portside.console import as_json, say
    from portside.data.columns import Columns
    from portside.evaluation.report.page import render
    from portside.registry import ModelRegistry
    from portside.settings import load_settings

    settings = load_settings()
    registry = ModelRegistry(settings.models_dir)
    version, other = registry.resolve(model), None if against is None else registry.resolve(against)
    for one in (version, other):
        if one is not None:
            _check_task(one)
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
    from dataclasses import replace

    from portside.evaluation.report.behaviour import tried_on
    from portside.evaluation.report.build import report_on, report_on_held_out
    from portside.evaluation.report.pairing import compare_held_out
    from portside.inference.classifier import load_classifier

    if data is None:
        made = report_on_held_out(version)
        if against is None:
            return made
        compared = compare_held_out(version, against, lambda: load_classifier(against, threads=settings.threads))
        return replace(made, sections=[compared, *made.sections])
    from portside.data.dataset import read
    from portside.progress import TerminalProgress
    from portside.training.seen import load_seen

    dataset = read(data, columns, test=True)
    classifier = load_classifier(version, threads=settings.threads)
    with TerminalProgress(f"Reporting on {version.ref}") as progress:
        made = report_on(
            version,
            classifier,
            dataset,
            seen=load_seen(version.folder),
            against=None if against is None else load_classifier(against, threads=settings.threads),
            progress=lambda done: progress.update(done, len(dataset), f"{done:,} of {len(dataset):,} rows"),
        )
    return replace(made, sections=[*made.sections, tried_on(classifier, dataset.texts, settings.suites_dir)])


def _check_task(version: ModelVersion) -> None:
    from portside.commands.tasks import task_of_version
    from portside.errors import UsageError

    task = task_of_version(version)
    if task.name != "classification":
        raise UsageError(
            "Reports are made of classifiers with one label a text",
            seen=f"{version.ref} is a model for {task.name}",
            remedy=f"Measure it with: portside evaluate {version.ref} --data FILE",
        )


def _say(report: Report) -> None:
    from portside.console import say

    say(f"{report.title}: {report.subtitle}")
    for warning in report.warnings:
        say(f"Mind: {warning}.")
    for section in report.sections:
        for sentence in section.sentences:
            say(sentence)
