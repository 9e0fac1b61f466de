"""Train a model without code: give a file, see what it holds, choose in plain words, start."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from portside.data.columns import Columns
from portside.data.findings import DataReport, Finding
from portside.errors import PortsideError
from portside.evaluation.report.parts import Report
from portside.registry.names import check_name
from portside.said import in_words
from portside.settings import Settings
from portside.tasks.check import check_file
from portside.tasks.spec import find_task
from portside_ui.charts import COLOURS, figure, show_chart
from portside_ui.frame import KeyFigure, error_state, key_figures, section, working
from portside_ui.jobs_panel import start_job
from portside_ui.models.drawing import draw_section
from portside_ui.models.uploads import TABLES, keep_upload, model_name
from portside_ui.runtime import Runtime
from portside_ui.why import plain
from portside_ui.words import _, number

__all__ = ["training_part"]

BUDGETS = (60, 300, 900, 3600)
"""Seconds of training that can be chosen."""
USUAL_BUDGET = 300
FINDINGS_SHOWN = 6
LABELS_DRAWN = 20


def training_part(runtime: Runtime) -> None:
    """Draw the steps from a file to a started training."""
    section(_("1. Your file"), _("One row for each text, one column with the text and one with what it is."))
    given = st.file_uploader(_("File with examples"), type=TABLES, key="models-file")
    if given is None:
        st.caption(_("CSV, TSV, JSON lines or Parquet, gzipped too. The file stays on this machine."))
        return
    path = keep_upload(runtime.settings.uploads_dir, given.name, given.getvalue())
    task = st.radio(
        _("What should the model do?"),
        ["classification", "multilabel", "tagging"],
        format_func=lambda name: {
            "classification": _("Give each text one label"),
            "multilabel": _("Give each text any number of labels"),
            "tagging": _("Find names inside texts"),
        }[name],
        key="models-task",
        horizontal=True,
    )
    columns = _columns(path) if task != "tagging" else Columns()
    with working(_("Reading the file")):
        report = _checked(task, str(path), columns)
    section(_("2. What it holds"))
    _data_report(report)
    if report.fatal:
        return
    if task == "classification":
        _faults(runtime, path, columns)
    section(_("3. Train"))
    _order(runtime, given.name, path, task, columns)


@st.cache_data(show_spinner=False, max_entries=16)
def _checked(task: str, path: str, columns: Columns) -> DataReport:
    # The path holds the content's hash: the same path is the same file.
    return check_file(find_task(task), Path(path), columns)


@st.cache_data(show_spinner=False, max_entries=16)
def _header(path: str) -> list[str]:
    from portside.data import read_table

    try:
        return [str(column) for column in read_table(path).frame.columns]
    except PortsideError:
        return []  # what is wrong with the file is said by its report


def _columns(path: Path) -> Columns:
    header = _header(str(path))
    if not header:
        return Columns()
    by_name = _("found by its name")
    with st.expander(_("Columns"), icon=":material/view_column:"):
        text = st.selectbox(_("Column of the texts"), [by_name, *header], key="models-text-column")
        label = st.selectbox(_("Column of the labels"), [by_name, *header], key="models-label-column")
    return Columns(None if text == by_name else text, None if label == by_name else label)


def _data_report(report: DataReport) -> None:
    for finding in report.fatal:
        st.warning(_finding(finding), icon=":material/block:")
    if not report.rows:
        return
    rarest = min(report.label_counts.values(), default=0)
    key_figures(
        [
            KeyFigure(_("Rows that can be used"), number(report.rows)),
            KeyFigure(_("Labels"), number(len(report.label_counts))),
            KeyFigure(_("Rows of the rarest label"), number(rarest)),
        ]
    )
    others = [finding for finding in report.findings if finding.severity != "fatal"]
    if not others and not report.fatal:
        st.success(_("Nothing wrong was found."), icon=":material/check_circle:")
    for finding in others[:FINDINGS_SHOWN]:
        st.markdown(f"- {_finding(finding)}")
    if report.label_counts:
        _label_chart(report)


def _finding(finding: Finding) -> str:
    times = f" ({number(finding.count)} ×)" if finding.count > 1 else ""
    parts = [f"**{plain(in_words(finding.rule, _).rstrip('.'))}**{times}."]
    place = [
        _("row {row}", row=number(finding.row)) if finding.row is not None else "",
        _("column {column}", column=plain(finding.column)) if finding.column else "",
        plain(_(finding.value) if finding.value == "(blank)" else finding.value) if finding.value else "",
    ]
    seen = ", ".join(part for part in place if part)
    if seen:
        parts.append(_("Seen: {seen}", seen=seen) + ".")
    if finding.remedy:
        parts.append(_("What to do: {remedy}", remedy=plain(in_words(finding.remedy, _))) + ".")
    return " ".join(parts)


def _label_chart(report: DataReport) -> None:
    counts = sorted(report.label_counts.items(), key=lambda item: -item[1])
    shown = counts[:LABELS_DRAWN]
    fig = figure(hovermode="closest", showlegend=False)
    fig.add_bar(x=[n for _name, n in shown], y=[name for name, _n in shown], orientation="h")
    fig.update_traces(marker_color=COLOURS.selection)
    fig.update_yaxes(autorange="reversed", type="category")
    summary = _(
        "The commonest label is {common} with {most} rows, the rarest {rare} with {least}.",
        common=plain(counts[0][0]), most=number(counts[0][1]), rare=plain(counts[-1][0]), least=number(counts[-1][1]),
    )  # fmt: skip
    table = pd.DataFrame({_("Label"): [name for name, _n in counts], _("Rows"): [n for _name, n in counts]})
    show_chart(fig, summary=summary, table=table, key="models-label-counts", height=120 + 22 * len(shown))


def _faults(runtime: Runtime, path: Path, columns: Columns) -> None:
    """Wrong labels, mixed-up labels and copies, on request: every text has to be read by the encoder."""
    key = f"models-faults-{path}-{columns}"
    if st.button(_("Look for wrong labels and copies"), key="models-faults", icon=":material/search:"):
        st.session_state[key] = True
    if not st.session_state.get(key):
        return
    with working(_("Reading every text")):
        found = _found_faults(str(path), columns, runtime.settings)
    for part in found.sections:
        draw_section(part, "models-faults")


@st.cache_data(show_spinner=False, max_entries=4)
def _found_faults(path: str, columns: Columns, _settings: Settings) -> Report:
    from portside.evaluation.report.fault_files import faults_of_files
    from portside.progress import NullProgress

    return faults_of_files(Path(path), None, columns, _settings, NullProgress())


def _order(runtime: Runtime, file_name: str, path: Path, task: str, columns: Columns) -> None:
    name = st.text_input(
        _("Name of the model"),
        value=model_name(file_name),
        key="models-new-name",
        help=_("A name that exists already gets its next version."),
    )
    methods = ["auto", "few-shot", "full", "prototype"] if task == "classification" else ["full", "lora"]
    method = st.radio(
        _("How should it learn?"),
        methods,
        format_func=lambda one: {
            "auto": _("Choose for me: try the quick way first, keep the slower one only if it is clearly better"),
            "few-shot": _("Few examples: 5 to 200 texts of each label"),
            "full": _("Thoroughly: all weights, for thousands of texts"),
            "prototype": _("At once: compare with the average text of each label, in seconds"),
            "lora": _("A small adapter beside the language model: tiny files"),
        }[one],
        key=f"models-method-{task}",
    )
    budget = st.select_slider(
        _("Time it may take"),
        BUDGETS,
        value=USUAL_BUDGET,
        format_func=lambda seconds: {
            60: _("1 minute, a first look"),
            300: _("5 minutes, good for most"),
            900: _("15 minutes, for many rows"),
            3600: _("an hour, for the last bit"),
        }[seconds],
        key="models-budget",
    )
    try:
        check_name(name)
    except PortsideError as error:
        error_state(error)
        return
    params = {
        "data": str(path),
        "name": name,
        "task": task,
        "text": columns.text,
        "label": columns.label,
        "method": method,
        "budget_seconds": float(budget),
        "promote": False,
    }
    start_job("core.train", params, label=_("Train"), key="models-train")
    st.caption(
        _("Some rows are kept aside to measure it by. The new version is a candidate until somebody promotes it.")
    )
