"""Which words made a model say so: the sentence and the picture of one explanation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from portside.said import in_words
from portside_ui.charts import COLOURS, figure, show_chart
from portside_ui.why import plain
from portside_ui.words import _, number

if TYPE_CHECKING:
    from portside.evaluation.attribution import Explanation

__all__ = ["explained_part"]

MOST_WORDS = 60
"""Words of the chart; a longer text is explained in the table alone."""


def explained_part(found: Explanation, key: str) -> None:
    """Draw the words that speak for the answer and against it, and how far to trust that."""
    st.markdown(plain(" ".join(in_words(one, _) for one in found.sentences)))
    if found.words:
        _words(found, key)


def _words(found: Explanation, key: str) -> None:
    first, second = found.values["integrated-gradients"], found.values["occlusion"]
    words = [word.text for word in found.words]
    digits = 3 if found.measure == "cosine" else 2
    table = pd.DataFrame(
        {
            _("Word"): words,
            _("By gradients"): [round(float(value), digits) for value in first],
            _("By leaving it out"): [round(float(value), digits) for value in second],
        }
    )
    if len(words) > MOST_WORDS:
        st.dataframe(table, width="stretch", hide_index=True, key=key)
        return
    names = [f"{place + 1}. {word}" for place, word in enumerate(words)]
    fig = figure(hovermode="closest", barmode="group")
    fig.add_bar(x=list(first), y=names, orientation="h", name=_("By gradients"), marker_color=COLOURS.selection)
    fig.add_bar(x=list(second), y=names, orientation="h", name=_("By leaving it out"), marker_color=COLOURS.warning)
    fig.update_yaxes(autorange="reversed", type="category")
    summary = _(
        "Bars to the right speak for {label}, bars to the left against it; two methods, which agree on {shared} of the "
        "{top} strongest words.",
        label=plain(found.label), shared=number(found.agreement.shared), top=number(found.agreement.top),
    )  # fmt: skip
    show_chart(fig, summary=summary, table=table, key=key, height=110 + 34 * len(words))
