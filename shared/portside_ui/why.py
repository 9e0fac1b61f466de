"""The why card: a decision, its reason in one sentence, the evidence, the model version, and a way to correct it."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from portside_ui.words import _

__all__ = ["Evidence", "plain", "why_card"]


@dataclass(frozen=True)
class Evidence:
    """One thing the decision rests on. All parts are shown as text, never as markup."""

    title: str
    text: str = ""
    link: str | None = None
    note: str | None = None


def why_card(
    *,
    decision: str,
    reason: str,
    evidence: Sequence[Evidence] = (),
    model: str | None = None,
    key: str,
    correct: Callable[[], None] | None = None,
    correct_label: str | None = None,
) -> None:
    """Draw the card. ``correct`` is called when the user presses the button that says the decision is wrong."""
    with st.container(border=True, key=f"why-{key}"):
        st.markdown(f"**{plain(decision)}**")
        st.markdown(plain(reason))
        for item in evidence:
            title = f"[{plain(item.title)}]({item.link})" if _is_safe_link(item.link) else f"**{plain(item.title)}**"
            note = f" · {plain(item.note)}" if item.note else ""
            text = f"  \n{plain(item.text)}" if item.text else ""
            st.markdown(f"- {title}{note}{text}")
        if model:
            st.caption(_("Decided by {model}", model=model))
        if correct is not None:
            st.button(correct_label or _("This is wrong"), key=f"why-{key}-correct", on_click=correct)


def plain(text: str) -> str:
    """``text`` so that Markdown shows it letter by letter: no markup, link, image or formula in it comes alive."""
    escaped = html.escape(text, quote=False)
    for sign in "\\`*_{}[]()#+-!|~$:":
        escaped = escaped.replace(sign, "\\" + sign)
    return escaped.replace("\r", " ").replace("\n", " ")


def _is_safe_link(link: str | None) -> bool:
    return link is not None and link.startswith(("https://", "http://", "/")) and not set(link) & set(' ()<>"')
