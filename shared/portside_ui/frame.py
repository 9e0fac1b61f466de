"""The frame every page shares: header, filter bar, key figures, and the designed empty and error states."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from portside.errors import PortsideError
from portside.said import Said, in_words
from portside_ui.why import plain
from portside_ui.words import _, language

__all__ = ["KeyFigure", "empty_state", "error_state", "filter_bar", "incident_state", "key_figures", "page_header"]
__all__ += ["section", "working"]

MAX_KEY_FIGURES = 4


@dataclass(frozen=True)
class KeyFigure:
    """One figure with its comparison. ``good`` says which direction of ``delta`` is welcome."""

    label: str
    value: str
    delta: str | None = None
    good: Literal["up", "down"] | None = None
    trend: Sequence[float] = ()
    help: str | None = None
    doubt: str | None = None
    """Its interval, in place of ``delta``: shown below the value without an arrow."""


def page_header(title: str, question: str) -> None:
    """The page's title and the question that it answers, both already translated."""
    st.title(title, anchor=False)
    st.caption(question)


def section(title: str, note: str = "") -> None:
    """A part of a page."""
    st.subheader(title, anchor=False)
    if note:
        st.caption(note)


@contextmanager
def filter_bar() -> Iterator[None]:
    """One horizontal bar for the filters of a page; on a phone they stand below each other."""
    with st.container(border=True, horizontal=True, vertical_alignment="bottom", gap="small"):
        yield


def key_figures(figures: Sequence[KeyFigure]) -> None:
    """At most four figures in a row; on a phone they wrap.

    Raises:
        ValueError: more than four, which nobody reads.
    """
    if len(figures) > MAX_KEY_FIGURES:
        raise ValueError(f"a page shows at most {MAX_KEY_FIGURES} key figures, got {len(figures)}")
    colours: dict[str | None, Literal["normal", "inverse", "off"]] = {"up": "normal", "down": "inverse", None: "off"}
    with st.grid(len(figures) or 1, min_column_width=190):
        for figure in figures:
            st.metric(
                figure.label,
                figure.value,
                delta=figure.delta if figure.doubt is None else figure.doubt,
                delta_color=colours[figure.good],
                delta_arrow="auto" if figure.doubt is None else "off",
                help=figure.help,
                border=True,
                height="stretch",
                chart_data=list(figure.trend) if len(figure.trend) > 1 else None,
                chart_type="area",
            )


def empty_state(title: str, body: str, *, action: str | None = None, key: str) -> bool:
    """Say what will be here and offer the button that fills it. True when the button was pressed."""
    with st.container(border=True):
        st.markdown(f"**:material/inbox: {title}**")
        st.caption(body)
        return action is not None and st.button(action, key=key, type="primary")


def error_state(error: PortsideError) -> None:
    """An expected error as a calm message: the rule, what was seen, what to do."""
    lines = [f"**{plain(in_words(error.rule, _).rstrip('.'))}.**"]
    if error.seen:
        # What was seen is the user's own, a file's name or a cell, unless it is a sentence of ours.
        seen = in_words(error.seen, _) if isinstance(error.seen, Said) else error.seen
        lines.append(_("Seen: {seen}", seen=plain(seen)))
    if error.remedy:
        lines.append(_("What to do: {remedy}", remedy=plain(in_words(error.remedy, _))))
    st.warning("  \n".join(lines), icon=":material/info:")


def incident_state(incident: str) -> None:
    """A defect: the user gets an id under which the log holds the details."""
    st.error(
        _("Something went wrong on our side. Nothing was lost. Incident {incident} is in the log.", incident=incident),
        icon=":material/error:",
    )


@contextmanager
def working(message: str) -> Iterator[None]:
    """Say what is being done while it takes longer than a moment."""
    # How long it takes already is written by Streamlit itself, in English.
    with st.spinner(message, show_time=language() == "en"):
        yield
