"""Which shares of wrong answers a report tries to promise: chosen under its promises, known before it is made."""

from __future__ import annotations

import streamlit as st

from portside.evaluation.risk import RISKS
from portside_ui.words import _

__all__ = ["chosen_shares", "shares_part"]

KEY = "models-risks"
PERCENTS = (1, 2, 3, 5, 7, 10, 15, 20)
"""Those that can be chosen; the command takes any: ``portside report --risk``."""
USUAL = tuple(round(100 * share) for share in RISKS)


def chosen_shares() -> tuple[float, ...]:
    """The shares that were chosen, the lowest first; the usual ones where none were."""
    chosen = st.session_state.get(KEY) or USUAL
    return tuple(percent / 100 for percent in sorted(chosen))


def shares_part() -> None:
    """Draw the choice. Of a file every row is asked about anew for it, so it counts when its button is pressed."""
    with st.form("models-risks-form", border=False):
        st.pills(
            _("Promise at most so many wrong answers"),
            PERCENTS,
            selection_mode="multi",
            default=USUAL,
            format_func=lambda percent: f"{percent} %",
            key=KEY,
        )
        st.form_submit_button(_("Try these"), key="models-risks-try")
