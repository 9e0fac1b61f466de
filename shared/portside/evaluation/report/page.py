"""A report as one HTML page: pictures inside, no script, opens offline, prints well, light and dark."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from portside.evaluation.report.parts import Cell, Chart, Report, Share, Table, percent
from portside.evaluation.report.svg import draw
from portside.evaluation.report.words import Translate, doubt_of, translated, translated_table
from portside.said import in_words, said

__all__ = ["MOST_ROWS", "SAYS", "render"]

MOST_ROWS = 200
"""Rows of a table that the page shows; JSON has them all."""
FOLDED_ROWS = 20
"""Rows above which a table is folded away."""
SAYS: Mapping[str, str] = {
    "first": said("Read this first"),
    "sound": said("No fault was found by the checks of this report."),
    "reading": said(
        "How to read the figures: a 95 % interval says between which two values a figure most likely lies for all "
        "texts like these; n is the number of rows that it was measured on."
    ),
    "sections": said("Sections"),
    "numbers": said("Show the numbers"),
    "yes": said("yes"),
    "no": said("no"),
}
"""What the page says by itself."""


def render(report: Report, *, language: str = "en", translate: Translate = str) -> str:
    """The page. Every text of the report is escaped: labels and texts come from users' files.

    ``translate`` knows the report's sentences in ``language``, a code as HTML has it.
    """
    from jinja2 import Environment, FileSystemLoader
    from markupsafe import Markup

    def table_of(chart: Chart) -> Table:
        return translated_table(chart.table, translate)

    templates = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    page = templates.get_template("page.html.j2")
    words = partial(in_words, translate=translate)
    return page.render(
        report=translated(report, translate),
        language=language,
        says={name: words(sentence) for name, sentence in SAYS.items()},
        draw=lambda chart: Markup(draw(chart)),
        doubt=lambda figure: words(doubt_of(figure)),
        table_of=table_of,
        all_rows=lambda n: words(said("Show all {n} rows", n=f"{n:,}")),
        more_rows=lambda n: words(said("and {n} more rows, in the JSON report", n=f"{n:,}")),
        cell=lambda value: _cell(value, words(SAYS["yes"]), words(SAYS["no"])),
        most_rows=MOST_ROWS,
        folded_rows=FOLDED_ROWS,
    )


def _cell(value: Cell, yes: str, no: str) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return yes if value else no
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Share):
        return percent(value)
    return f"{value:.3f}" if isinstance(value, float) else value
