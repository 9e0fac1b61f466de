"""Whether the user has been elsewhere since: each change of page, or of a page's part, begins another visit."""

from __future__ import annotations

import streamlit as st

__all__ = ["begin_visit", "visit"]

PLACES, COUNT = "visit-places", "visit-count"
"""In the session: where the user is on each level, and how many visits there were."""


def begin_visit(level: str, place: str) -> None:
    """Tell where the user is on a ``level`` (the page, a page's part); the same place again is the same visit."""
    places = st.session_state.setdefault(PLACES, {})
    if places.get(level) != place:
        places[level] = place
        st.session_state[COUNT] = visit() + 1


def visit() -> int:
    """The number of the present visit."""
    return int(st.session_state.get(COUNT, 0))
