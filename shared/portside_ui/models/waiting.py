"""Wait on a page for work that takes a while: what is being done, a bar with how much of it, and then its result."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar, cast

import streamlit as st

from portside.progress import Progress
from portside.said import in_words
from portside_ui.frame import working
from portside_ui.models.works import State, Works
from portside_ui.why import plain
from portside_ui.words import _, number

__all__ = ["bar_words", "waited_for"]

LOOK_SECONDS = 0.2
"""Between two looks at the work: the bar moves five times a second."""

T = TypeVar("T")


def waited_for(key: Hashable, title: str, run: Callable[[Progress], T]) -> T:
    """What ``run`` finds, at once where it was found before; ``key`` names all that goes into it.

    The work has a thread of its own: when the user clicks elsewhere, this run of the page ends at its next look and the
    next run finds the work where it is. In its thread there is no session, so ``run`` must not draw or translate.
    """
    work = _works().join(key, run)
    with working(title):
        place = st.empty()
        while not work.ended(LOOK_SECONDS):
            place.progress(work.state.share, text=bar_words(work.state))
        place.empty()
    return cast(T, work.result())


@st.cache_resource(show_spinner=False)
def _works() -> Works:
    return Works()


def bar_words(state: State) -> str:
    """What stands over the bar."""
    if state.message:
        return plain(in_words(state.message, _))
    if not state.total:
        return _("Starting")
    return _("{done} of {total}", done=number(state.done), total=number(state.total))
