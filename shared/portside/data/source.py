"""Read a file's rows a part at a time, so that a million of them need no more memory than a thousand."""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO, cast

from portside.data.delimited import SAMPLE_CHARACTERS, find_delimiter, fitted, header_of
from portside.data.read import JSON_SUFFIXES, is_packed, is_plain_text, read_table
from portside.errors import DataError

__all__ = ["RowSource", "open_rows"]

Row = tuple[object, ...]
NOT_PLAIN = (OSError, EOFError, zlib.error, ValueError, RecursionError, csv.Error, DataError)
"""What a file may do that is not read a part at a time."""


@dataclass(frozen=True)
class RowSource:
    """The rows of a file."""

    file: str
    columns: tuple[str, ...]
    count: int
    """Rows, the header not counted."""
    rows: Callable[[], Iterator[Row]]
    """Reads them from the beginning, each as long as ``columns``; an empty cell is an empty text."""

    def parts(self, size: int, *, skip: int = 0) -> Iterator[list[Row]]:
        """The rows after the first ``skip``, ``size`` at a time."""
        rows = islice(self.rows(), skip, None)
        while part := list(islice(rows, size)):
            yield part


def open_rows(path: str | Path) -> RowSource:
    """The rows of any file that ``read_table`` reads.

    CSV, TSV and JSON lines in UTF-8, gzipped or not, are read twice and never held: once to see that every row is
    whole, once for the rows. Everything else (Parquet, old encodings, what needs mending) is read as a whole.

    Raises:
        DataError: as ``read_table``.
    """
    path = Path(path)
    with suppress(*NOT_PLAIN):
        names = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
        found = _json_lines(path) if names[-1:] and names[-1] in JSON_SUFFIXES else _delimited(path)
        if found is not None:
            return found
    table = read_table(path)
    frame = table.frame.astype(object).where(table.frame.notna(), "")
    columns = tuple(str(name) for name in frame.columns)
    return RowSource(table.file, columns, len(frame), lambda: iter(frame.itertuples(index=False, name=None)))


def _open(path: Path, newline: str) -> TextIO:
    if is_packed(path):
        return cast(TextIO, gzip.open(path, "rt", encoding="utf-8-sig", newline=newline))
    return path.open(encoding="utf-8-sig", newline=newline)


def _delimited(path: Path) -> RowSource | None:
    with _open(path, "") as stream:
        sample = stream.read(SAMPLE_CHARACTERS)
    if not is_plain_text(sample):
        return None
    delimiter = find_delimiter(sample)
    # As ``parse`` has it: tab-separated files are often written without any quoting.
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE) if delimiter == "\t" else (csv.QUOTE_MINIMAL,):
        with suppress(csv.Error, DataError):
            return _checked(path, delimiter, quoting)
    return None


def _checked(path: Path, delimiter: str, quoting: Any) -> RowSource:
    def cells() -> Iterator[list[str]]:
        with _open(path, "") as stream:
            yield from (row for row in csv.reader(stream, delimiter=delimiter, quoting=quoting, strict=True) if row)

    def rows() -> Iterator[Row]:
        for row in islice(cells(), 1, None):
            kept = fitted(row, len(header))
            if kept is None:
                raise DataError("A row may have at most the cells of the header", file=path.name)
            yield tuple(kept)

    header = header_of(next(cells(), []), path.name)
    return RowSource(path.name, tuple(header), sum(1 for _ in rows()), rows)


def _json_lines(path: Path) -> RowSource | None:
    def records() -> Iterator[Any]:
        with _open(path, "\n") as stream:
            for line in stream:
                if line.strip():
                    yield json.loads(line)

    with _open(path, "\n") as stream:
        sample = stream.read(SAMPLE_CHARACTERS)
    if not is_plain_text(sample) or sample.lstrip()[:1] != "{":
        return None
    columns: dict[str, None] = {}
    count = 0
    for record in records():
        if not isinstance(record, dict):
            return None
        columns.update(dict.fromkeys(record))
        count += 1

    def rows() -> Iterator[Row]:
        for record in records():
            yield tuple(_cell(record.get(name)) for name in columns)

    return RowSource(path.name, tuple(columns), count, rows)


def _cell(value: object) -> object:
    # Only NaN differs from itself.
    return "" if value is None or (isinstance(value, float) and value != value) else value  # noqa: PLR0124
