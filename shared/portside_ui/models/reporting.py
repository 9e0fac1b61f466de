"""How good a version is, and whether another one is better."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import streamlit as st

from portside.data.columns import Columns
from portside.errors import PortsideError
from portside.evaluation.report.making import Asked, behaviour_of, can_be_tried, explanations_of, keeps_rows, report_of
from portside.evaluation.report.parts import Report, Section
from portside.inference.folder import task_of
from portside.progress import Progress
from portside.registry import ModelVersion
from portside.said import in_words
from portside_ui.frame import empty_state, error_state, section
from portside_ui.models.column_choice import columns_part
from portside_ui.models.downloads import downloads_part
from portside_ui.models.drawing import draw_section
from portside_ui.models.given_file import Given, given_file
from portside_ui.models.promised_shares import chosen_shares, shares_part
from portside_ui.models.waiting import waited_for
from portside_ui.runtime import Runtime
from portside_ui.why import plain
from portside_ui.words import _

__all__ = ["comparison_part", "report_part"]

PROMISES = "guarantee"
"""The section of a report under which the shares to promise are chosen."""


def report_part(runtime: Runtime, version: ModelVersion) -> None:
    """Draw the report on ``version``: on the rows kept aside, or on a file that the user gives."""
    keeps = keeps_rows(version)
    if not keeps:
        _card_figures(version)
        st.caption(_("This version keeps no rows to be measured on: give some that it has not learned from."))
    optional = _("Measure on other labelled rows (optional)")
    label = optional if keeps else _("Labelled rows to make a report from")
    try:
        given = given_file(runtime.settings.uploads_dir, label, key="models-report-file")
        if given is None and not keeps:
            return
        rows = _rows_given(given, version, "models-report")
        shares = chosen_shares()
        report = _reported(runtime, version, rows, shares)
        above = st.container()
        for part in report.sections:
            draw_section(part, "models-report")
            if part.key == PROMISES:
                shares_part()
        tried = _on_request(runtime, version, rows) if can_be_tried(version) else _Tried()
        with above:  # drawn last, as what was tried goes with it
            whole = replace(report, sections=[*report.sections, *tried.sections])
            downloads_part(whole, version, (str(version.folder), rows, shares, tried.made_of), lacks=tried.lacks)
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
    label = optional if keeps else _("Labelled rows to compare the two on")
    try:
        given = given_file(runtime.settings.uploads_dir, label, key="models-compare-file")
        if given is None and not keeps:
            return
        rows = _rows_given(given, version, "models-compare")
        compared = _compared(runtime, version, other, rows)
    except PortsideError as error:
        error_state(error)
        return
    draw_section(compared, "models-compare")


class _Rows(NamedTuple):
    """The rows that a version is measured on: those of a file, or, without path, those that it keeps."""

    path: str
    columns: Columns


def _rows_given(given: Given | None, version: ModelVersion, key: str) -> _Rows:
    """The file, if one was given, with its columns as the user names them."""
    if given is None:
        return _Rows("", Columns())
    return _Rows(str(given.path), columns_part(given.path, task_of(version.folder), key))


class _Tried(NamedTuple):
    """What was asked for beside the report."""

    sections: tuple[Section, ...] = ()
    made_of: tuple[Hashable, ...] = ()
    """Names the sections."""
    lacks: bool = False
    """Whether there is more that could be asked for."""


# Versions never change, and a file's path holds its content's hash: both name what was computed of them.
def _reported(runtime: Runtime, version: ModelVersion, rows: _Rows, shares: tuple[float, ...]) -> Report:
    asked, threads = _asked(version, rows), runtime.settings.threads
    return waited_for(
        ("report", str(version.folder), rows, shares),
        _("Making the report"),
        lambda progress: report_of(asked, risks=shares, threads=threads, progress=progress.update),
    )


def _compared(runtime: Runtime, version: ModelVersion, other: ModelVersion, rows: _Rows) -> Section:
    asked, threads = _asked(version, rows), runtime.settings.threads

    def compare(progress: Progress) -> Section:
        report = report_of(asked, against=other, threads=threads, progress=progress.update)
        return replace(report.sections[0], warnings=report.warnings)

    return waited_for(("compared", str(version.folder), str(other.folder), rows), _("Comparing"), compare)


def _asked(version: ModelVersion, rows: _Rows) -> Asked:
    return Asked(version, Path(rows.path) if rows.path else None, rows.columns)


def _on_request(runtime: Runtime, version: ModelVersion, rows: _Rows) -> _Tried:
    """Words and small changes, each when its button is pressed: the network is asked about a few thousand texts."""
    changes = _("Try typos, negation and other names")
    with st.container(horizontal=True):
        why = _wanted(_("Explain some of its answers"), "models-explained", version, rows, ":material/lightbulb:")
        small = _wanted(changes, "models-behaviour", version, rows, ":material/science:")
    suites = _suites(runtime.settings.suites_dir)
    explained = _explained(runtime, version, rows) if why else None
    changed = _changed(runtime, version, rows, suites) if small else None
    found = tuple(part for part in (explained, changed) if part is not None)
    return _Tried(found, (tuple(part.key for part in found), suites), lacks=not (why and small))


def _explained(runtime: Runtime, version: ModelVersion, rows: _Rows) -> Section | None:
    """Draw some of the answers with their words; what was drawn, None where there was nothing to draw."""
    asked, settings = _asked(version, rows), runtime.settings
    try:
        found = waited_for(
            ("explained", str(version.folder), rows),
            _("Leaving words out"),
            lambda progress: explanations_of(asked, settings, progress=progress.update),
        )
    except PortsideError as error:
        error_state(error)
        return None
    if found is None:
        st.caption(_("None of the texts has two words: there is nothing to leave out."))
    else:
        draw_section(found, "models-explained")
    return found


def _changed(runtime: Runtime, version: ModelVersion, rows: _Rows, suites: Hashable) -> Section | None:
    """Draw how the model bears small changes; what was drawn, None where a suite cannot be used."""
    asked, settings = _asked(version, rows), runtime.settings
    try:
        found = waited_for(
            ("changed", str(version.folder), rows, suites),
            _("Trying small changes"),
            lambda progress: behaviour_of(asked, settings, progress=progress.update),
        )
    except PortsideError as error:
        error_state(error)
        return None
    draw_section(found, "models-behaviour")
    return found


def _suites(folder: Path) -> tuple[tuple[str, int], ...]:
    """The user's own suites as they are now: one that is changed is tried anew."""
    return tuple(sorted((path.name, path.stat().st_mtime_ns) for path in folder.glob("*.toml")))


def _wanted(words: str, key: str, version: ModelVersion, rows: _Rows, icon: str) -> bool:
    """Whether the button was pressed, now or before, for these rows of this version."""
    remembered = f"{key}-{version.ref}-{rows.path}-{rows.columns}"
    if st.button(words, key=key, icon=icon):
        st.session_state[remembered] = True
    return bool(st.session_state.get(remembered))


def _card_figures(version: ModelVersion) -> None:
    section(_("What its validation measured"))
    st.markdown(plain(in_words(version.card.get("summary", ""), _)))
    found = {name: value for name, value in version.validation.items() if isinstance(value, int | float)}
    if found:
        table = pd.DataFrame({_("Figure"): list(found), _("Value"): list(found.values())})
        st.dataframe(table, width="stretch", hide_index=True, key="models-card-figures")
