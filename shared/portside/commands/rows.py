"""A file's rows with a model's answers added: what every task that writes a table has in common."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from portside.commands.tasks import open_texts
from portside.commands.unfinished import Unfinished, content_of, going_on

if TYPE_CHECKING:
    from portside.data.source import RowSource
    from portside.progress import Progress

__all__ = ["Asked", "add_answers", "added_columns", "answer_rows"]

ROWS_AT_ONCE = 2_048
MADE_OF = {
    "model": "are of another version of the model",
    "content": "are of another content of the file",
    "column": "are of another column of texts",
    "columns": "have other columns added",
    "doing": "are of other work",
    "at most wrong": "are of another --at-most-wrong",
}
"""What parts of one output have to have in common, with what is said where they do not."""


@dataclass(frozen=True)
class Asked:
    """A file of texts and where the answers go."""

    model: str
    """The version that is asked, as ``name:version``."""
    data: Path
    out: Path
    text: str | None = None
    """Column of the texts; None: found by its name."""


def add_answers(
    asked: Asked,
    *,
    added: list[str],
    answer: Callable[[list[str]], Iterable[Sequence[Any]]],
    doing: str,
    alike: Mapping[str, Any] | None = None,
) -> int:
    """Write the columns of the file with those of ``added``; returns how many rows there were.

    ``answer`` gives the added cells of each of some texts; ``alike`` as for ``answer_rows``.

    Raises:
        DataError: the file cannot be read, or the column cannot be found.
        UsageError: the output cannot be written.
    """

    def begin(stream: TextIO, source: RowSource) -> None:
        kept, names = added_columns(source.columns, added)
        csv.writer(stream).writerow([*kept, *names])

    def write(stream: TextIO, rows: Sequence[Sequence[object]], texts: list[str]) -> None:
        answers = answer(texts)
        csv.writer(stream).writerows([*row, *cells] for row, cells in zip(rows, answers, strict=True))

    return answer_rows(asked, begin=begin, write=write, doing=doing, alike={"columns": added, **(alike or {})})


def answer_rows(
    asked: Asked,
    *,
    begin: Callable[[TextIO, RowSource], None] = lambda _stream, _source: None,
    write: Callable[[TextIO, Sequence[Sequence[object]], list[str]], None],
    doing: str,
    alike: Mapping[str, Any] | None = None,
) -> int:
    """Write something for each row of a file, a part at a time; returns how many rows there were.

    ``begin`` writes what comes first; ``write`` gets some rows and their texts. What an earlier run of the same left
    when it was cut off is gone on with; ``alike`` says what else makes it the same, as JSON can hold it. What one of
    another kind left is given up, and said to be.

    Raises:
        DataError: the file cannot be read, or the column cannot be found.
        UsageError: the output cannot be written.
    """
    from portside.progress import TerminalProgress

    source, column = open_texts(asked.data, asked.text)
    about = {"model": asked.model, "content": content_of(asked.data), "column": source.columns[column], "doing": doing}
    about |= alike or {}
    with going_on(asked.out, about) as output, TerminalProgress(f"{doing} {asked.data.name}") as progress:
        if output.done:
            progress.log(f"{output.done:,} rows were done before; it goes on with the next")
        else:
            if output.given_up:
                progress.log(_given_up(output.given_up, about))
            begin(output.stream, source)
        return _write_all(output, source, column, write, progress)


def _given_up(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Why an earlier run is not gone on with. One of an older Portside does not tell which columns it added."""
    differ = [told for part, told in MADE_OF.items() if before.get(part) != now.get(part)]
    if "columns" in now and "columns" not in before:
        differ = ["were written by an older Portside, perhaps with other columns"]
    return f"It begins anew: the rows of a run that was cut off {' and '.join(differ)}, and are not mixed with these"


def _write_all(
    output: Unfinished,
    source: RowSource,
    column: int,
    write: Callable[[TextIO, Sequence[Sequence[object]], list[str]], None],
    progress: Progress,
) -> int:
    done = output.done
    for rows in source.parts(ROWS_AT_ONCE, skip=done):
        write(output.stream, rows, [str(row[column]) for row in rows])
        done += len(rows)
        output.mark(done)
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
