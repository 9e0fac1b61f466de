"""Read a file of headlines row by row, without holding it: CSV, TSV or JSON lines, plain or gzip."""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from portside.errors import DataError

__all__ = ["columns_of", "file_fingerprint", "read_bytes", "read_rows"]

_DELIMITERS = ",;\t|"
_MAX_FIELD = 1_000_000
"""Characters of one cell: an unclosed quote must not swallow the whole file into memory."""
_JSON = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    """Row number (1-based, header not counted) and cells of every row, in order.

    Raises:
        DataError: the file is missing, empty, not text, cut off, or a line of JSON is not an object.
    """
    try:
        with _open_text(path) as lines:
            yield from _json_rows(lines, path) if path.name.lower().endswith(_JSON) else _table_rows(lines, path)
    except (EOFError, gzip.BadGzipFile) as error:
        raise DataError(
            "The file must be whole gzip", seen=str(error), remedy="Copy it again", file=str(path)
        ) from error
    except OSError as error:
        raise DataError(
            "The file must be readable",
            seen=error.strerror or str(error),
            file=str(path),
            remedy="Check the path and its rights",
        ) from error


def columns_of(path: Path) -> list[str]:
    """The columns of the first row. Raises as ``read_rows`` does, and DataError for a file without rows."""
    for _, row in read_rows(path):
        return [str(name) for name in row]
    raise DataError("The file has no rows", file=str(path), remedy="Give a file with a header and at least one row")


def file_fingerprint(path: Path) -> str:
    """Identity of the file's bytes, by which an interrupted import is recognised."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as raw:
            while block := raw.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise DataError(
            "The file must be readable", seen=f"{path}: {error.strerror}", remedy="Check the path and its rights"
        ) from error
    return digest.hexdigest()[:40]


def read_bytes(path: Path, most: int) -> bytes:
    """A small file whole.

    Raises:
        DataError: it cannot be read, or has more than ``most`` bytes.
    """
    try:
        with path.open("rb") as raw:
            body = raw.read(most + 1)
    except OSError as error:
        raise DataError(
            "The file must be readable", seen=f"{path}: {error.strerror}", remedy="Check the path"
        ) from error
    if len(body) > most:
        raise DataError(f"A saved feed may have at most {most:,} bytes", file=str(path), remedy="Use a smaller one")
    return body


def _open_raw(path: Path) -> BinaryIO:
    zipped = path.name.lower().endswith(".gz")
    return cast(BinaryIO, gzip.open(path, "rb")) if zipped else path.open("rb")


def _open_text(path: Path) -> io.TextIOWrapper:
    encoding = _encoding(path)
    return io.TextIOWrapper(_open_raw(path), encoding=encoding, errors="replace", newline="")


def _encoding(path: Path) -> str:
    """UTF-8 (with or without a mark), UTF-16 by its mark, otherwise cp1252, which reads any Western file."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with _open_raw(path) as raw:
        first = raw.read(1 << 16)
        if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if b"\x00" in first:
            raise DataError("The file must be text", seen="zero bytes", remedy="Save it as CSV (UTF-8)", file=str(path))
        name = "utf-8-sig" if first.startswith(codecs.BOM_UTF8) else "utf-8"
        try:
            block = first
            while block:
                decoder.decode(block)
                block = raw.read(1 << 20)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return name


def _table_rows(lines: io.TextIOWrapper, path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    header = lines.readline()
    while header and not header.strip():
        header = lines.readline()
    if not header:
        raise DataError("The file is empty", file=str(path), remedy="Give a file with a header and at least one row")
    delimiter = max(_DELIMITERS, key=header.count)
    names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter))]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise DataError(
            "Two columns have the same name", seen=", ".join(doubled), file=str(path), remedy="Rename one of them"
        )
    csv.field_size_limit(_MAX_FIELD)
    number = 0
    try:
        for cells in csv.reader(lines, delimiter=delimiter):
            if not cells:
                continue
            number += 1
            yield number, dict(zip(names, cells, strict=False))
    except csv.Error as error:
        raise DataError(
            "The table must be readable",
            seen=str(error),
            file=str(path),
            row=number + 1,
            remedy="Look for a quote that is not closed",
        ) from error


def _json_rows(lines: io.TextIOWrapper, path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    number = 0
    for line in lines:
        if not line.strip():
            continue
        number += 1
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(
                "Each line must be JSON",
                seen=line.strip()[:80],
                file=str(path),
                row=number,
                remedy="Write one object a line",
            ) from error
        if not isinstance(row, dict):
            raise DataError(
                "Each line must be a JSON object",
                seen=line.strip()[:80],
                file=str(path),
                row=number,
                remedy='Write {"headline": …, "published_at": …}',
            )
        yield number, row
    if number == 0:
        raise DataError("The file is empty", file=str(path), remedy="Give a file with at least one line")
