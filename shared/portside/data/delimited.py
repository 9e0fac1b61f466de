"""Rows of a CSV or TSV text, with the row named where one is broken."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from portside.data.findings import Finding, excerpt
from portside.errors import DataError
from portside.said import said, settled

__all__ = ["Delimited", "find_delimiter", "fitted", "header_of", "parse"]

DELIMITERS = (",", "\t", ";", "|")
NAMES = {",": "comma", "\t": "tab", ";": "semicolon", "|": "vertical bar"}
SAMPLE_ROWS = 50
SAMPLE_CHARACTERS = 100_000


@dataclass(frozen=True)
class Delimited:
    """The cells of a text, by row; every row is as long as ``columns``."""

    columns: tuple[str, ...]
    rows: list[list[str]]
    delimiter: str
    findings: tuple[Finding, ...]


def find_delimiter(text: str) -> str:
    """The character between cells: the one that cuts the first rows most evenly, into most cells.

    A text with none of them has one column, and the answer is a comma.
    """
    sample = text[:SAMPLE_CHARACTERS]
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        rows = _first_rows(sample, delimiter)
        if not rows or len(rows[0]) < 2:
            continue
        width = len(rows[0])
        even = sum(len(row) == width for row in rows) / len(rows)
        score = (round(even, 1), width)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _first_rows(sample: str, delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
            if row:
                rows.append(row)
            if len(rows) > SAMPLE_ROWS:
                return rows
    except csv.Error:
        return rows
    # The sample may end inside a row.
    return rows[:-1] if len(rows) > 2 else rows


def parse(text: str, *, file: str, delimiter: str | None = None, columns: Sequence[str] | None = None) -> Delimited:
    """Cut a text into rows of equal length; blank lines are passed over.

    ``columns`` names the columns of a text that has no header.

    Raises:
        DataError: no row at all, a column name twice or missing, a row with more cells than the header, a quote that
            does not end, a cell of more than 131,072 characters; names the row.
    """
    chosen = delimiter or find_delimiter(text)
    try:
        return _checked(_cut(text, chosen, quoted=True, file=file), chosen, file, columns)
    except DataError:
        # Tab-separated files are often written without any quoting: there a quote is a character like others.
        if chosen == "\t":
            with suppress(DataError):
                return _checked(_cut(text, chosen, quoted=False, file=file), chosen, file, columns)
        raise


def _cut(text: str, delimiter: str, *, quoted: bool, file: str) -> list[list[str]]:
    rows: list[list[str]] = []
    stream = io.StringIO(text, newline="")
    if quoted:
        reader = csv.reader(stream, delimiter=delimiter, strict=True)
    else:
        reader = csv.reader(stream, delimiter=delimiter, quoting=csv.QUOTE_NONE, strict=True)
    line = 1
    try:
        for row in reader:
            if row:
                rows.append(row)
            line = reader.line_num + 1
    except csv.Error as error:
        raise _broken(str(error), file, len(rows), line) from error
    return rows


def _broken(message: str, file: str, row: int, line: int) -> DataError:
    rule: str = "A quoted cell must end with a quote, and quotes inside it must be doubled"
    remedy = 'Write "He said ""yes""" for: He said "yes"; or export the file again'
    if "field larger" in message:
        rule = said("A cell may have at most {n} characters", n=f"{csv.field_size_limit():,}")
        remedy = "Look for a quote that is opened there and never closed, or shorten the cell"
    seen = said("the row that begins in line {line} ({what})", line=f"{line:,}", what=message)
    # The header is row 0: a break in it has no row to name.
    return DataError(rule, seen=seen, remedy=remedy, file=file, row=row or None)


def _checked(rows: list[list[str]], delimiter: str, file: str, columns: Sequence[str] | None) -> Delimited:
    if columns is None:
        if not rows:
            raise DataError("The file must not be empty", remedy="Export it again, with a header line", file=file)
        header, rows = header_of(rows[0], file), rows[1:]
    else:
        header = list(columns)
    width = len(header)
    short: list[int] = []
    for number, row in enumerate(rows, start=1):
        if len(row) < width:
            short.append(number)
        if fitted(row, width) is None:
            raise _too_long(rows, number, width, delimiter, file)
    findings: tuple[Finding, ...] = ()
    if short:
        rule = said("Every row should have {width} cells like the header; missing ones are taken as empty", width=width)
        shown = excerpt(delimiter.join(rows[short[0] - 1]))
        findings = (Finding("warning", rule, "Fill the missing cells", file, short[0], None, shown, len(short)),)
    return Delimited(tuple(header), rows, delimiter, findings)


def fitted(row: list[str], width: int) -> list[str] | None:
    """``row`` itself, made ``width`` cells long: missing cells are empty, empty ones beyond go; None: it is longer."""
    while len(row) > width and not row[-1].strip():
        row.pop()
    row.extend([""] * (width - len(row)))
    return row if len(row) == width else None


def header_of(cells: list[str], file: str) -> list[str]:
    """The columns' names; one without a name gets a number.

    Raises:
        DataError: a name stands twice.
    """
    names = [cell.strip() for cell in cells]
    while len(names) > 1 and not names[-1]:
        names.pop()
    # The index that pandas writes has no name.
    names = [name or f"column_{place}" for place, name in enumerate(names, start=1)]
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise DataError("Each column needs a name of its own", seen=excerpt(twice), remedy="Rename one", file=file)
    return names


def _too_long(rows: list[list[str]], number: int, width: int, delimiter: str, file: str) -> DataError:
    others = sum(len(row) > width for row in rows[number:])
    row = excerpt(delimiter.join(rows[number - 1]))
    seen = said("{n} cells: {row}", n=len(rows[number - 1]), row=row)
    if others:
        seen = said("{first}, and {n} more rows like it", first=seen, n=f"{others:,}")
    name = NAMES.get(delimiter, repr(delimiter))
    return DataError(
        said("A row may have at most the {width} cells of the header", width=width),
        seen=seen,
        remedy=said(
            "Put texts that contain a {name} in double quotes, or save with another delimiter", name=settled(name)
        ),
        file=file,
        row=number,
    )
