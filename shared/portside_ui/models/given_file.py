"""A file that the user gives stays chosen, with what was chosen of it, until it is taken away or the session ends.

Streamlit forgets what was given in a widget as soon as a run does not draw it: when another part or page is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import streamlit as st

from portside_ui.models.uploads import TABLES, keep_upload
from portside_ui.uploader import file_upload
from portside_ui.visits import visit
from portside_ui.why import plain
from portside_ui.words import _

__all__ = ["Given", "forget_file", "given_file", "keep_choice"]


@dataclass(frozen=True)
class Given:
    """A file as the user knows it, and where it is kept."""

    name: str
    path: Path


def given_file(folder: Path, label: str, *, key: str) -> Given | None:
    """Draw the upload of one file, kept in ``folder``: the one given now or earlier in this session, None without one.

    Raises:
        UsageError: it cannot be kept.
    """
    uploaded = file_upload(label, TABLES, key=_widget(key))
    if uploaded is not None:
        # The session remembers where the file is, not its content, which may be large.
        given = Given(uploaded.name, keep_upload(folder, uploaded.name, uploaded.getvalue()))
        st.session_state[_kept(key)] = given
        st.session_state[_held(key)] = visit()
        return given
    if st.session_state.get(_held(key)) == visit():
        forget_file(key)  # the upload held it a moment ago: the user took it out
    earlier: Given | None = st.session_state.get(_kept(key))
    if earlier is None or not earlier.path.is_file():
        return None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(_("{file} is still chosen. A new file takes its place.", file=plain(earlier.name)))
        st.button(
            _("Take this file away"), key=f"{key}-away", icon=":material/close:", on_click=partial(forget_file, key)
        )
    return earlier


def forget_file(key: str) -> None:
    """No file is chosen under ``key`` any more."""
    st.session_state.pop(_kept(key), None)
    st.session_state.pop(_held(key), None)


def keep_choice(widget: str, options: Sequence[str], *, of: str) -> None:
    """Before a choice is drawn: what was chosen for ``of`` when it was last drawn, if it is among the ``options``."""
    chosen = f"{widget}-for-{of}"
    if widget in st.session_state:
        st.session_state[chosen] = st.session_state[widget]
    elif st.session_state.get(chosen) in options:
        st.session_state[widget] = st.session_state[chosen]


def _kept(key: str) -> str:
    return f"{key}-given"


def _held(key: str) -> str:
    """The visit in which the upload itself held the file."""
    return f"{key}-held"


def _widget(key: str) -> str:
    """The upload's own name, another one after each absence.

    One that comes back under the same name before its absence was drawn to the end tells Streamlit that it has lost its
    file, as if the user had taken it out.
    """
    last, times = st.session_state.get(f"{key}-drawn", (visit(), 0))
    times += last != visit()
    st.session_state[f"{key}-drawn"] = (visit(), times)
    return f"{key}-{times}" if times else key
