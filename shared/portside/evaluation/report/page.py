"""A report as one HTML page: pictures inside, no script, opens offline, prints well, light and dark."""

from __future__ import annotations

from pathlib import Path

from portside.evaluation.report.parts import Report
from portside.evaluation.report.svg import draw

__all__ = ["MOST_ROWS", "render"]

MOST_ROWS = 200
"""Rows of a table that the page shows; JSON has them all."""
FOLDED_ROWS = 20
"""Rows above which a table is folded away."""


def render(report: Report) -> str:
    """The page. Every text of the report is escaped: labels and texts come from users' files."""
    from jinja2 import Environment, FileSystemLoader
    from markupsafe import Markup

    templates = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    page = templates.get_template("page.html.j2")
    return page.render(
        report=report,
        draw=lambda chart: Markup(draw(chart)),
        cell=_cell,
        most_rows=MOST_ROWS,
        folded_rows=FOLDED_ROWS,
    )


def _cell(value: str | int | float | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3f}" if isinstance(value, float) else value
