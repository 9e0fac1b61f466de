"""Read a table from CSV, TSV, JSON lines or Parquet, gzipped or not."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from portside.data.delimited import Delimited, parse
from portside.data.encodings import Decoded, decode
from portside.data.findings import Finding, excerpt
from portside.errors import DataError
from portside.said import said, settled

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Table", "is_packed", "is_plain_text", "read_bytes", "read_table"]

MAX_BYTES = 2_000_000_000
"""Size from which a file, unpacked, is refused: the whole of it is held in memory, several times over."""
NOT_TABLES = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF",
    b"SQLite format 3": "a SQLite database",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
}
GZIP = b"\x1f\x8b"
JSON_SUFFIXES = {".jsonl", ".ndjson", ".json"}
MAX_CONTROL_SHARE = 0.05
"""Share of control characters from which a file is no text."""


@dataclass(frozen=True)
class Table:
    """What a file holds: every cell a ``str`` for CSV and TSV, the values as they were for JSON lines and Parquet."""

    frame: pd.DataFrame
    file: str
    encoding: str | None
    delimiter: str | None
    findings: tuple[Finding, ...] = ()
    """What reading had to mend or guess."""


def read_table(
    path: str | Path,
    *,
    sheet_columns: Sequence[str] | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> Table:
    """Read a file; its kind is seen from its content and name, encoding and delimiter are detected unless given.

    ``sheet_columns`` names the columns of a CSV or TSV file that has no header line.

    Raises:
        DataError: the file cannot be opened or read as a table; names file and, where there is one, row.
    """
    path = Path(path)
    content = read_bytes(path)
    if content.startswith(b"PAR1"):
        return Table(_parquet(content, path.name), path.name, None, None)
    for magic, what in NOT_TABLES.items():
        if content.startswith(magic):
            remedy = "Save the table as CSV (UTF-8) and try again"
            raise DataError(
                "The file must be CSV, TSV, JSON lines or Parquet", seen=settled(what), remedy=remedy, file=path.name
            )
    decoded = decode(content, file=path.name, encoding=encoding)
    _refuse_binary(decoded.text, path.name)
    findings = _encoding_findings(decoded, path.name)
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    if suffixes[-1:] and suffixes[-1] in JSON_SUFFIXES:
        return Table(_json(decoded.text, path.name), path.name, decoded.encoding, None, findings)
    cut = parse(decoded.text, file=path.name, delimiter=delimiter, columns=sheet_columns)
    return Table(_frame(cut), path.name, decoded.encoding, cut.delimiter, (*findings, *cut.findings))


def _content(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise _too_big(path, said("{n} bytes", n=f"{size:,}"))
        return path.read_bytes()
    except FileNotFoundError as error:
        raise DataError("The file must exist", seen=str(path), remedy="Check the path", file=path.name) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        seen = getattr(error, "strerror", None) or str(error)
        remedy = "Name a file that you may read"
        raise DataError("The file must be readable", seen=seen, remedy=remedy, file=path.name) from error


def _too_big(path: Path, seen: str) -> DataError:
    remedy = "Split it, or train on a part of it"
    return DataError(
        said("A file may have at most {n} bytes unpacked", n=f"{MAX_BYTES:,}"), seen=seen, remedy=remedy, file=path.name
    )


def read_bytes(path: Path) -> bytes:
    """What the file holds, unpacked where it is gzipped.

    Raises:
        DataError: it cannot be opened, is no whole gzip file, or is too large.
    """
    return _unpacked(_content(path), path)


def is_packed(path: Path) -> bool:
    """Whether the file begins as gzip files do."""
    with path.open("rb") as stream:
        return stream.read(len(GZIP)) == GZIP


def _unpacked(content: bytes, path: Path) -> bytes:
    if not content.startswith(GZIP):
        return content
    try:
        with gzip.open(io.BytesIO(content)) as packed:
            whole = packed.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        remedy = "Copy or pack it again"
        raise DataError("A gzip file must be whole", seen=str(error), remedy=remedy, file=path.name) from error
    if len(whole) > MAX_BYTES:
        raise _too_big(path, said("more"))
    return whole


def _parquet(content: bytes, file: str) -> pd.DataFrame:
    from pyarrow import ArrowException, parquet

    try:
        whole = parquet.read_table(io.BytesIO(content))
        # Else a text that is no UTF-8 fails much later, where its cell is read.
        whole.validate(full=True)
        frame: pd.DataFrame = whole.to_pandas()
    # Most of Arrow's errors are one of Python's too, not all.
    except (OSError, ValueError, TypeError, LookupError, NotImplementedError, MemoryError, ArrowException) as error:
        seen, remedy = excerpt(str(error)), "Write the file again"
        raise DataError("A Parquet file must be whole", seen=seen, remedy=remedy, file=file) from error
    frame.columns = [str(name) for name in frame.columns]
    return frame.reset_index(drop=True)


def is_plain_text(sample: str) -> bool:
    """Whether the beginning of a file that was read as UTF-8 is certain to be a table's: no NUL, no other kind."""
    begins = sample[:16].encode("utf-8")
    other = begins.startswith((b"PAR1", *NOT_TABLES))
    return bool(sample) and not other and "\x00" not in sample and _control_share(sample) == 0.0


def _control_share(text: str) -> float:
    sample = text[:100_000]
    odd = sum(
        1 for character in sample if (character < " " and character not in "\t\n\r\f\v\x1a") or character == "\ufffd"
    )
    return odd / max(len(sample), 20)


def _refuse_binary(text: str, file: str) -> None:
    found = _control_share(text)
    if found > MAX_CONTROL_SHARE:
        share = said("{share} control characters", share=f"{100 * found:.0f} %")
        remedy = "Export the table as CSV (UTF-8)"
        raise DataError("The file must be text", seen=share, remedy=remedy, file=file)


def _encoding_findings(decoded: Decoded, file: str) -> tuple[Finding, ...]:
    if decoded.broken:
        rule = "Every byte should be UTF-8; those that are not show as \ufffd"
        place = decoded.text.index("\ufffd")
        seen = excerpt(decoded.text[max(0, place - 20) : place + 20])
        return (Finding("warning", rule, "Export the file again as UTF-8", file, value=seen, count=decoded.broken),)
    if decoded.certain:
        return ()
    rule = said("The file is not UTF-8; it was read as {encoding}, which is a guess", encoding=decoded.encoding)
    place = next((place for place, character in enumerate(decoded.text) if ord(character) > 127), 0)
    seen = excerpt(decoded.text[max(0, place - 20) : place + 20])
    return (Finding("note", rule, "If this looks wrong, save the file as UTF-8", file, value=seen),)


def _json(text: str, file: str) -> pd.DataFrame:
    import pandas as pd

    records = _json_array(text, file) if text.lstrip()[:1] == "[" else _json_lines(text, file)
    if not records:
        raise DataError("The file must not be empty", remedy="Write one object a line", file=file)
    columns = list(dict.fromkeys(key for record in records for key in record))
    # As objects: pandas must not turn the label 1 into 1.0 because another row has none.
    return pd.DataFrame(
        {column: pd.Series([record.get(column) for record in records], dtype=object) for column in columns}
    )


def _json_array(text: str, file: str) -> list[dict[str, Any]]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        remedy = "Write one object a line, or one array of objects"
        raise DataError("A JSON file must be whole", seen=str(error), remedy=remedy, file=file) from error
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise _no_object(row, file, number)
    return list(rows)


def _json_lines(text: str, file: str) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    # Not splitlines(): U+2028 and its like may stand inside a JSON text.
    lines = (line for line in text.split("\n") if line.strip())
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            rule, remedy = "Each line must be one JSON object", "Mend or remove this line"
            seen = f"{excerpt(line)} ({error})"
            raise DataError(rule, seen=seen, remedy=remedy, file=file, row=number) from error
        if not isinstance(record, dict):
            raise _no_object(record, file, number)
        records.append(record)
    return records


def _no_object(row: object, file: str, number: int) -> DataError:
    remedy = 'Write it as {"text": "…", "label": "…"}'
    return DataError("Each row must be a JSON object", seen=excerpt(row), remedy=remedy, file=file, row=number)


def _frame(cut: Delimited) -> pd.DataFrame:
    import pandas as pd

    columns = zip(*cut.rows, strict=True) if cut.rows else ((),) * len(cut.columns)
    series = {name: pd.Series(list(cells), dtype="str") for name, cells in zip(cut.columns, columns, strict=True)}
    return pd.DataFrame(series)
