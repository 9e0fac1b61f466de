"""What was found in a file, worded for the person who can mend it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from portside.errors import DataError

__all__ = ["DataReport", "Finding", "Severity", "counted", "excerpt"]

Severity = Literal["fatal", "warning", "note"]
EXCERPT = 80
"""Characters of a value that are shown: enough to find it again."""
NAMES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that a file breaks, with the first place and how often."""

    severity: Severity
    """``fatal``: nothing can be trained on this; ``warning``: the result suffers; ``note``: good to know."""
    rule: str
    remedy: str
    file: str | None = None
    row: int | None = None
    """First row, 1-based, the header not counted."""
    column: str | None = None
    value: str | None = None
    """The value seen there, shortened."""
    count: int = 1

    def error(self) -> DataError:
        """This finding as the error that stops the work."""
        seen = self.value or ""
        return DataError(self.rule, seen=seen, remedy=self.remedy, file=self.file, row=self.row, column=self.column)

    @classmethod
    def of(cls, error: DataError) -> Finding:
        """A reader's error as a fatal finding."""
        return cls("fatal", error.bare_rule, error.remedy, error.file, error.row, error.column, error.seen or None)


@dataclass(frozen=True)
class DataReport:
    """What a file holds and what was found in it."""

    file: str
    rows: int = 0
    """Rows that can be used."""
    rows_read: int = 0
    """Rows in the file, the header not counted."""
    encoding: str | None = None
    delimiter: str | None = None
    text_column: str | None = None
    label_column: str | None = None
    label_counts: Mapping[str, int] = field(default_factory=dict)
    """Rows of each label, by label."""
    findings: tuple[Finding, ...] = ()
    holds: str = ""
    """What there is, in words; empty where the file cannot be read."""

    @property
    def fatal(self) -> tuple[Finding, ...]:
        """What stops training."""
        return tuple(finding for finding in self.findings if finding.severity == "fatal")

    def raise_if_fatal(self) -> None:
        """Let what stops training stop it.

        Raises:
            DataError: the first fatal finding.
        """
        for finding in self.fatal:
            raise finding.error()

    def with_findings(self, *more: Finding) -> DataReport:
        """The report with further findings, the gravest first."""
        order: dict[Severity, int] = {"fatal": 0, "warning": 1, "note": 2}
        return replace(self, findings=tuple(sorted((*self.findings, *more), key=lambda item: order[item.severity])))

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON can hold it."""
        return {
            "file": self.file,
            "ok": not self.fatal,
            "rows": self.rows,
            "rows_read": self.rows_read,
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "text_column": self.text_column,
            "label_column": self.label_column,
            "labels": dict(self.label_counts),
            "holds": self.holds,
            "findings": [
                {name: getattr(finding, name) for name in Finding.__dataclass_fields__} for finding in self.findings
            ],
        }


def counted(counts: Mapping[str, int]) -> str:
    """The most frequent names with how often each is there, in words."""
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    shown = ", ".join(f"{name} {count:,}" for name, count in ranked[:NAMES_SHOWN])
    more = f", … and {len(ranked) - NAMES_SHOWN:,} more" if len(ranked) > NAMES_SHOWN else ""
    return f"{shown}{more}"


def excerpt(value: object) -> str:
    """The beginning of a value, on one line."""
    # Cut first: the value may be a file of ten megabytes in one cell.
    shown = " ".join(value[: 4 * EXCERPT].split()) if isinstance(value, str) else repr(value)
    return shown if len(shown) <= EXCERPT else shown[: EXCERPT - 1] + "…"
