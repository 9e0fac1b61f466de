"""Which label of a file says that none of the others fits."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from portside.data.outside_label import usual_outside_label
from portside.inference.outside_gate import FEWEST_OUTSIDE
from portside_ui.words import _, number

__all__ = ["outside_part"]


def outside_part(counts: Mapping[str, int]) -> str:
    """Ask which label means that none fits; empty: none does. ``counts`` are the rows of each label."""
    possible = sorted(label for label, rows in counts.items() if rows >= FEWEST_OUTSIDE)
    if len(counts) < 3 or not possible:
        return ""
    guess = usual_outside_label(possible)
    choices = ["", *possible]
    return str(
        st.selectbox(
            _("Which label means that none of the others fits?"),
            choices,
            index=choices.index(guess),
            format_func=lambda one: f"{one} ({number(counts[one])})" if one else _("None: every label is a real one"),
            key="models-outside",
            help=_(
                "Its rows are not learned as a label of their own: from them the model learns how likely it is that a "
                "text is one it cannot answer, and is less sure of such texts."
            ),
        )
    )
