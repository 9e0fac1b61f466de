"""Read texts that may have several labels."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from portside.data.cells import cell_text
from portside.data.columns import LABEL_NAMES, TEXT_NAMES, Columns, find_column
from portside.data.findings import DataReport, Finding, counted, excerpt
from portside.data.identity import clean, text_key
from portside.data.parts import parts_at, parts_of
from portside.data.read import read_table
from portside.errors import DataError
from portside.records import MultiLabelled
from portside.said import said

__all__ = ["MultiLabelDataset", "load_multilabelled", "read"]

NAMES = ("labels", "intents", "topics", "tags", "categories", "genres", *LABEL_NAMES)
SEPARATORS = "|;,"


@dataclass(frozen=True)
class MultiLabelDataset:
    """Texts with their labels, as read from ``source``."""

    examples: tuple[MultiLabelled, ...]
    source: str
    findings: tuple[Finding, ...] = ()
    rows: tuple[int, ...] | None = None
    """Row number of each example in its file, 1-based, the header not counted; None: it was never in a file."""
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Where each row comes from, by column of its file."""

    def __len__(self) -> int:
        return len(self.examples)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The labels that occur, sorted."""
        return tuple(sorted({label for one in self.examples for label in one.labels}))

    @cached_property
    def content_hash(self) -> str:
        """Changes when a text or a label changes."""
        digest = hashlib.sha256()
        for one in self.examples:
            digest.update(json.dumps([one.text, one.labels], ensure_ascii=True).encode())
        return digest.hexdigest()

    @cached_property
    def report(self) -> DataReport:
        """What the file holds and what was found in it."""
        counts = Counter(label for one in self.examples for label in one.labels)
        none = sum(not one.labels for one in self.examples)
        holds = f"{len(self):,} texts, {none:,} of them without label, {len(counts):,} labels: {counted(counts)}"
        report = DataReport(Path(self.source).name, len(self), len(self), label_counts=counts, holds=holds)
        return report.with_findings(*self.findings)

    def subset(self, places: Sequence[int]) -> MultiLabelDataset:
        """Some of the rows, in the order of ``places``."""
        rows = None if self.rows is None else tuple(self.rows[place] for place in places)
        some = tuple(self.examples[place] for place in places)
        return MultiLabelDataset(some, self.source, rows=rows, parts=parts_at(self.parts, places))


def load_multilabelled(path: str | Path, *, text: str | None = None, label: str | None = None) -> MultiLabelDataset:
    """Read texts with any number of labels; columns are guessed by name where they are None.

    Labels are a list (JSON lines, Parquet) or separated by ``|``, ``;`` or ``,``, whichever comes first in that order
    anywhere in the column. A row without labels is kept: none of them fits.

    Raises:
        DataError: the file cannot be read, a cell is neither, or no row has a text; names file, row and column.
    """
    table = read_table(path)
    names = [str(name) for name in table.frame.columns]
    text_column, notes = find_column(names, text, TEXT_NAMES, what="text", file=table.file)
    others = [name for name in names if name != text_column]
    label_column, more = find_column(others, label, NAMES, what="label", file=table.file)
    cells = table.frame[label_column].tolist()
    separator = next(
        (each for each in SEPARATORS if any(isinstance(cell, str) and each in cell for cell in cells)), "|"
    )
    examples, rows, empty = [], [], []
    for row, (words, cell) in enumerate(zip(table.frame[text_column].tolist(), cells, strict=True), start=1):
        cleaned = clean(cell_text(words, table.file, row, text_column))
        if not cleaned:
            empty.append(row)
            continue
        rows.append(row)
        examples.append(MultiLabelled(cleaned, _labels(cell, separator, table.file, row, label_column)))
    if not examples:
        remedy = "Fill the column, or name another with --text"
        raise DataError(
            "The file must hold at least one text",
            seen=said("none"),
            remedy=remedy,
            file=table.file,
            column=text_column,
        )
    findings = [*table.findings, *notes, *more]
    if empty:
        rule, remedy = "A row without text was left out", "Give it a text"
        findings.append(
            Finding("warning", rule, remedy, table.file, empty[0], text_column, "(blank)", count=len(empty))
        )
    found = (*findings, *_repeated(examples, table.file))
    of_rows = parts_of(table, rows, without=(text_column, label_column))
    return MultiLabelDataset(tuple(examples), str(path), found, tuple(rows), of_rows)


def read(path: Path, columns: Columns, *, test: bool) -> MultiLabelDataset:
    """``load_multilabelled`` as a task asks for it; rows to ``test`` on are read as all are."""
    return load_multilabelled(path, text=columns.text, label=columns.label)


def _labels(cell: Any, separator: str, file: str, row: int, column: str) -> tuple[str, ...]:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ()
    if isinstance(cell, str):
        given: Sequence[Any] = cell.split(separator)
    elif isinstance(cell, list | tuple) or hasattr(cell, "tolist"):
        given = list(cell)
    else:
        given = [cell]
    if not all(isinstance(each, str | int | float) for each in given):
        raise DataError(
            "Labels are a list of names or one text with separators",
            seen=excerpt(cell),
            remedy='Write ["refund", "late"] in JSON lines, refund|late in CSV',
            file=file,
            row=row,
            column=column,
        )
    return tuple(sorted({clean(cell_text(each, file, row, column)) for each in given} - {""}))


def _repeated(examples: Sequence[MultiLabelled], file: str) -> list[Finding]:
    seen: dict[str, set[tuple[str, ...]]] = {}
    for one in examples:
        seen.setdefault(text_key(one.text), set()).add(one.labels)
    conflicts = sum(len(sets) > 1 for sets in seen.values())
    counts = Counter(label for one in examples for label in one.labels)
    single = sorted(label for label, count in counts.items() if count == 1)
    found = []
    if conflicts:
        rule, remedy = "The same text stands there with different labels", "Decide which labels it has"
        found.append(Finding("warning", rule, remedy, file, count=conflicts))
    if single:
        rule, remedy = "A label with a single example can hardly be learned", "Add examples or merge it with another"
        found.append(Finding("warning", rule, remedy, file, value=excerpt(", ".join(single)), count=len(single)))
    return found
