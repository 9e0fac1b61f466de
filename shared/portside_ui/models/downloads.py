"""A report to take along: as a page that opens offline, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Hashable

import streamlit as st

from portside.evaluation.report.parts import Report
from portside.registry import ModelVersion
from portside_ui.words import HTML_LANGUAGES, _, catalogue, language

__all__ = ["downloads_part"]


def downloads_part(report: Report, version: ModelVersion, made_of: Hashable, *, lacks: bool) -> None:
    """Draw the buttons for ``report``, which ``made_of`` names.

    ``lacks``: explanations and small changes can be asked for, and were not.
    """
    name = f"{version.name}-{version.version}"
    page, figures = _written(made_of, language(), report)
    with st.container(horizontal=True):
        st.download_button(
            _("Report as a page"), page, file_name=f"{name}.html", mime="text/html",
            key="models-report-html", icon=":material/download:",
        )  # fmt: skip
        st.download_button(
            _("Report as JSON"), figures, file_name=f"{name}.json", mime="application/json", key="models-report-json"
        )
    if lacks:
        st.caption(_("They hold explanations and small changes once you have asked for them below."))


@st.cache_data(show_spinner=False, max_entries=8)
def _written(made_of: Hashable, code: str, _report: Report) -> tuple[str, str]:
    """As a page in the language ``code``, and as JSON."""
    from portside.evaluation.report.page import render

    page = render(_report, language=HTML_LANGUAGES[code], translate=catalogue(code).gettext)
    return page, json.dumps(_report.to_dict(), ensure_ascii=False, indent=2)
