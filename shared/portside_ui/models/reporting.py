"""How good a version is, and whether another one is better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
import streamlit as st

from portside.data.columns import Columns
from portside.errors import PortsideError
from portside.evaluation.report.making import Asked, behaviour_of, can_be_tried, explanations_of, keeps_rows, report_of
from portside.evaluation.report.parts import Report, Section
from portside.inference.folder import task_of
from portside.registry import ModelVersion
from portside.said import in_words
from portside.settings import Settings
from portside_ui.frame import empty_state, error_state, section, working
from portside_ui.models.column_choice import columns_part
from portside_ui.models.drawing import draw_section
from portside_ui.models.uploads import TABLES, keep_upload
from portside_ui.runtime import Runtime
from portside_ui.uploader import file_upload
from portside_ui.why import plain
from portside_ui.words import HTML_LANGUAGES, _, language

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

__all__ = ["comparison_part", "report_part"]


def report_part(runtime: Runtime, version: ModelVersion) -> None:
    """Draw the report on ``version``: on the rows kept aside, or on a file that the user gives."""
    keeps = keeps_rows(version)
    if not keeps:
        _card_figures(version)
        st.caption(_("This version keeps no rows to be measured on: give some that it has not learned from."))
    optional = _("Measure on other labelled rows (optional)")
    given = file_upload(
        optional if keeps else _("Labelled rows to make a report from"), TABLES, key="models-report-file"
    )
    if given is None and not keeps:
        return
    try:
        rows = _rows_given(runtime, given, version, "models-report")
        with working(_("Making the report")):
            report = _reported(str(version.folder), rows, version, runtime.settings.threads)
        _downloads(report, version)
        for part in report.sections:
            draw_section(part, "models-report")
        if can_be_tried(version):
            _on_request(runtime, version, rows)
    except PortsideError as error:
        error_state(error)


def comparison_part(runtime: Runtime, version: ModelVersion, versions: Sequence[ModelVersion]) -> None:
    """Draw ``version`` against another one of the same model, side by side."""
    task = version.card.get("task")
    others = [one for one in versions if one.version != version.version and one.card.get("task") == task]
    if not others:
        empty_state(
            _("Nothing to compare with"),
            _("Train this model again, with more rows or more time, and compare the two here."),
            key="models-compare-empty",
        )
        return
    chosen = st.selectbox(
        _("Compare with version"), [one.version for one in sorted(others, key=lambda one: -one.version)],
        key="models-compare-version",
    )  # fmt: skip
    other = next(one for one in others if one.version == chosen)
    keeps = keeps_rows(version)
    optional = _("Compare on other labelled rows (optional)")
    given = file_upload(
        optional if keeps else _("Labelled rows to compare the two on"), TABLES, key="models-compare-file"
    )
    if given is None and not keeps:
        return
    try:
        rows = _rows_given(runtime, given, version, "models-compare")
        with working(_("Comparing")):
            folders = (str(version.folder), str(other.folder))
            compared = _compared(folders, rows, version, other, runtime.settings.threads)
    except PortsideError as error:
        error_state(error)
        return
    draw_section(compared, "models-compare")


class _Rows(NamedTuple):
    """The rows that a version is measured on: those of a file, or, without path, those that it keeps."""

    path: str
    columns: Columns


def _rows_given(runtime: Runtime, given: UploadedFile | None, version: ModelVersion, key: str) -> _Rows:
    """Keep the file, if one was given, and let the user name its columns."""
    if given is None:
        return _Rows("", Columns())
    path = keep_upload(runtime.settings.uploads_dir, given.name, given.getvalue())
    return _Rows(str(path), columns_part(path, task_of(version.folder), key))


# Versions never change, and a file's path holds its content's hash: both name what was computed of them.
@st.cache_data(show_spinner=False, max_entries=8)
def _reported(folder: str, rows: _Rows, _version: ModelVersion, _threads: int) -> Report:
    return report_of(_asked(_version, rows), threads=_threads)


@st.cache_data(show_spinner=False, max_entries=8)
def _compared(
    folders: tuple[str, str], rows: _Rows, _version: ModelVersion, _other: ModelVersion, _threads: int
) -> Section:
    report = report_of(_asked(_version, rows), against=_other, threads=_threads)
    return replace(report.sections[0], warnings=report.warnings)


def _asked(version: ModelVersion, rows: _Rows) -> Asked:
    return Asked(version, Path(rows.path) if rows.path else None, rows.columns)


def _on_request(runtime: Runtime, version: ModelVersion, rows: _Rows) -> None:
    """Words and small changes, each when its button is pressed: the network is asked about a few thousand texts."""
    if _wanted(_("Explain some of its answers"), "models-explained", version, rows, ":material/lightbulb:"):
        with working(_("Leaving words out")):
            explained = _explained(str(version.folder), rows, version, runtime.settings)
        if explained is None:
            st.caption(_("None of the texts has two words: there is nothing to leave out."))
        else:
            draw_section(explained, "models-explained")
    if _wanted(_("Try typos, negation and other names"), "models-behaviour", version, rows, ":material/science:"):
        with working(_("Trying small changes")):
            found = _tried(str(version.folder), rows, version, runtime.settings)
        draw_section(found, "models-behaviour")


def _wanted(words: str, key: str, version: ModelVersion, rows: _Rows, icon: str) -> bool:
    """Whether the button was pressed, now or before, for these rows of this version."""
    remembered = f"{key}-{version.ref}-{rows.path}-{rows.columns}"
    if st.button(words, key=key, icon=icon):
        st.session_state[remembered] = True
    return bool(st.session_state.get(remembered))


@st.cache_data(show_spinner=False, max_entries=8)
def _explained(folder: str, rows: _Rows, _version: ModelVersion, _settings: Settings) -> Section | None:
    return explanations_of(_asked(_version, rows), _settings)


@st.cache_data(show_spinner=False, max_entries=8)
def _tried(folder: str, rows: _Rows, _version: ModelVersion, _settings: Settings) -> Section:
    return behaviour_of(_asked(_version, rows), _settings)


def _downloads(report: Report, version: ModelVersion) -> None:
    import json

    from portside.evaluation.report.page import render

    name = f"{version.name}-{version.version}"
    page = render(report, language=HTML_LANGUAGES.get(language(), "en"), translate=_)
    with st.container(horizontal=True):
        st.download_button(
            _("Report as a page"), page, file_name=f"{name}.html", mime="text/html",
            key="models-report-html", icon=":material/download:",
        )  # fmt: skip
        st.download_button(
            _("Report as JSON"), json.dumps(report.to_dict(), ensure_ascii=False, indent=2), file_name=f"{name}.json",
            mime="application/json", key="models-report-json",
        )  # fmt: skip


def _card_figures(version: ModelVersion) -> None:
    section(_("What its validation measured"))
    st.markdown(plain(in_words(version.card.get("summary", ""), _)))
    found = {name: value for name, value in version.validation.items() if isinstance(value, int | float)}
    if found:
        table = pd.DataFrame({_("Figure"): list(found), _("Value"): list(found.values())})
        st.dataframe(table, width="stretch", hide_index=True, key="models-card-figures")
