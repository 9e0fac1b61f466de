"""Long work on a page: start it, watch it, stop it, start it again. Its state lives in the database, not the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from portside.errors import PortsideError
from portside.jobs import Job
from portside.said import in_words
from portside_ui.frame import error_state
from portside_ui.runtime import current
from portside_ui.why import plain
from portside_ui.words import _, job_words, moment

__all__ = ["job_panel", "start_job"]

REFRESH_SECONDS = 2.0
RECENT_JOBS = 3
ACTIVE = frozenset({"queued", "running"})


def start_job(kind: str, params: Mapping[str, Any], *, label: str, key: str, disabled: bool = False) -> None:
    """A button that starts a job of ``kind`` and draws the page anew, so that its panel shows the job."""
    if not st.button(label, key=key, type="primary", disabled=disabled):
        return
    try:
        current().jobs.submit(kind, dict(params), actor=_actor())
    except PortsideError as error:
        error_state(error)
        return
    st.toast(_("Started. You can leave this page; the work goes on."))
    st.rerun()


def job_panel(kinds: Sequence[str], key: str) -> None:
    """The latest jobs of these kinds with their true state; refreshes itself while one is at work."""
    jobs = current().jobs.recent(kinds=kinds, limit=RECENT_JOBS)
    if not jobs:
        return
    busy = any(job.state in ACTIVE for job in jobs)

    @st.fragment(run_every=REFRESH_SECONDS if busy else None)
    def panel() -> None:
        latest = current().jobs.recent(kinds=kinds, limit=RECENT_JOBS)
        for job in latest:
            _draw(job, f"{key}-{job.id}")
        if busy and not any(job.state in ACTIVE for job in latest):
            st.rerun(scope="app")  # the page's figures may have changed with the work that just ended

    panel()


def _draw(job: Job, key: str) -> None:
    words = {
        "queued": (_("Waiting for its turn"), ":material/hourglass_empty:"),
        "running": (_("At work"), ":material/progress_activity:"),
        "succeeded": (_("Done"), ":material/check_circle:"),
        "failed": (_("Failed"), ":material/error:"),
        "cancelled": (_("Stopped"), ":material/cancel:"),
    }
    word, icon = words[job.state]
    with st.container(border=True):
        st.markdown(f"{icon} **{word}** · {plain(job_words(job.kind))} · {moment(job.created_at)}")
        if job.state in ACTIVE:
            share = min(max(job.done / job.total, 0.0), 1.0) if job.total else 0.0
            st.progress(share, text=plain(in_words(job.message, _) or _("Starting")))
            if st.button(_("Stop"), key=f"{key}-stop"):
                current().jobs.cancel(job.id)
                st.rerun(scope="app")
            return
        if job.error:
            st.markdown(plain(in_words(job.error, _)))
        if job.result and job.result.get("summary"):
            st.markdown(plain(in_words(job.result["summary"], _)))
        if job.log_tail:
            with st.expander(_("Last lines of its log")):
                st.code("\n".join(job.log_tail), language=None)
        if job.state in {"failed", "cancelled"} and st.button(_("Start again"), key=f"{key}-retry"):
            current().jobs.retry(job.id)
            st.rerun(scope="app")


def _actor() -> str:
    from portside.registry.actor import current_actor

    return current_actor(current().settings)
