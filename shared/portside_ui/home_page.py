"""The first page: what the suite offers, what is ready, and what is missing."""

from __future__ import annotations

import streamlit as st

from portside.apps import AppSpec, load
from portside_ui.frame import page_header
from portside_ui.runtime import Runtime
from portside_ui.why import plain
from portside_ui.words import _

__all__ = ["render"]


def render(runtime: Runtime) -> None:
    """Draw one card for each app, with its state and a link to its first page."""
    page_header("Portside", _("Which of your text apps are ready, and what does each still need?"))
    with st.container(horizontal=True, gap="medium"):
        for app in runtime.apps:
            _card(app, runtime)


def _card(app: AppSpec, runtime: Runtime) -> None:
    health: dict[str, str] = load(app.health)(runtime.settings)
    with st.container(border=True, width=340):
        st.subheader(f"{app.icon} {_(app.title)}", anchor=False)
        st.markdown(plain(_(app.summary)))
        for what, state in health.items():
            ready = not state.startswith("missing")
            icon = ":material/check_circle:" if ready else ":material/radio_button_unchecked:"
            st.markdown(f"{icon} {plain(_(what))}: {plain(_(state))}")
        for page in app.pages[:1]:
            st.link_button(_("Open {title}", title=_(page.title)), f"/{app.name}-{page.slug}", icon=page.icon)
