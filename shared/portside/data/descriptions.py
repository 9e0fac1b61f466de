"""What each label means, in the user's words, from a file: a column of labels and one of descriptions, or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from portside.data.cells import cell_text
from portside.data.columns import LABEL_NAMES, TEXT_NAMES
from portside.data.findings import excerpt
from portside.data.identity import clean
from portside.data.read import read_bytes, read_table
from portside.errors import DataError
from portside.said import joined, said

__all__ = ["load_descriptions"]

DESCRIPTION_NAMES = ("description", "descriptions", "meaning", "definition", "描述", "说明", "含义", *TEXT_NAMES)
"""Columns taken as the description, in this order."""
SHOWN = 5
"""Labels named in a message."""
WRITE = said(
    "Write a CSV file with the columns label and description, or JSON such as {example}",
    example='{"refund": "wants money back"}',
)


def load_descriptions(path: str | Path, labels: Sequence[str]) -> tuple[str, ...]:
    """The description of each of ``labels``, in their order.

    CSV, TSV, JSON lines or Parquet with a column of labels and one of descriptions, or one JSON object of
    label -> description.

    Raises:
        DataError: the file cannot be read, describes a label twice or not at all, or one that is none of ``labels``.
    """
    path = Path(path).expanduser()
    found: dict[str, str] = {}
    for row, (label, description) in enumerate(_pairs(path), start=1):
        if not label or not description:
            seen = (
                said("'{label}' without a description", label=label)
                if label
                else said("'{text}' without a label", text=excerpt(description))
            )
            rule = "A row holds a label and what it means"
            raise DataError(rule, seen=seen, remedy="Add it or remove the row", file=path.name, row=row)
        if label in found:
            rule, remedy = "A label has one description", "Keep one of the two rows, or join their sentences"
            raise DataError(rule, seen=said("'{label}' twice", label=label), remedy=remedy, file=path.name, row=row)
        found[label] = description
    _check_labels(found, labels, path.name)
    return tuple(found[label] for label in labels)


def _check_labels(found: dict[str, str], labels: Sequence[str], file: str) -> None:
    unknown = [label for label in found if label not in labels]
    missing = [label for label in labels if label not in found]
    wrong = [said("unknown: {names}", names=_some(unknown))] if unknown else []
    wrong += [said("missing: {names}", names=_some(missing))] if missing else []
    if wrong:
        raise DataError(
            "Every label of the data has a description, and nothing else has",
            seen=joined(wrong, "; "),
            remedy=said("The labels are {names}: write them as they stand in the data", names=_some(labels)),
            file=file,
        )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:SHOWN])
    return shown if len(names) <= SHOWN else said("{names} and {n} more", names=shown, n=f"{len(names) - SHOWN:,}")


def _pairs(path: Path) -> Iterator[tuple[str, str]]:
    named = _object_of(path)
    if named is not None:
        for label, description in named:
            if not isinstance(description, str):
                rule = "A description is a text"
                seen = said("{text} for '{label}'", text=excerpt(description), label=label)
                raise DataError(rule, seen=seen, remedy=WRITE, file=path.name)
            yield clean(label), clean(description)
        return
    table = read_table(path)
    columns = [str(name) for name in table.frame.columns]
    names, meanings = _column(columns, LABEL_NAMES), _column(columns, DESCRIPTION_NAMES)
    if names is None or meanings is None:
        seen = said("the columns {names}", names=", ".join(repr(name) for name in columns[:SHOWN]))
        rule = "A file of descriptions has a column of labels and one of what they mean"
        raise DataError(rule, seen=seen, remedy=WRITE, file=table.file)
    for row, cells in enumerate(zip(table.frame[names], table.frame[meanings], strict=True), start=1):
        name, meaning = (
            clean(cell_text(cell, table.file, row, column))
            for cell, column in zip(cells, (names, meanings), strict=True)
        )
        yield name, meaning


def _object_of(path: Path) -> list[tuple[str, object]] | None:
    """Names and values of the one JSON object that the file holds; None for every other file."""
    content = read_bytes(path)
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":
        return None
    with suppress(ValueError, RecursionError):
        # As pairs: of a name that stands there twice a dict would keep the last value and say nothing.
        return list(json.loads(content.decode("utf-8-sig"), object_pairs_hook=list))
    return None


def _column(columns: Sequence[str], names: Sequence[str]) -> str | None:
    folded = {column.strip().casefold(): column for column in columns}
    return next((folded[name] for name in names if name in folded), None)
