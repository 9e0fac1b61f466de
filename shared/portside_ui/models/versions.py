"""Which versions a model has, which one serves, who decided so; promote and roll back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from portside.errors import PortsideError
from portside.registry import ModelVersion
from portside.registry.actor import current_actor
from portside.said import Said, in_words
from portside_ui.frame import error_state, section
from portside_ui.models.speed import speed_part
from portside_ui.runtime import Runtime
from portside_ui.words import _, moment, number, percent

__all__ = ["versions_part"]

REFRESH_SECONDS = 2.0
SEEN = "models-seen"
"""In the session: the model that was drawn last and its version that served."""
REFUSED = "models-refused"
"""In the session: why the last button that was pressed did nothing, and about which model."""


def versions_part(runtime: Runtime, name: str, versions: Sequence[ModelVersion]) -> None:
    """Draw the versions of one model, the buttons that change which one serves, and the history."""
    stamp = runtime.registry.alias_stamp(name)  # first: what changes while the page is drawn is noticed
    aliases = runtime.registry.aliases(name)
    section(_("Versions"))
    st.dataframe(_table(versions, aliases), width="stretch", hide_index=True, key="models-versions")
    _actions(runtime, name, versions, aliases.get("champion"))
    speed_part(runtime, versions, aliases.get("champion"))
    section(_("History"))
    rows = [
        {
            _("When"): moment(event.at),
            _("Who"): event.actor,
            _("What"): _(event.action),
            _("Version"): event.version,
            _("Serves as"): _(event.alias) if event.alias else "",
            # What a person wrote stays as it was written.
            _("Why"): in_words(event.reason, _) if isinstance(event.reason, Said) else event.reason,
        }
        for event in reversed(runtime.registry.history(name))
    ]
    st.dataframe(pd.DataFrame(rows), width="stretch", hide_index=True, key="models-history")
    _watch(runtime, name, stamp)


def _table(versions: Sequence[ModelVersion], aliases: Mapping[str, int]) -> pd.DataFrame:
    rows = []
    for version in sorted(versions, key=lambda each: -each.version):
        valid = version.validation
        rows.append(
            {
                _("Version"): version.version,
                _("Serves as"): ", ".join(_(alias) for alias, number in aliases.items() if number == version.version),
                _("Task"): _(str(version.card.get("task") or "–")),
                _("On held-out rows"): _headline(valid),
                _("Held-out rows"): number(valid["n"]) if "n" in valid else "–",
                _("What it does"): in_words(version.card.get("summary", ""), _),
                _("Trained"): _when(str(version.card.get("created_at", ""))),
            }
        )
    return pd.DataFrame(rows)


def _headline(valid: Mapping[str, Any]) -> str:
    """The figure by which models of its task are known, with its interval where it has one."""
    names = {"micro_f1": _("micro-F1"), "entity_f1": _("F1 of names"), "ndcg_at_10": "NDCG@10"}
    if "accuracy" in valid:
        share = _("{share} right", share=percent(valid["accuracy"]))
        low, high = valid.get("accuracy_ci95", (None, None))
        return share if low is None else f"{share} ({100 * low:.1f} – {100 * high:.1f})"
    return next((f"{name} {valid[key]:.3f}" for key, name in names.items() if key in valid), "–")


def _when(written: str) -> str:
    try:
        return moment(datetime.fromisoformat(written))
    except ValueError:  # a card that somebody edited
        return written


def _actions(runtime: Runtime, name: str, versions: Sequence[ModelVersion], serving: int | None) -> None:
    """The buttons, and what the user saw when one was pressed: somebody else may have changed the model since."""
    about, seen = st.session_state.get(SEEN, (name, serving))
    wanted = st.session_state.get("models-promote-version")  # before a version that is gone is replaced by another
    st.session_state[SEEN] = (name, serving)
    # The one that serves is among them, so that the choice stays as it is when another one is promoted.
    numbers = sorted((each.version for each in versions), reverse=True)
    usual = next((place for place, version in enumerate(numbers) if version != serving), 0)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            _("Version to serve"), numbers, usual, key="models-promote-version", disabled=numbers == [serving]
        )
        st.text_input(_("Reason"), key="models-reason")
        promote = st.button(_("Promote"), key="models-promote", disabled=chosen == serving, type="primary")
        roll_back = st.button(_("Roll back"), key="models-rollback", disabled=serving is None)
    if not (promote or roll_back):
        _refusal(name, fresh=wanted is None)
        return
    version = chosen if wanted is None else wanted
    try:
        _decide(runtime, about, version if promote else None, seen)
    except PortsideError as error:
        st.session_state[REFUSED] = (about, error)
        st.rerun()
    st.session_state.pop(REFUSED, None)
    if promote and about == name and seen != serving:
        words = _("Meanwhile somebody had made version {other} serve. Now version {version} does.",
                  other=serving, version=version)  # fmt: skip
        st.toast(words)
    st.rerun()


def _refusal(name: str, *, fresh: bool) -> None:
    """Say why nothing was done until something else is: the page may be drawn anew at any moment."""
    about, error = st.session_state.get(REFUSED, (None, None))
    if error is None:
        return
    if fresh or about != name:
        del st.session_state[REFUSED]
        return
    error_state(error)


def _decide(runtime: Runtime, name: str, version: int | None, seen: int | None) -> None:
    """Promote ``version``, whichever served before; without one, roll back from the one that the user saw."""
    actor, reason = current_actor(runtime.settings), st.session_state["models-reason"]
    if version is not None:
        runtime.registry.promote(name, version, actor=actor, reason=reason)
    else:
        runtime.registry.rollback(name, actor=actor, reason=reason, seen=seen)


def _watch(runtime: Runtime, name: str, drawn: tuple[int, ...] | None) -> None:
    """Draw the page anew once somebody else has changed the model."""

    @st.fragment(run_every=REFRESH_SECONDS)
    def watch() -> None:
        if runtime.registry.alias_stamp(name) != drawn:
            st.rerun(scope="app")

    watch()
