"""The first page: what the suite offers, what is ready, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from portside.apps import AppSpec, load
from portside_ui.frame import page_header
from portside_ui.runtime import Runtime
from portside_ui.why import plain
from portside_ui.words import _, language

__all__ = ["render"]


def render(runtime: Runtime, first_pages: Mapping[str, Any]) -> None:
    """Draw one card for each app, with its state and a link to its first page (app's name -> ``st.Page``)."""
    page_header("Portside", _("Which of your text apps are ready, and what does each still need?"))
    with st.grid(3, min_column_width=240):
        for app in runtime.apps:
            _card(app, runtime, first_pages[app.name])


def _card(app: AppSpec, runtime: Runtime, first: Any) -> None:
    health: dict[str, str] = load(app.health)(runtime.settings)
    with st.container(border=True, height="stretch"):
        st.subheader(f"{app.icon} {_(app.title)}", anchor=False)
        st.markdown(plain(_(app.summary)))
        st.markdown("  \n".join(_state_line(part, state) for part, state in health.items()))
        st.page_link(first, label=_("Open {title}", title=_(app.pages[0].title)), query_params={"lang": language()})


def _state_line(part: str, state: str) -> str:
    word, _sep, detail = state.partition(": ")
    if word == "missing":
        advice = f": `{detail.replace('`', '')}`" if detail else ""
        return f":material/radio_button_unchecked: {plain(_(part))} · **{plain(_(word))}**{advice}"
    said = f" · {plain(_(detail))}" if detail else ""
    return f":material/check_circle: {plain(_(part))} · {plain(_(word))}{said}"
