"""What a report is made of: sections of sentences, figures, charts and tables. Values only; drawing is elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal, TypeAlias

__all__ = ["Bar", "Cell", "Chart", "Curve", "Figure", "Report", "Section", "Share", "Table", "percent"]

Cell: TypeAlias = str | int | float | None


def percent(share: float, digits: int = 1) -> str:
    """A share as a person reads it: 0.821 is ``82.1 %``."""
    return f"{100 * share:.{digits}f} %"


class Share(float):
    """A cell of a table that is a share, to be shown in percent; a number like any other in JSON."""


@dataclass(frozen=True)
class Figure:
    """A measured number with its doubt."""

    name: str
    value: float
    low: float | None = None
    """Lower end of the 95 % interval."""
    high: float | None = None
    n: int | None = None
    """Rows it was measured on."""
    share: bool = True
    """Whether it is a share, to be shown in percent."""

    @property
    def shown(self) -> str:
        """The number alone."""
        if self.share:
            return percent(self.value)
        return f"{self.value:,.0f}" if self.value == int(self.value) else f"{self.value:.3f}"

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        interval = None if self.low is None or self.high is None else [self.low, self.high]
        return {"name": self.name, "value": self.value, "ci95": interval, "n": self.n}


@dataclass(frozen=True)
class Table:
    """Rows under a head."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    @property
    def numeric(self) -> list[bool]:
        """Whether a column holds numbers alone."""
        cells = [[row[place] for row in self.rows] for place in range(len(self.head))]
        return [bool(column) and all(isinstance(one, int | float | None) for one in column) for column in cells]

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it: each row by its column's name."""
        return {"title": self.title, "rows": [dict(zip(self.head, row, strict=True)) for row in self.rows]}


@dataclass(frozen=True)
class Curve:
    """Points in the order they are joined in."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    dots: bool = False
    """Whether each point is marked."""
    reference: bool = False
    """A line to compare with, not a measurement of its own: drawn thin and dashed."""
    low: Sequence[float] = ()
    """Lower ends of the points' 95 % intervals; empty where there are none."""
    high: Sequence[float] = ()
    n: Sequence[int] = ()
    """Rows that each point was measured on; empty where that is not told."""


@dataclass(frozen=True)
class Bar:
    """One bar, with its interval where there is one."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    stands_out: bool = False


@dataclass(frozen=True)
class Chart:
    """A picture's numbers: curves over a numeric axis, or bars."""

    title: str
    summary: str
    """What it shows, in one sentence."""
    x_title: str
    y_title: str
    curves: Sequence[Curve] = ()
    bars: Sequence[Bar] = ()
    share: bool = True
    """Whether the measured axis is a share, to be shown in percent."""

    @property
    def kind(self) -> Literal["curves", "bars"]:
        return "curves" if self.curves else "bars"

    @property
    def table(self) -> Table:
        """The numbers drawn: what a screen reader and a spreadsheet get."""
        if self.bars:
            doubt = any(bar.low is not None for bar in self.bars)
            head = [self.y_title, self.x_title, *(("from", "to") if doubt else ())]
            rows: list[list[Cell]] = [
                [
                    bar.name,
                    *(_cell(value, self.share) for value in (bar.value, *((bar.low, bar.high) if doubt else ()))),
                ]
                for bar in self.bars
            ]
            return Table(self.title, head, rows)
        return _points(self)


@dataclass(frozen=True)
class Section:
    """One question about the model, and its answer."""

    key: str
    title: str
    sentences: Sequence[str] = ()
    """The answer in words, the most important first."""
    warnings: Sequence[str] = ()
    """What is wrong and has to be known before the model is used."""
    figures: Sequence[Figure] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    details: Mapping[str, Any] | None = None
    """Further values for JSON alone."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "title": self.title,
            "sentences": list(self.sentences),
            "warnings": list(self.warnings),
            "figures": [figure.to_dict() for figure in self.figures],
            "charts": [{"summary": chart.summary, **chart.table.to_dict()} for chart in self.charts],
            "tables": [table.to_dict() for table in self.tables],
            **({} if self.details is None else {"details": dict(self.details)}),
        }


@dataclass(frozen=True)
class Report:
    """All that was found about one model version."""

    title: str
    subtitle: str
    """Which rows it was measured on."""
    facts: Sequence[tuple[str, str]]
    """Name and value of what identifies model and data."""
    sections: Sequence[Section]

    @property
    def warnings(self) -> list[str]:
        """Of all sections, in their order."""
        return [warning for section in self.sections for warning in section.warnings]

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it: numbers that are none (NaN, infinity) become null."""
        plain = {
            "title": self.title,
            "subtitle": self.subtitle,
            "facts": dict(self.facts),
            "warnings": self.warnings,
            "sections": {section.key: section.to_dict() for section in self.sections},
        }
        cleaned: dict[str, Any] = _finite(plain)
        return cleaned


def _points(chart: Chart) -> Table:
    """Every point of every curve, those to compare with too; intervals and rows where any curve has them."""
    columns = {
        "from": any(curve.low for curve in chart.curves),
        "to": any(curve.high for curve in chart.curves),
        "n": any(curve.n for curve in chart.curves),
    }
    rows: list[list[Cell]] = []
    x_shares = all(0 <= x <= 1 for curve in chart.curves for x in curve.x)
    for curve in chart.curves:
        more: dict[str, Sequence[float]] = {"from": curve.low, "to": curve.high, "n": curve.n}
        for place, (x, y) in enumerate(zip(curve.x, curve.y, strict=True)):
            cells = [
                _cell(more[name][place] if more[name] else None, chart.share and name != "n")
                for name, told in columns.items()
                if told
            ]
            rows.append([curve.name, _cell(x, x_shares), _cell(y, chart.share), *cells])
    return Table(
        chart.title, ["", chart.x_title, chart.y_title, *(name for name, told in columns.items() if told)], rows
    )


def _cell(value: float | None, share: bool) -> Cell:
    """A number of a chart: a share in percent, a count without decimals."""
    if value is None or not isfinite(value):
        return value
    if share:
        return Share(value)
    return int(value) if value == int(value) else value


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not isfinite(value) else value
