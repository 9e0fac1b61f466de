"""A report's parts on a page: the same sentences, figures, charts and tables as on the page that opens offline."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any
from unicodedata import east_asian_width

import pandas as pd
import streamlit as st

from portside.evaluation.report.parts import Bar, Chart, Curve, Figure, Section, Share, Table
from portside.evaluation.report.words import doubt_of, translated_section, translated_table
from portside.said import in_words
from portside_ui.charts import COLOURS, figure, show_chart
from portside_ui.frame import MAX_KEY_FIGURES, KeyFigure, key_figures, section
from portside_ui.why import plain
from portside_ui.words import _

__all__ = ["draw_section"]

BAR_PIXELS = 24
LONG_NAME = 18
"""Characters of a figure's name that are seen where four figures stand in a row."""
DASHES = ("solid", "dot", "dashdot", "longdash")
"""Of curves, in their order; those to compare with have one of their own."""
CURVES_PIXELS = 340


def draw_section(part: Section, key: str) -> None:
    """Draw one section of a report, in the session's language."""
    part = translated_section(part, _)
    section(part.title)
    for warning in part.warnings:
        st.warning(plain(warning), icon=":material/warning:")
    a_row = _figures_a_row(part.figures)
    for first in range(0, len(part.figures), a_row):
        key_figures([_key_figure(one) for one in part.figures[first : first + a_row]])
    for sentence in part.sentences:
        st.markdown(plain(sentence))
    for place, chart in enumerate(part.charts):
        _draw_chart(chart, f"{key}-{part.key}-{place}")
    for place, table in enumerate(part.tables):
        _draw_table(table, f"{key}-{part.key}-table-{place}")


def _figures_a_row(figures: Sequence[Figure]) -> int:
    # Of four beside each other only the beginnings of long names are seen, and these may be the same.
    longest = max((_width(one.name) for one in figures), default=0)
    return 2 if len(figures) >= MAX_KEY_FIGURES and longest > LONG_NAME else MAX_KEY_FIGURES


def _width(text: str) -> int:
    """In letters: a Chinese character is as wide as two."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _key_figure(one: Figure) -> KeyFigure:
    return KeyFigure(one.name, one.shown, help=in_words(doubt_of(one), _) or None, doubt=_interval(one))


def _interval(one: Figure) -> str | None:
    if one.low is None or one.high is None:
        return None
    scale, digits = (100, 1) if one.share else (1, 3)
    return _("{low} to {high}", low=f"{scale * one.low:.{digits}f}", high=f"{scale * one.high:.{digits}f}")


def _draw_chart(chart: Chart, key: str) -> None:
    st.markdown(f"**{plain(chart.title)}**")
    fig = figure(hovermode="closest")
    height = _draw_bars(fig, chart) if chart.bars else _draw_curves(fig, chart)
    fig.update_xaxes(title=chart.x_title)
    numbers = translated_table(chart.table, _)
    show_chart(
        fig, summary=plain(chart.summary), table=_frame(numbers), key=key, height=height, columns=_columns(numbers)
    )


def _draw_bars(fig: Any, chart: Chart) -> int:
    """Lying bars, the first on top, with their intervals where all have one; how high the picture is, in pixels.

    A bar that stands out has a mark, too: colours are not told apart by everybody.
    """
    names = [("▶ " if bar.stands_out else "") + bar.name for bar in chart.bars]
    values = [bar.value for bar in chart.bars]
    colours = [COLOURS.negative if bar.stands_out else COLOURS.selection for bar in chart.bars]
    doubt = _intervals(chart.bars)
    fig.add_bar(x=values, y=names, orientation="h", marker_color=colours, error_x=doubt, showlegend=False)
    fig.update_yaxes(autorange="reversed", type="category")
    if chart.share:
        fig.update_xaxes(tickformat=".0%")
    return 110 + BAR_PIXELS * len(names)


def _draw_curves(fig: Any, chart: Chart) -> int:
    """Lines over a numeric axis, those to compare with thin and dashed; how high the picture is, in pixels."""
    dashes = cycle(DASHES)  # beside the colours, which are not told apart by everybody
    for curve in chart.curves:
        line = {"dash": "dash", "color": COLOURS.neutral, "width": 1} if curve.reference else {"dash": next(dashes)}
        mode = "lines+markers" if curve.dots else "lines"
        fig.add_scatter(x=list(curve.x), y=list(curve.y), name=curve.name, mode=mode, line=line, error_y=_bounds(curve))
    fig.update_layout(showlegend=len(chart.curves) > 1)
    fig.update_yaxes(title=chart.y_title)
    if all(0 <= x <= 1 for curve in chart.curves for x in curve.x):
        fig.update_xaxes(tickformat=".0%")
    if chart.share:
        fig.update_yaxes(tickformat=".0%")
    if not any(y for curve in chart.curves for y in curve.y):
        # Around a line of nothing but zeros an axis would go from -100 to 100 %.
        fig.update_yaxes(range=[0, 0.1])
    return CURVES_PIXELS


def _intervals(bars: Sequence[Bar]) -> dict[str, Any] | None:
    ends = [(bar.value, bar.low, bar.high) for bar in bars]
    known = [(value, low, high) for value, low, high in ends if low is not None and high is not None]
    if len(known) < len(ends):
        return None
    values, low, high = zip(*known, strict=True)
    return _error_bars(values, low, high)


def _bounds(curve: Curve) -> dict[str, Any] | None:
    if not curve.low or not curve.high:
        return None
    return _error_bars(curve.y, curve.low, curve.high)


def _error_bars(values: Sequence[float], low: Sequence[float], high: Sequence[float]) -> dict[str, Any]:
    return {
        "array": [end - value for value, end in zip(values, high, strict=True)],
        "arrayminus": [value - end for value, end in zip(values, low, strict=True)],
        "color": COLOURS.neutral,
    }


def _draw_table(table: Table, key: str) -> None:
    if not table.rows:
        return
    with st.expander(plain(table.title), icon=":material/table:"):
        st.dataframe(_frame(table), width="stretch", hide_index=True, key=key, column_config=_columns(table))


def _frame(table: Table) -> pd.DataFrame:
    return pd.DataFrame([list(row) for row in table.rows], columns=_heads(table))


def _heads(table: Table) -> list[str]:
    # Two columns may have no name of their own; a data frame wants different ones.
    return [name or " " * (place + 1) for place, name in enumerate(table.head)]


def _columns(table: Table) -> dict[str, Any]:
    """Columns of shares are read in percent; sorted and saved they stay numbers."""
    shares = [
        any(isinstance(row[place], Share) for row in table.rows)
        and all(isinstance(row[place], Share | None) for row in table.rows)
        for place in range(len(table.head))
    ]
    percents = st.column_config.NumberColumn(format="percent")
    return {head: percents for head, share in zip(_heads(table), shares, strict=True) if share}
