"""Unlabelled text from files: one text a line, or one column of a table. Each text once."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import IO, cast

from portside.data.columns import TEXT_NAMES, find_column
from portside.data.encodings import decode
from portside.data.identity import clean, text_key
from portside.data.read import NOT_TABLES, read_table
from portside.errors import DataError
from portside.said import said

__all__ = ["FEWEST", "Texts", "load_texts", "unique_texts"]

FEWEST = 100
"""Different texts below which there is nothing to learn from them."""
LINE_SUFFIXES = {".txt", ".text"}
HEAD_BYTES = 1 << 20
"""Bytes by which the encoding of a text file is told."""


@dataclass(frozen=True)
class Texts:
    """Different texts, in the order of the file."""

    texts: Sequence[str]
    source: str
    """Where they come from, for people."""
    content_hash: str
    """Changes when a text changes."""
    read: int
    """Lines or rows in the file."""
    duplicates: int
    """Texts that differ from an earlier one by case, width, blanks or links only; left out."""
    empty: int
    """Lines or rows without text; left out."""

    @property
    def sentence(self) -> str:
        """What was read and left out, in words."""
        left_out = f"{self.duplicates:,} duplicates and {self.empty:,} empty ones left out"
        return f"{self.read:,} texts read from {Path(self.source).name}: {len(self.texts):,} different, {left_out}"


def load_texts(path: str | Path, *, text: str | None = None) -> Texts:
    """The different texts in a file: a ``.txt`` has one a line and is read as a stream, all else is a table.

    ``text`` names the column of a table; None: found by its name.

    Raises:
        DataError: the file cannot be read, has no such column, or holds fewer than ``FEWEST`` different texts.
    """
    path = Path(path)
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    found = unique_texts(_lines(path) if suffixes[-1:] and suffixes[-1] in LINE_SUFFIXES else _cells(path, text), path)
    if len(found.texts) < FEWEST:
        raise _too_few(found, path.name)
    return found


def unique_texts(texts: Iterable[str], source: str | Path) -> Texts:
    """The different ones of ``texts``, cleaned; texts with the same ``text_key`` count as one."""
    kept: list[str] = []
    known: set[bytes] = set()
    whole = hashlib.sha256()
    read = empty = 0
    for read, raw in enumerate(texts, start=1):  # noqa: B007
        one = clean(raw)
        if not one:
            empty += 1
            continue
        # Hashes, as the texts themselves would be held twice.
        key = hashlib.blake2b(text_key(one).encode("utf-8", "replace"), digest_size=12).digest()
        if key not in known:
            known.add(key)
            kept.append(one)
            whole.update(one.encode("utf-8", "replace") + b"\x00")
    return Texts(kept, str(source), whole.hexdigest(), read, read - empty - len(kept), empty)


def _too_few(found: Texts, file: str) -> DataError:
    if found.read == found.empty:
        rule, remedy = "The file must hold texts", "Write one text a line, or name a file that has some"
        return DataError(
            rule, seen=said("{n} lines, all empty", n=f"{found.read:,}") if found.read else "", remedy=remedy, file=file
        )
    return DataError(
        said("An encoder needs at least {n} different texts to be adapted to", n=FEWEST),
        seen=said("{n} different of {all} texts", n=f"{len(found.texts):,}", all=f"{found.read - found.empty:,}"),
        remedy="Add texts of your field, thousands if you can; for few labelled rows train a classifier on them",
        file=file,
    )


def _cells(path: Path, text: str | None) -> Iterator[str]:
    table = read_table(path)
    names = [str(name) for name in table.frame.columns]
    column, _ = find_column(names, text, TEXT_NAMES, what="text", file=table.file)
    values = table.frame[column]
    for value, there in zip(values.tolist(), values.notna().tolist(), strict=True):
        yield str(value) if there else ""


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            stream = cast(IO[bytes], gzip.GzipFile(fileobj=file) if packed else file)
            encoding = _encoding_of(stream.read(HEAD_BYTES), path.name)
            stream.seek(0)
            # Only line feeds part texts: U+2028 and its like may stand inside one.
            yield from TextIOWrapper(stream, encoding=encoding, errors="replace", newline=None)
    except FileNotFoundError as error:
        raise DataError("The file must exist", seen=str(path), remedy="Check the path", file=path.name) from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        rule, remedy = "A gzip file must be whole", "Copy or pack it again"
        raise DataError(rule, seen=str(error), remedy=remedy, file=path.name) from error
    except OSError as error:
        seen, remedy = error.strerror or str(error), "Name a file that you may read"
        raise DataError("The file must be readable", seen=seen, remedy=remedy, file=path.name) from error


def _encoding_of(head: bytes, file: str) -> str:
    for magic, what in {**NOT_TABLES, b"PAR1": "a Parquet file"}.items():
        if head.startswith(magic):
            remedy = "Save the texts as plain text, one a line, or name a table by its own suffix"
            raise DataError("A .txt file must be plain text", seen=what, remedy=remedy, file=file)
    if len(head) == HEAD_BYTES:
        head = head[: head.rfind(b"\n") + 1 or None]  # no character cut in two
    found = decode(head, file=file)
    if "\x00" in found.text:
        raise DataError(
            "A .txt file must be plain text", seen=said("NUL characters"), remedy="Export it as text", file=file
        )
    return found.encoding
