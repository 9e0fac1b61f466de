"""Train a model without code: give a file, see what it holds, choose in plain words, start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from portside.data.columns import Columns
from portside.errors import PortsideError
from portside.evaluation.report.parts import Report
from portside.registry.names import check_name
from portside.settings import Settings
from portside_ui.frame import error_state, section
from portside_ui.jobs_panel import start_job
from portside_ui.models.column_choice import columns_part
from portside_ui.models.drawing import draw_section
from portside_ui.models.given_file import given_file, keep_choice
from portside_ui.models.holdings import MATCHING, holdings_part, label_counts
from portside_ui.models.outside_choice import outside_part
from portside_ui.models.own_tests import forget_own_tests, own_tests_part
from portside_ui.models.uploads import model_name
from portside_ui.models.waiting import waited_for
from portside_ui.runtime import Runtime
from portside_ui.words import _

__all__ = ["training_part"]

TASKS = ("classification", "multilabel", "tagging", MATCHING)
BUDGETS = (60, 300, 900, 3600)
"""Seconds of training that can be chosen."""
USUAL_BUDGET = 300


def training_part(runtime: Runtime) -> None:
    """Draw the steps from a file to a started training."""
    section(_("1. Your file"), _("One row for each text, one column with the text and one with what it is."))
    given = given_file(runtime.settings.uploads_dir, _("File with examples"), key="models-file")
    if given is None:
        forget_own_tests()
        st.caption(_("CSV, TSV, JSON lines or Parquet, gzipped too. The file stays on this machine."))
        return
    path = given.path
    keep_choice("models-task", TASKS, of=str(path))
    task = st.radio(
        _("What should the model do?"),
        TASKS,
        format_func=lambda name: {
            "classification": _("Give each text one label"),
            "multilabel": _("Give each text any number of labels"),
            "tagging": _("Find names inside texts"),
            MATCHING: _("Find the text that answers a question"),
        }[name],
        key="models-task",
        horizontal=True,
    )
    if task == MATCHING:
        st.caption(
            _(
                "One row for each question with a text that answers it. A third column may hold a text that does not "
                "(negative), or a number that says how well the two fit (relevance)."
            )
        )
    columns = columns_part(path, task, "models")
    section(_("2. What it holds"))
    if not holdings_part(task, path, columns):
        return
    tests, usable = own_tests_part(runtime, task, path, columns)
    if task != MATCHING:
        _faults(runtime, task, path, tests if usable else None, columns)
    section(_("3. Train"))
    params = _order(given.name, task)
    if task == "classification":
        params["outside"] = outside_part(label_counts(task, path, columns)) or None
    if not usable:
        return
    try:
        check_name(params["name"])
    except PortsideError as error:
        error_state(error)
        return
    params |= {"data": str(path), "task": task, "text": columns.text, "label": columns.label}
    params |= {"valid": None if tests is None else str(tests), "promote": False}
    start_job("core.train", params, label=_("Train"), key="models-train")
    st.caption(_("The new version is a candidate until somebody promotes it."))


def _faults(runtime: Runtime, task: str, path: Path, tests: Path | None, columns: Columns) -> None:
    """Wrong labels, mixed-up labels and copies, on request: every text has to be read by the encoder.

    With ``tests`` also which of its rows stand in the file, nearly too.
    """
    key = f"models-faults-{task}-{path}-{tests}-{columns}"
    if st.button(_("Look for wrong labels and copies"), key="models-faults", icon=":material/search:"):
        st.session_state[key] = True
    if not st.session_state.get(key):
        return
    try:
        found = _found_faults(runtime.settings, task, path, tests, columns)
    except PortsideError as error:
        error_state(error)
        return
    for part in found.sections:
        draw_section(part, "models-faults")


def _found_faults(settings: Settings, task: str, path: Path, tests: Path | None, columns: Columns) -> Report:
    from portside.evaluation.report.fault_tasks import faults_of_task

    return waited_for(
        ("faults", task, str(path), str(tests), columns, settings.encoder),
        _("Looking for wrong labels and copies"),
        lambda progress: faults_of_task(task, path, tests, columns, settings=settings, progress=progress),
    )


def _order(file_name: str, task: str) -> dict[str, Any]:
    """What is chosen beside the rows: the new model's name, how it learns, and for how long."""
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
            "full": _("Thoroughly: all weights, for thousands of texts")
            if task != MATCHING
            else _("All weights: the language model adapts to your questions and texts"),
            "prototype": _("At once: compare with the average text of each label, in seconds"),
            "lora": _("A small adapter beside the language model: tiny files"),
        }[one],
        key=f"models-method-{task}",
        persist_state="session",
    )
    return {"name": name, "method": method, "budget_seconds": _budget()}


def _budget() -> float:
    seconds = st.select_slider(
        _("Time it may take"),
        BUDGETS,
        value=USUAL_BUDGET,
        format_func=lambda each: {
            60: _("1 minute, a first look"),
            300: _("5 minutes, good for most"),
            900: _("15 minutes, for many rows"),
            3600: _("an hour, for the last bit"),
        }[each],
        key="models-budget",
        persist_state="session",
    )
    return float(seconds)
