"""Bring headlines, companies and labelled examples in, and choose which feeds are watched."""

from __future__ import annotations

import streamlit as st

from portside.errors import PortsideError
from portside_finance.service import FinanceService
from portside_finance.ui.alerts_page import draw_feeds
from portside_ui.frame import KeyFigure, error_state, key_figures, page_header, section
from portside_ui.jobs_panel import job_panel, start_job
from portside_ui.uploader import file_upload
from portside_ui.words import _, number

__all__ = ["render"]

_JOBS = ["finance.ingest", "finance.poll", "finance.score", "finance.train", "finance.samples"]
_TABLES = ["csv", "tsv", "jsonl", "gz", "xml"]


def render(service: FinanceService) -> None:
    """Draw the page."""
    page_header(_("Sources"), _("Where do headlines come from, and what do the models learn from?"))
    totals = service.totals()
    key_figures(
        [
            KeyFigure(_("Headlines"), number(totals["headlines"])),
            KeyFigure(_("Companies"), number(totals["companies"])),
            KeyFigure(_("Feeds"), number(totals["feeds"])),
            KeyFigure(_("Corrections"), number(totals["corrections"]), help=_("Learned at the next training.")),
        ]
    )
    job_panel(_JOBS, key="finance-sources-jobs")
    _files(service, empty=totals["headlines"] == 0)
    _feeds(service)
    _companies(service)
    _training(service)


def _files(service: FinanceService, *, empty: bool) -> None:
    section(_("Files"), _("CSV, TSV or JSON lines with headline and time; source and link where there are any."))
    path = _upload(service, _("A file of headlines"), "finance-sources-file")
    with st.container(horizontal=True):
        start_job(
            kind="finance.ingest",
            params={"path": path},
            label=_("Import this file"),
            key="finance-sources-import",
            disabled=not path,
        )
        if empty:
            start_job(kind="finance.samples", params={}, label=_("Import the samples"), key="finance-sources-samples")


def _feeds(service: FinanceService) -> None:
    section(_("Feeds"), _("RSS and Atom feeds on the public internet."))
    with st.form("finance-sources-feed", border=False, clear_on_submit=True):
        url = st.text_input(_("Address of a feed"), max_chars=1000, key="finance-sources-url")
        if st.form_submit_button(_("Watch this feed")) and url:
            try:
                service.add_feed(url)
            except PortsideError as error:
                error_state(error)
    feeds = service.feeds()
    draw_feeds(feeds, "finance-sources")
    if not feeds:
        return
    start_job(
        kind="finance.poll", params={"everything": True}, label=_("Read the feeds now"), key="finance-sources-poll"
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        titles = {feed.id: feed.title or feed.url for feed, _state in feeds}
        chosen = st.selectbox(
            _("Feed"), list(titles), index=None, format_func=titles.__getitem__, key="finance-sources-chosen"
        )
        if st.button(_("Stop watching"), key="finance-sources-remove", disabled=chosen is None) and chosen is not None:
            service.remove_feed(chosen)
            st.rerun()


def _companies(service: FinanceService) -> None:
    section(_("Companies"), _("A CSV with ticker, name, aliases (separated by |) and sector. It replaces the list."))
    path = _upload(service, _("A list of companies"), "finance-sources-companies")
    start_job(
        kind="finance.ingest",
        params={"path": path, "companies": True},
        label=_("Take over this list"),
        key="finance-sources-companies-import",
        disabled=not path,
    )


def _training(service: FinanceService) -> None:
    section(
        _("Training"), _("Labelled headlines: a text column and a sentiment or topic column. Corrections are added.")
    )
    sentiment = _upload(service, _("Headlines with sentiment"), "finance-sources-sentiment")
    topics = _upload(service, _("Headlines with topic"), "finance-sources-topics")
    start_job(
        kind="finance.train",
        params={"sentiment": sentiment, "topics": topics},
        label=_("Train"),
        key="finance-sources-train",
        disabled=not (sentiment or topics),
    )


def _upload(service: FinanceService, label: str, key: str) -> str:
    given = file_upload(label, _TABLES, key=key)
    return str(service.keep_upload(given.name, given.getvalue())) if given is not None else ""
