"""``portside behave``: try suites of behaviour tests on a model."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from portside.evaluation.behaviour import BehaviourReport

__all__ = ["commands", "sampled_texts"]

SAMPLED = 500
"""Rows of --data that are tried, if not told otherwise."""
FAILURES_SHOWN = 3
"""Of each test, on the terminal; more stand in the JSON report."""

# Options may follow the model's name, although a group of commands usually ends its own at the first word.
commands = typer.Typer(no_args_is_help=True, subcommand_metavar="", context_settings={"allow_interspersed_args": True})


@commands.callback(invoke_without_command=True)
def behave(
    model: Annotated[str, typer.Argument(help="NAME (its champion), NAME@ALIAS or NAME:VERSION.", metavar="NAME")],
    data: Annotated[Path | None, typer.Option(help="Texts to change; without it only tests that bring theirs.")] = None,
    *,
    suite: Annotated[
        str | None, typer.Option(help="Suite file, folder of them, or name; if not given, all that are known.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="Column of the texts; guessed by its name if not given.")] = None,
    rows: Annotated[int, typer.Option(help="Texts of --data to try, drawn at random.", min=1)] = SAMPLED,
    seed: Annotated[int, typer.Option(help="Of the draw and of the changes.")] = 0,
    json: Annotated[Path | None, typer.Option(help="Write the whole report to this file ('-': print it).")] = None,
) -> None:
    """Try typos, negation, swapped names and other changes: how often the label stays, and who is treated otherwise."""
    from portside.commands.tasks import task_of_version
    from portside.evaluation.behaviour import run_suites
    from portside.evaluation.suite_files import find_suites
    from portside.inference.one_answer import load_one_answer
    from portside.progress import TerminalProgress
    from portside.registry import ModelRegistry
    from portside.settings import load_settings

    settings = load_settings()
    version = ModelRegistry(settings.models_dir).resolve(model)
    task_of_version(version)
    classifier = load_one_answer(version, threads=settings.threads)
    suites = find_suites(suite, settings.suites_dir)
    texts = [] if data is None else sampled_texts(data, text, rows, seed=seed)
    with TerminalProgress(f"Trying {version.ref}") as progress:
        report = run_suites(
            classifier,
            suites,
            texts,
            data="" if data is None else str(data),
            seed=seed,
            report=lambda done, total: progress.update(done, total, f"{done:,} of {total:,} texts"),
        )
    if json == Path("-"):
        from portside.console import as_json

        as_json(report.to_dict())
        return
    _show(report)
    if json is not None:
        _write(json, report)


def sampled_texts(data: Path, column: str | None, rows: int, *, seed: int) -> list[str]:
    """At most ``rows`` of the file's texts, drawn by ``seed``, in the file's order; empty ones are left out.

    Raises:
        DataError: the file cannot be read, the column cannot be found, or no row has a text.
    """
    from portside.commands.tasks import open_texts
    from portside.errors import DataError

    source, place = open_texts(data, column)
    found = [text for part in source.parts(rows) for row in part if (text := str(row[place])).strip()]
    if not found:
        raise DataError("There must be texts to try", seen="none", file=str(data))
    chosen = sorted(Random(seed).sample(range(len(found)), min(rows, len(found))))
    return [found[one] for one in chosen]


def _show(report: BehaviourReport) -> None:
    from portside.console import say, table

    say(f"{report.model} on {report.data or 'texts of the suites'}, n = {report.n:,}")
    say(report.sentence)
    tried = [one for one in report.results if one.rate is not None]
    table(
        ["suite", "test", "kind", "texts", "pass %", "95 % interval", "verdict"],
        [
            [
                one.suite,
                one.test.name,
                one.test.kind,
                one.applicable,
                f"{100 * (one.rate or 0):.1f}",
                "{:.1f} to {:.1f}".format(*(100 * end for end in one.interval)),
                one.verdict,
            ]
            for one in tried
        ],
    )
    for one in tried:
        if one.bias is not None:
            say(one.sentence)
        for failure in one.failures[:FAILURES_SHOWN]:
            changed = f" -> {failure.changed}" if failure.changed else ""
            say(f"  {one.test.name}: {failure.text}{changed}\n    {failure.said}")
    for why in dict.fromkeys(one.why_none for one in report.results if one.why_none):
        names = ", ".join(one.test.name for one in report.results if one.why_none == why)
        say(f"Not tried, for {why}: {names}")


def _write(path: Path, report: BehaviourReport) -> None:
    from portside.console import say
    from portside.errors import UsageError

    try:
        written = json_module.dumps(report.to_dict(), indent=2, ensure_ascii=False) + "\n"
        path.write_text(written, encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError("The report must be writable", seen=f"{path}: {error.strerror}") from error
    say(f"Report written to {path}")
