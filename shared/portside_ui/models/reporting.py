"""How good a version is, and whether another one is better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import streamlit as st

from portside.apps import load
from portside.data.columns import Columns
from portside.errors import PortsideError
from portside.evaluation.report.parts import Report, Section
from portside.registry import ModelVersion
from portside.settings import Settings
from portside.tasks.spec import find_task
from portside_ui.frame import empty_state, error_state, section, working
from portside_ui.models.drawing import draw_section
from portside_ui.models.uploads import TABLES, keep_upload
from portside_ui.runtime import Runtime
from portside_ui.why import plain
from portside_ui.words import _

__all__ = ["comparison_part", "report_part"]

KEEPS_ROWS = "classification"
"""The task whose versions keep rows aside; reports on others are made from a file."""


def report_part(runtime: Runtime, version: ModelVersion) -> None:
    """Draw the report on ``version``: on the rows kept aside, or on a file that the user gives."""
    keeps = version.card.get("task") == KEEPS_ROWS
    if not keeps:
        _card_figures(version)
    optional = _("Measure on other labelled rows (optional)")
    asked = optional if keeps else _("Labelled rows to make a report from")
    given = st.file_uploader(asked, type=TABLES, key="models-report-file")
    if given is None and not keeps:
        return
    try:
        with working(_("Making the report")):
            if given is None:
                report = _on_held_out(str(version.folder), version)
            else:
                path = keep_upload(runtime.settings.uploads_dir, given.name, given.getvalue())
                report = _on_file(str(version.folder), str(path), version, runtime.settings.threads)
    except PortsideError as error:
        error_state(error)
        return
    _downloads(report, version)
    for part in report.sections:
        draw_section(part, "models-report")
    if keeps:
        _behaviour(runtime, version)


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
    number = st.selectbox(
        _("Compare with version"), [one.version for one in sorted(others, key=lambda one: -one.version)],
        key="models-compare-version",
    )  # fmt: skip
    other = next(one for one in others if one.version == number)
    optional = _("Compare on other labelled rows (optional)")
    asked = optional if task == KEEPS_ROWS else _("Labelled rows to compare the two on")
    given = st.file_uploader(asked, type=TABLES, key="models-compare-file")
    if given is None and task != KEEPS_ROWS:
        return
    threads = runtime.settings.threads
    try:
        with working(_("Comparing")):
            if given is None:
                compared = _compared(str(version.folder), str(other.folder), version, other, threads)
            else:
                path = keep_upload(runtime.settings.uploads_dir, given.name, given.getvalue())
                pair = (str(version.folder), str(other.folder))
                compared = _compared_on_file(pair, str(path), version, other, threads)
    except PortsideError as error:
        error_state(error)
        return
    draw_section(compared, "models-compare")


# Versions never change: their folders name what was computed of them.
@st.cache_data(show_spinner=False, max_entries=8)
def _on_held_out(folder: str, _version: ModelVersion) -> Report:
    from portside.evaluation.report.build import report_on_held_out

    return report_on_held_out(_version)


@st.cache_data(show_spinner=False, max_entries=8)
def _on_file(folder: str, path: str, _version: ModelVersion, _threads: int) -> Report:
    return _measured(Path(path), _version, None, _threads)


@st.cache_data(show_spinner=False, max_entries=8)
def _compared(folder: str, other: str, _version: ModelVersion, _other: ModelVersion, _threads: int) -> Section:
    from portside.evaluation.report.pairing import compare_held_out
    from portside.inference.classifier import load_classifier

    return compare_held_out(_version, _other, lambda: load_classifier(_other, threads=_threads))


@st.cache_data(show_spinner=False, max_entries=8)
def _compared_on_file(
    folders: tuple[str, str], path: str, _version: ModelVersion, _other: ModelVersion, _threads: int
) -> Section:
    report = _measured(Path(path), _version, _other, _threads)
    return replace(report.sections[0], warnings=report.warnings)


def _measured(path: Path, version: ModelVersion, against: ModelVersion | None, threads: int) -> Report:
    task = find_task(str(version.card.get("task")))
    made: Report = load(task.report)(
        version, load(task.read)(path, Columns(), test=True), against=against, threads=threads
    )
    return made


def _behaviour(runtime: Runtime, version: ModelVersion) -> None:
    """Suites of small changes, on request: the network is asked about a few thousand texts."""
    key = f"models-behaviour-{version.ref}"
    if st.button(_("Try typos, negation and other names"), key="models-behaviour", icon=":material/science:"):
        st.session_state[key] = True
    if st.session_state.get(key):
        with working(_("Trying small changes")):
            found = _tried(str(version.folder), version, runtime.settings)
        draw_section(found, "models-behaviour")


@st.cache_data(show_spinner=False, max_entries=8)
def _tried(folder: str, _version: ModelVersion, _settings: Settings) -> Section:
    from portside.evaluation.report.behaviour import tried_on
    from portside.evaluation.report.build import scored_held_out
    from portside.inference.classifier import load_classifier

    scored, _by_model = scored_held_out(_version)
    return tried_on(load_classifier(_version, threads=_settings.threads), scored.texts, _settings.suites_dir)


def _downloads(report: Report, version: ModelVersion) -> None:
    import json

    from portside.evaluation.report.page import render

    name = f"{version.name}-{version.version}"
    with st.container(horizontal=True):
        st.download_button(
            _("Report as a page"), render(report), file_name=f"{name}.html", mime="text/html",
            key="models-report-html", icon=":material/download:",
        )  # fmt: skip
        st.download_button(
            _("Report as JSON"), json.dumps(report.to_dict(), ensure_ascii=False, indent=2), file_name=f"{name}.json",
            mime="application/json", key="models-report-json",
        )  # fmt: skip


def _card_figures(version: ModelVersion) -> None:
    section(_("What its validation measured"))
    st.markdown(plain(str(version.card.get("summary", ""))))
    found = {name: value for name, value in version.validation.items() if isinstance(value, int | float)}
    if found:
        table = pd.DataFrame({_("Figure"): list(found), _("Value"): list(found.values())})
        st.dataframe(table, width="stretch", hide_index=True, key="models-card-figures")
