"""Is the machinery well? Apps, background work, storage."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from portside import __version__
from portside.apps import load
from portside.inference.shared import shared_models
from portside_ui.frame import empty_state, page_header, section
from portside_ui.runtime import Runtime
from portside_ui.words import _, job_words, moment, number, percent, state_words

__all__ = ["render"]

JOBS_SHOWN = 50


def render(runtime: Runtime) -> None:
    """Draw health, the latest jobs, and where things are kept."""
    page_header(_("System"), _("Is every part of the suite at work, and what did it do lately?"))
    section(_("Health"))
    rows = [
        {_("App"): _(app.title), _("Part"): _(part), _("State"): state_words(state)}
        for app in runtime.apps
        for part, state in load(app.health)(runtime.settings).items()
    ]
    st.dataframe(pd.DataFrame(rows), width="stretch", hide_index=True, key="system-health")
    _models_at_work()
    section(_("Background work"))
    jobs = runtime.jobs.recent(limit=JOBS_SHOWN)
    if not jobs:
        empty_state(
            _("No background work yet"), _("Training, imports and feed polling show up here."), key="system-no-jobs"
        )
    else:
        table = pd.DataFrame(
            {
                _("Started"): moment(job.created_at),
                _("Work"): job_words(job.kind),
                _("State"): _(job.state),
                _("By"): job.actor,
                _("Message"): job.error or job.message,
            }
            for job in jobs
        )
        st.dataframe(table, width="stretch", hide_index=True, key="system-jobs")
    section(_("Where things are kept"))
    database = runtime.database.engine.url.render_as_string(hide_password=True)
    kept = {_("Version"): __version__, _("Home folder"): str(runtime.settings.home.resolve()), _("Database"): database}
    st.dataframe(
        pd.DataFrame({_("What"): kept.keys(), _("Where"): kept.values()}),
        hide_index=True,
        width="stretch",
        key="sys-kept",
    )


def _models_at_work() -> None:
    """What visitors have asked of the models since this process started; nothing where nobody has yet."""
    rows = []
    for one in shared_models():
        repeats = one.repeats
        asked = repeats.hits + repeats.misses
        if asked:
            rows.append(
                {
                    _("Model"): _(one.name),
                    _("Texts asked"): number(asked),
                    _("Answered from memory"): percent(repeats.hits / asked),
                    _("Waiting now"): number(one.waiting),
                }
            )
    if rows:
        section(_("Models at work"))
        st.dataframe(pd.DataFrame(rows), width="stretch", hide_index=True, key="system-models")
