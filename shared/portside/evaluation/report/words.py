"""A report in another language: everything that this project says in it, and nothing that a user's file holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from portside.evaluation.report.parts import Cell, Chart, Figure, Report, Section, Table
from portside.said import Said, in_words, joined, said

__all__ = [
    "PRECISION_AND_RECALL",
    "Translate",
    "doubt_of",
    "joined",
    "translated",
    "translated_section",
    "translated_table",
]

Translate: TypeAlias = Callable[[str], str]


PRECISION_AND_RECALL = said(
    "Precision is the share of what it gives that is right, recall the share of what there is that it finds; F1 is one "
    "figure for both."
)
"""What stands under tables of the three."""


def doubt_of(figure: Figure) -> str:
    """Interval and rows of a figure, as a sentence that can be translated; empty where neither is known."""
    parts = []
    if figure.low is not None and figure.high is not None:
        scale, digits = (100, 1) if figure.share else (1, 3)
        low, high = f"{scale * figure.low:.{digits}f}", f"{scale * figure.high:.{digits}f}"
        parts.append(said("95 % interval {low} to {high}", low=low, high=high))
    if figure.n is not None:
        parts.append(said("n = {n}", n=f"{figure.n:,}"))
    return joined(parts, ", ") if parts else ""


def translated(report: Report, translate: Translate) -> Report:
    """``report`` by ``translate``, which knows titles and the templates of sentences."""
    return replace(
        report,
        title=_own(report.title, translate),
        subtitle=_own(report.subtitle, translate),
        facts=[(translate(name), _own(value, translate)) for name, value in report.facts],
        sections=[translated_section(section, translate) for section in report.sections],
    )


def translated_section(section: Section, translate: Translate) -> Section:
    """One section of a report by ``translate``."""
    words = partial(in_words, translate=translate)
    return replace(
        section,
        title=words(section.title),
        sentences=[words(sentence) for sentence in section.sentences],
        warnings=[words(warning) for warning in section.warnings],
        figures=[replace(figure, name=words(figure.name)) for figure in section.figures],
        charts=[_chart(chart, translate) for chart in section.charts],
        tables=[translated_table(table, translate) for table in section.tables],
    )


def translated_table(table: Table, translate: Translate) -> Table:
    """Title, heads, and those cells that are sentences of ours."""
    rows = [[_cell(cell, translate) for cell in row] for row in table.rows]
    return replace(
        table,
        title=in_words(table.title, translate),
        head=[in_words(name, translate) for name in table.head],
        rows=rows,
    )


def _chart(chart: Chart, translate: Translate) -> Chart:
    words = partial(in_words, translate=translate)
    return replace(
        chart,
        title=words(chart.title),
        summary=words(chart.summary),
        x_title=words(chart.x_title),
        y_title=words(chart.y_title),
        curves=[replace(curve, name=words(curve.name)) for curve in chart.curves],
        bars=[replace(bar, name=_own(bar.name, translate)) for bar in chart.bars],
    )


def _own(text: str, translate: Translate) -> str:
    # A label or a file may by chance be called like a word of ours: of what may be a user's only sentences are ours.
    return in_words(text, translate) if isinstance(text, Said) else text


def _cell(cell: Cell, translate: Translate) -> Cell:
    return _own(cell, translate) if isinstance(cell, str) else cell
