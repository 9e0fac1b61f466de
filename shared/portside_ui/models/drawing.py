"""A report's parts on a page: the same sentences, figures, charts and tables as on the page that opens offline."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from portside.evaluation.report.parts import Chart, Curve, Figure, Section, Table
from portside.evaluation.report.words import doubt_of, translated_section, translated_table
from portside.said import in_words
from portside_ui.charts import COLOURS, figure, show_chart
from portside_ui.frame import MAX_KEY_FIGURES, KeyFigure, key_figures, section
from portside_ui.why import plain
from portside_ui.words import _

__all__ = ["draw_section"]

BAR_PIXELS = 24


def draw_section(part: Section, key: str) -> None:
    """Draw one section of a report, in the session's language."""
    part = translated_section(part, _)
    section(part.title)
    for warning in part.warnings:
        st.warning(plain(warning), icon=":material/warning:")
    key_figures([_key_figure(one) for one in part.figures[:MAX_KEY_FIGURES]])
    for sentence in part.sentences:
        st.markdown(plain(sentence))
    for place, chart in enumerate(part.charts):
        _draw_chart(chart, f"{key}-{part.key}-{place}")
    for place, table in enumerate(part.tables):
        _draw_table(table, f"{key}-{part.key}-table-{place}")


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
    if chart.bars:
        names = [bar.name for bar in chart.bars]
        values = [bar.value for bar in chart.bars]
        doubt = None
        if all(bar.low is not None and bar.high is not None for bar in chart.bars):
            doubt = {
                "array": [(bar.high or 0.0) - bar.value for bar in chart.bars],
                "arrayminus": [bar.value - (bar.low or 0.0) for bar in chart.bars],
                "color": COLOURS.neutral,
            }
        colours = [COLOURS.negative if bar.stands_out else COLOURS.selection for bar in chart.bars]
        fig.add_bar(x=values, y=names, orientation="h", marker_color=colours, error_x=doubt, showlegend=False)
        fig.update_yaxes(autorange="reversed", type="category")
        height = 110 + BAR_PIXELS * len(names)
    else:
        for curve in chart.curves:
            line = {"dash": "dash", "color": COLOURS.neutral, "width": 1} if curve.reference else {}
            mode = "lines+markers" if curve.dots else "lines"
            fig.add_scatter(
                x=list(curve.x), y=list(curve.y), name=curve.name, mode=mode, line=line, error_y=_bounds(curve)
            )
        fig.update_layout(showlegend=len(chart.curves) > 1)
        fig.update_yaxes(title=chart.y_title)
        if all(0 <= x <= 1 for curve in chart.curves for x in curve.x):
            fig.update_xaxes(tickformat=".0%")
        height = 340
    fig.update_xaxes(title=chart.x_title)
    if chart.share:
        (fig.update_xaxes if chart.bars else fig.update_yaxes)(tickformat=".0%")
    numbers = _frame(translated_table(chart.table, _))
    show_chart(fig, summary=plain(chart.summary), table=numbers, key=key, height=height)


def _bounds(curve: Curve) -> dict[str, Any] | None:
    if not curve.low or not curve.high:
        return None
    return {
        "array": [high - y for y, high in zip(curve.y, curve.high, strict=True)],
        "arrayminus": [y - low for y, low in zip(curve.y, curve.low, strict=True)],
        "color": COLOURS.neutral,
    }


def _draw_table(table: Table, key: str) -> None:
    if not table.rows:
        return
    with st.expander(plain(table.title), icon=":material/table:"):
        st.dataframe(_frame(table), width="stretch", hide_index=True, key=key)


def _frame(table: Table) -> pd.DataFrame:
    # Two columns may have no name of their own; a data frame wants different ones.
    head = [name or " " * (place + 1) for place, name in enumerate(table.head)]
    return pd.DataFrame([list(row) for row in table.rows], columns=head)
