"""``portside data``: look at files before training on them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from portside.data import DataReport

__all__ = ["commands"]

FATAL_EXIT = 2
LABELS_SHOWN = 5

commands = typer.Typer(no_args_is_help=True, help="Check files before you train on them.")


@commands.callback()
def data() -> None:
    """Check files before you train on them."""


@commands.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="CSV, TSV, JSON lines or Parquet; gzipped or not.")],
    *,
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

    reports = [check_examples(path, text=text, label=label, test=test, encoding=encoding) for path in files]
    if json:
        console.as_json([report.to_dict() for report in reports])
    else:
        for report in reports:
            _show(report)
    if any(report.fatal for report in reports):
        raise typer.Exit(FATAL_EXIT)


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
    if report.text_column is None:
        return f"{report.file}: cannot be used."
    counts = sorted(report.label_counts.items(), key=lambda item: -item[1])
    shown = ", ".join(f"{label} {count:,}" for label, count in counts[:LABELS_SHOWN])
    more = f", … and {len(counts) - LABELS_SHOWN:,} more" if len(counts) > LABELS_SHOWN else ""
    left_out = f" ({report.rows_read - report.rows:,} left out)" if report.rows_read > report.rows else ""
    verdict = "cannot be trained on" if report.fatal else "can be trained on" if report.findings else "is clean"
    return (
        f"{report.file} {verdict}: {report.rows:,} rows{left_out} in '{report.text_column}', "
        f"{len(counts):,} labels in '{report.label_column}': {shown}{more}."
    )
