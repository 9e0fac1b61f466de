"""Test rows that the user gives beside the rows to learn from: looked at before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from portside.apps import load
from portside.data.columns import Columns
from portside.data.findings import DataReport, Finding, excerpt
from portside.data.identity import text_key
from portside.errors import DataError
from portside.tasks.spec import find_task
from portside_ui.frame import working
from portside_ui.models.given_file import forget_file, given_file
from portside_ui.models.holdings import finding_words
from portside_ui.runtime import Runtime
from portside_ui.why import plain
from portside_ui.words import _, number

__all__ = ["check_own_tests", "forget_own_tests", "own_tests_part"]

KEY = "models-test-file"


def own_tests_part(runtime: Runtime, task: str, path: Path, columns: Columns) -> tuple[Path | None, bool]:
    """Draw the upload of test rows: the file, None where none was given, and whether training can go on with it."""
    given = given_file(runtime.settings.uploads_dir, _("File with test rows (optional)"), key=KEY)
    if given is None:
        st.caption(_("Without one, some rows of your file are kept aside to measure the model by."))
        return None, True
    tests = given.path
    with working(_("Reading the file")):
        report = _checked(task, str(path), str(tests), columns)
    # Two files are on the page: each sentence says first which of them it is about.
    for finding in report.fatal:
        st.warning(f"{plain(report.file)}: {finding_words(finding)}", icon=":material/block:")
    for finding in report.findings:
        if finding.severity == "warning":
            st.markdown(f"- {plain(report.file)}: {finding_words(finding)}")
    if not report.fatal:
        st.caption(
            _("The model is measured by the {n} rows of {file}, and learns from every row of your first file.",
              n=number(report.rows), file=plain(report.file))
        )  # fmt: skip
    return tests, not report.fatal


def forget_own_tests() -> None:
    """The file to learn from was taken away: its test rows must not silently measure a model of another one."""
    forget_file(KEY)


@st.cache_data(show_spinner=False, max_entries=16)
def _checked(task: str, path: str, tests: str, columns: Columns) -> DataReport:
    return check_own_tests(task, Path(path), Path(tests), columns)


def check_own_tests(task: str, path: Path, tests: Path, columns: Columns) -> DataReport:
    """What is wrong with the rows of ``tests`` for a training on ``path``; bad rows raise nothing."""
    spec = find_task(task)
    read, make = load(spec.read), load(spec.make)
    try:
        given = read(tests, columns, test=True)
        learned = read(path, columns, test=False)
        make(spec.recipe(), learned, given)
    except DataError as error:
        return DataReport(tests.name, findings=(Finding.of(error),))
    report: DataReport = given.report
    return report.with_findings(*_learned_too(_texts(learned), _texts(given), path.name))


def _learned_too(learned: Sequence[str], tests: Sequence[str], file: str) -> list[Finding]:
    known = {text_key(text) for text in learned}
    same = [text for text in tests if text_key(text) in known]
    if not same:
        return []
    return [
        Finding(
            "warning",
            "A test text stands among the rows to learn from, too: it will be remembered, which flatters the figures",
            "Take it out of one of the two files",
            file,
            value=excerpt(same[0]),
            count=len(same),
        )
    ]


def _texts(dataset: Any) -> list[str]:
    """What each row of any task asks about."""
    if hasattr(dataset, "queries"):
        return list(dataset.queries.values())
    if hasattr(dataset, "sentences"):
        return [" ".join(one.tokens) for one in dataset.sentences]
    return [one.text for one in dataset.examples]
