"""Which columns of a given file hold the texts and the labels, where their names do not say it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from portside.data.columns import Columns
from portside.errors import PortsideError
from portside_ui.models.given_file import keep_choice
from portside_ui.models.holdings import MATCHING
from portside_ui.words import _

__all__ = ["columns_part"]


def columns_part(path: Path | None, task: str, key: str) -> Columns:
    """Draw the choice of the two columns; ``key`` begins the widgets' keys.

    All is found by name where there is no file, or none with columns that have names.
    """
    header = [] if path is None or task == "tagging" else _header(str(path))
    if not header:
        return Columns()
    by_name = _("found by its name")
    first, second = (
        (_("Column of the questions"), _("Column of the texts that answer them"))
        if task == MATCHING
        else (_("Column of the texts"), _("Column of the labels"))
    )
    for one in ("text", "label"):
        keep_choice(f"{key}-{one}-column", header, of=str(path))
    with st.expander(_("Columns"), icon=":material/view_column:"):
        text = st.selectbox(first, [by_name, *header], key=f"{key}-text-column")
        label = st.selectbox(second, [by_name, *header], key=f"{key}-label-column")
    return Columns(None if text == by_name else text, None if label == by_name else label)


@st.cache_data(show_spinner=False, max_entries=16)
def _header(path: str) -> list[str]:
    from portside.data import read_table

    try:
        return [str(column) for column in read_table(path).frame.columns]
    except PortsideError:
        return []  # what is wrong with the file is said where it is read
