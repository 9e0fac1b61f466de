"""Labelled texts from a file: found, checked, counted, hashed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

from portside.data.cells import cell_text
from portside.data.checks import SEVERAL, Cell, Role, Where, check_cells, check_classes, conflicting, overlap, repeated
from portside.data.columns import LABEL_NAMES, TEXT_NAMES, Columns, find_column
from portside.data.findings import DataReport, Finding, counted, excerpt
from portside.data.identity import clean
from portside.data.parts import parts_at, parts_of
from portside.data.read import Table, read_table
from portside.errors import DataError
from portside.records import Example

__all__ = ["Dataset", "check_examples", "load_examples", "read"]


@dataclass(frozen=True)
class Dataset:
    """Labelled texts, in the order of their file."""

    examples: tuple[Example, ...]
    source: str
    """The file, for people."""
    labels: tuple[str, ...]
    """The labels that occur, sorted."""
    report: DataReport
    rows: tuple[int, ...]
    """Row number of each example in its file, 1-based, the header not counted."""
    groups: tuple[str, ...] | None = None
    """What each example belongs to (a customer, an article), where a column says so: ``split`` keeps it together."""
    times: tuple[datetime, ...] | None = None
    """When each example arose, in UTC, where a column says so."""
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of rows to be measured on: where each comes from (column -> value of each row), for columns such as source or
    language."""

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts, in order."""
        return tuple(example.text for example in self.examples)

    @property
    def label_ids(self) -> tuple[int, ...]:
        """Place of each example's label in ``labels``."""
        place = {label: number for number, label in enumerate(self.labels)}
        return tuple(place[example.label] for example in self.examples)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of texts and labels in order; the same from whatever kind of file they were read."""
        digest = hashlib.sha256()
        for example in self.examples:
            for part in (example.text, example.label):
                content = part.encode("utf-8", errors="surrogatepass")
                # With its length, so that ("ab", "c") is not ("a", "bc").
                digest.update(len(content).to_bytes(8, "big") + content)
        return digest.hexdigest()

    def subset(self, places: Sequence[int]) -> Dataset:
        """The examples at these places, in this order."""
        examples = tuple(self.examples[place] for place in places)
        return replace(
            self,
            examples=examples,
            labels=tuple(sorted({example.label for example in examples})),
            rows=tuple(self.rows[place] for place in places),
            groups=None if self.groups is None else tuple(self.groups[place] for place in places),
            times=None if self.times is None else tuple(self.times[place] for place in places),
            parts=parts_at(self.parts, places),
        )

    @classmethod
    def of(cls, examples: Sequence[Example], source: str = "memory") -> Dataset:
        """Examples that were never in a file."""
        rows = tuple(range(1, len(examples) + 1))
        labels = tuple(sorted({example.label for example in examples}))
        counts = Counter(example.label for example in examples)
        report = DataReport(source, len(examples), len(examples), label_counts=dict(sorted(counts.items())))
        return cls(tuple(examples), source, labels, report, rows)


@dataclass(frozen=True)
class _Asked:
    """What the caller says of a file; None: to be found out."""

    text: str | None
    label: str | None
    group: str | None
    time: str | None
    encoding: str | None


@dataclass(frozen=True)
class _Columns:
    text: str
    label: str
    group: str | None
    time: str | None
    notes: tuple[Finding, ...]


def load_examples(
    path: str | Path,
    *,
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    time: str | None = None,
    role: Role = "train",
    duplicates: Literal["keep", "first"] = "keep",
    conflicts: Literal["keep", "drop"] = "keep",
    encoding: str | None = None,
) -> Dataset:
    """Read labelled texts; columns are guessed by name where ``text`` or ``label`` is None.

    ``group`` and ``time`` name columns that ``split`` can use; times are ISO 8601, UTC where no zone is given.
    ``role="test"`` allows a file with one label. What becomes of imperfect rows: ``portside.data``.

    Raises:
        DataError: the file cannot be read, or a finding is fatal; names file, row and column.
    """
    dataset = _load(Path(path), _Asked(text, label, group, time, encoding), role)
    dataset.report.raise_if_fatal()
    drop = set(repeated(dataset.examples)) if duplicates == "first" else set()
    drop |= set(conflicting(dataset.examples)) if conflicts == "drop" else set()
    if not drop:
        return dataset
    kept = dataset.subset([place for place in range(len(dataset)) if place not in drop])
    left_out = Finding(
        "note", "Repeated or contradicting rows were left out as asked", "", dataset.report.file, count=len(drop)
    )
    counts = Counter(example.label for example in kept.examples)
    report = replace(dataset.report, rows=len(kept), label_counts=dict(sorted(counts.items()))).with_findings(left_out)
    return replace(kept, report=report)


def read(path: Path, columns: Columns, *, test: bool) -> Dataset:
    """``load_examples`` as a task asks for it."""
    return load_examples(path, text=columns.text, label=columns.label, role="test" if test else "train")


def check_examples(
    path: str | Path,
    *,
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    time: str | None = None,
    role: Role = "train",
    test: str | Path | None = None,
    encoding: str | None = None,
) -> DataReport:
    """Everything that can be said of a file, fatal or not; never raises ``DataError``.

    With ``test``, also which of that file's rows stand in this one.
    """
    asked = _Asked(text, label, group, time, encoding)
    try:
        dataset = _load(Path(path), asked, role)
    except DataError as error:
        return DataReport(Path(path).name, findings=(Finding.of(error),))
    if test is None:
        return dataset.report
    try:
        held_out = _load(Path(test), asked, "test")
    except DataError as error:
        return dataset.report.with_findings(Finding.of(error))
    unknown = sorted(set(held_out.labels) - set(dataset.labels))
    found = list(overlap(dataset, held_out))
    if unknown:
        rule, remedy = "A test label is not in the training file", "A model cannot give it: add examples of it"
        shown = excerpt(", ".join(unknown))
        found.append(Finding("warning", rule, remedy, held_out.report.file, None, None, shown, len(unknown)))
    return dataset.report.with_findings(*found, *held_out.report.fatal)


def _load(path: Path, asked: _Asked, role: Role) -> Dataset:
    table = read_table(path, encoding=asked.encoding)
    columns = _find_columns(table, asked)
    cells = _cells(table, columns)
    where = Where(table.file, columns.text, columns.label)
    # Of a million rows each list beside the examples costs as much as the file: labels are kept once, pairs not at all.
    names: dict[str, str] = {}
    numbers: list[int] = []
    made: list[Example] = []
    for row, text, label in ((row, clean(text), clean(label)) for row, text, label in cells):
        if text and label:
            numbers.append(row)
            made.append(Example(text, names.setdefault(label, label)))
    rows, examples = tuple(numbers), tuple(made)
    counts = dict(sorted(Counter(example.label for example in examples).items()))
    left_out = f" ({len(cells) - len(examples):,} left out)" if len(cells) > len(examples) else ""
    report = DataReport(
        file=table.file,
        rows=len(examples),
        rows_read=len(cells),
        encoding=table.encoding,
        delimiter=table.delimiter,
        text_column=columns.text,
        label_column=columns.label,
        label_counts=counts,
        holds=f"{len(examples):,} rows{left_out} in '{columns.text}', {len(counts):,} labels in '{columns.label}': "
        f"{counted(counts)}",
    ).with_findings(
        *table.findings, *columns.notes, *check_cells(cells, where), *check_classes(examples, rows, where, role)
    )
    groups = None if columns.group is None else _group_values(table, columns.group, rows)
    times = None if columns.time is None else _time_values(table, columns.time, rows)
    parts = parts_of(table, rows, without=(columns.text, columns.label))
    return Dataset(examples, str(path), tuple(counts), report, rows, groups, times, parts)


def _find_columns(table: Table, asked: _Asked) -> _Columns:
    names = [str(name) for name in table.frame.columns]
    text, text_notes = find_column(names, asked.text, TEXT_NAMES, what="text", file=table.file)
    others = [name for name in names if name != text]
    label, label_notes = find_column(others, asked.label, LABEL_NAMES, what="label", file=table.file)
    group = find_column(names, asked.group, (), what="group", file=table.file)[0] if asked.group else None
    time = find_column(names, asked.time, (), what="time", file=table.file)[0] if asked.time else None
    return _Columns(text, label, group, time, (*text_notes, *label_notes))


def _cells(table: Table, columns: _Columns) -> list[Cell]:
    texts, labels = table.frame[columns.text].tolist(), table.frame[columns.label].tolist()
    file = table.file
    return [
        (row, cell_text(text, file, row, columns.text), cell_text(label, file, row, columns.label, remedy=SEVERAL))
        for row, (text, label) in enumerate(zip(texts, labels, strict=True), start=1)
    ]


def _group_values(table: Table, column: str, rows: Sequence[int]) -> tuple[str, ...]:
    values = table.frame[column].tolist()
    # An example without group is a group of its own.
    return tuple(cell_text(values[row - 1], table.file, row, column).strip() or f"\x00row {row}" for row in rows)


def _time_values(table: Table, column: str, rows: Sequence[int]) -> tuple[datetime, ...]:
    values = table.frame[column].tolist()
    return tuple(_moment(values[row - 1], table.file, row, column) for row in rows)


def _moment(value: object, file: str, row: int, column: str) -> datetime:
    text = cell_text(value, file, row, column).strip()
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        rule, remedy = "A time must be written as ISO 8601", "Write it as 2026-01-31T14:30:00Z"
        raise DataError(rule, seen=excerpt(text), remedy=remedy, file=file, row=row, column=column) from error
