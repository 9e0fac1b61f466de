"""A file's rows with a model's answers added: what every task that writes a table has in common."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from portside.commands.tasks import open_texts, replacing

__all__ = ["add_answers", "added_columns"]

ROWS_AT_ONCE = 2_048


def add_answers(
    data: Path,
    out: Path,
    text: str | None,
    *,
    added: list[str],
    answer: Callable[[list[str]], Iterable[Sequence[Any]]],
    doing: str,
) -> int:
    """Write the columns of ``data`` with those of ``added`` to ``out``; returns how many rows there were.

    ``answer`` gives the added cells of each of some texts; ``text`` names the column of the texts.

    Raises:
        DataError: the file cannot be read, or the column cannot be found.
        UsageError: ``out`` cannot be written.
    """
    from portside.progress import TerminalProgress

    done = 0
    source, column = open_texts(data, text)
    kept, added = added_columns(source.columns, added)
    with replacing(out) as stream, TerminalProgress(f"{doing} {data.name}") as progress:
        writer = csv.writer(stream)
        writer.writerow([*kept, *added])
        for part in source.parts(ROWS_AT_ONCE):
            answers = answer([str(row[column]) for row in part])
            writer.writerows([*row, *cells] for row, cells in zip(part, answers, strict=True))
            done += len(part)
            progress.update(done, source.count, f"{done:,} of {source.count:,} rows")
    return done


def added_columns(given: Sequence[str], added: list[str]) -> tuple[list[str], list[str]]:
    """Names for the columns of the input, none of which is called like one of ``added``, and ``added`` itself."""
    taken = set(added)
    kept = []
    for name in given:
        while name in taken:
            name = f"input_{name}"  # noqa: PLW2901 - until it is free
        taken.add(name)
        kept.append(name)
    return kept, added
