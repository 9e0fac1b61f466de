"""Charts with fixed colours of meaning, a sentence in words and a table twin that can be downloaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from portside_ui.words import _, language

__all__ = ["COLOURS", "SERIES", "figure", "safe_csv", "show_chart"]

MAX_POINTS = 5_000
"""Points a chart may draw: 100,000 take plotly 5.5 s, 5,000 are below what a screen resolves."""


@dataclass(frozen=True)
class Colours:
    """Okabe-Ito colours of meaning; a word or shape always goes with them."""

    negative: str = "#D55E00"
    neutral: str = "#8A939C"
    positive: str = "#009E73"
    warning: str = "#E69F00"
    selection: str = "#0072B2"


COLOURS = Colours()
LEGEND_PIXELS = 36
"""Margin above a drawing that has a legend of one line."""
SERIES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8A939C")
"""Order of colours for series without a meaning of their own."""

DAY = 86_400_000
"""In milliseconds, as plotly counts the distance of two ticks."""
CHINESE_DATES = (
    {"dtickrange": [None, DAY - 1], "value": "%-m月%-d日\n%H:%M"},
    {"dtickrange": ["M12", None], "value": "%Y年"},
    {"dtickrange": ["M1", "M11"], "value": "%-m月\n%Y年"},
    {"dtickrange": [DAY, "M1"], "value": "%-m月%-d日\n%Y年"},
)
"""How a tick is written, by the distance of two of them; plotly itself knows months in English."""


def figure(*, hovermode: str = "x unified", **layout: Any) -> Any:
    """An empty plotly figure in the house style. Returns ``plotly.graph_objects.Figure``."""
    import plotly.graph_objects as go

    made = go.Figure()
    made.update_layout(
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        colorway=list(SERIES),
        # Above the drawing, in the margin that show_chart leaves for it, however low the drawing is.
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
        hovermode=hovermode,
        **layout,
    )
    return made


def show_chart(
    fig: Any,
    *,
    summary: str,
    table: pd.DataFrame,
    key: str,
    height: int = 320,
    columns: Mapping[str, Any] | None = None,
) -> None:
    """Draw a chart, say what it shows in one sentence, and keep its numbers one click away.

    ``table`` holds the numbers drawn; it is what a screen reader and a spreadsheet get. ``columns``: how some of its
    columns are written, as Streamlit's ``column_config``.

    Raises:
        ValueError: more points than a chart may draw; down-sample first.
    """
    points = sum(len(trace.x) for trace in fig.data if getattr(trace, "x", None) is not None)
    if points > MAX_POINTS:
        raise ValueError(f"a chart draws at most {MAX_POINTS} points, got {points}: down-sample first")
    if fig.layout.showlegend is not False and sum(trace.showlegend is not False for trace in fig.data) > 1:
        fig.update_layout(margin_t=LEGEND_PIXELS)
    fig.update_layout(height=height)
    if language() == "zh" and _over_time(fig):
        fig.update_xaxes(tickformatstops=CHINESE_DATES, hoverformat="%Y年%-m月%-d日")
    st.plotly_chart(fig, width="stretch", theme="streamlit", key=key, config={"displaylogo": False})
    st.caption(summary)
    with st.expander(_("Show the numbers"), icon=":material/table:"):
        st.dataframe(table, width="stretch", hide_index=True, key=f"{key}-table", column_config=columns)
        st.download_button(
            _("Download as CSV"), safe_csv(table), file_name=f"{key}.csv", mime="text/csv", key=f"{key}-csv"
        )


def _over_time(fig: Any) -> bool:
    """Whether the first thing drawn stands at dates."""
    firsts = [trace.x[0] for trace in fig.data if getattr(trace, "x", None) is not None and len(trace.x)]
    return bool(firsts) and isinstance(firsts[0], date | np.datetime64)


def safe_csv(table: pd.DataFrame) -> bytes:
    """CSV whose texts no spreadsheet takes for formulas, with a byte order mark so that Chinese opens rightly."""
    safe = table.copy()
    for column in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[column]):
            safe[column] = [
                "'" + value if isinstance(value, str) and value[:1] in "=+-@\t\r" and value else value
                for value in safe[column]
            ]
    return safe.to_csv(index=False).encode("utf-8-sig")
