"""Which models serve, which wait, who changed what; promote and roll back."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from portside.registry import ModelVersion
from portside.registry.actor import current_actor
from portside_ui.frame import empty_state, page_header, section
from portside_ui.jobs_panel import job_panel
from portside_ui.runtime import Runtime
from portside_ui.words import _, moment, number, percent

__all__ = ["render"]


def render(runtime: Runtime) -> None:
    """Draw the registry: one model at a time, its versions, its history."""
    page_header(_("Models"), _("Which version of each model serves, how good is it, and who decided so?"))
    names = runtime.registry.names()
    job_panel(["core.train"], "models-jobs")
    if not names:
        empty_state(
            _("No model yet"),
            _("Models appear here when an app is trained: run `portside demo`, or `portside train` on your own file."),
            key="models-empty",
        )
        return
    name = st.selectbox(_("Model"), names, key="models-name", bind="query-params")
    versions = runtime.registry.versions(name)
    aliases = runtime.registry.aliases(name)
    section(_("Versions"))
    st.dataframe(_table(versions, aliases), width="stretch", hide_index=True, key="models-versions")
    _actions(runtime, name, versions, aliases)
    section(_("History"))
    events = reversed(runtime.registry.history(name))
    rows = [
        {
            _("When"): moment(event.at),
            _("Who"): event.actor,
            _("What"): _(event.action),
            _("Version"): event.version,
            _("Why"): event.reason,
        }
        for event in events
    ]
    st.dataframe(pd.DataFrame(rows), width="stretch", hide_index=True, key="models-history")


def _table(versions: list[ModelVersion], aliases: dict[str, int]) -> pd.DataFrame:
    rows = []
    for version in sorted(versions, key=lambda each: -each.version):
        valid = version.validation
        accuracy = valid.get("accuracy")
        rows.append(
            {
                _("Version"): version.version,
                _("Serves as"): ", ".join(alias for alias, number in aliases.items() if number == version.version),
                _("Task"): version.card.get("task", ""),
                _("Accuracy on held-out rows"): percent(accuracy) if accuracy is not None else "–",
                _("Held-out rows"): number(valid["n"]) if "n" in valid else "–",
                _("What it does"): version.card.get("summary", ""),
                _("Trained"): str(version.card.get("created_at", ""))[:16].replace("T", " "),
            }
        )
    return pd.DataFrame(rows)


def _actions(runtime: Runtime, name: str, versions: list[ModelVersion], aliases: dict[str, int]) -> None:
    actor = current_actor(runtime.settings)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        others = [each.version for each in versions if each.version != aliases.get("champion")]
        chosen = st.selectbox(_("Version to serve"), others, key="models-promote-version", disabled=not others)
        reason = st.text_input(_("Reason"), key="models-reason")
        if st.button(_("Promote"), key="models-promote", disabled=chosen is None) and chosen is not None:
            runtime.registry.promote(name, chosen, actor=actor, reason=reason)
            st.rerun()
        if st.button(_("Roll back"), key="models-rollback"):
            runtime.registry.rollback(name, actor=actor, reason=reason)
            st.rerun()
