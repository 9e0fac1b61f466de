"""What a file holds, before anything is trained on it: key figures, what is wrong with it, its labels or pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from portside.data.columns import Columns
from portside.data.findings import DataReport, Finding, excerpt
from portside.errors import PortsideError
from portside.said import Said, in_words
from portside.tasks.check import check_file
from portside.tasks.matching import RELEVANT_FROM
from portside.tasks.spec import find_task
from portside_ui.charts import COLOURS, figure, show_chart
from portside_ui.frame import KeyFigure, key_figures, working
from portside_ui.why import plain
from portside_ui.words import _, number

__all__ = ["MATCHING", "finding_words", "holdings_part", "label_counts"]

MATCHING = "matching"
"""The task whose rows have no labels: questions, and the texts that answer them."""
FINDINGS_SHOWN = 6
LABELS_DRAWN = 20
PAIRS_SHOWN = 5


def holdings_part(task: str, path: Path, columns: Columns) -> bool:
    """Draw what the file holds for ``task``; whether it can be trained on."""
    with working(_("Reading the file")):
        report = _checked(task, str(path), columns)
        pairs = _pairs(str(path), columns) if task == MATCHING and report.rows else None
    for finding in report.fatal:
        st.warning(finding_words(finding), icon=":material/block:")
    if not report.rows:
        return False
    key_figures(_label_figures(report) if pairs is None else _pair_figures(report, pairs))
    others = [finding for finding in report.findings if finding.severity != "fatal"]
    if not others and not report.fatal:
        st.success(_("Nothing wrong was found."), icon=":material/check_circle:")
    for finding in others[:FINDINGS_SHOWN]:
        st.markdown(f"- {finding_words(finding)}")
    if report.label_counts:
        _label_chart(report)
    if pairs is not None:
        _first_pairs(pairs)
    return not report.fatal


def label_counts(task: str, path: Path, columns: Columns) -> Mapping[str, int]:
    """Rows of each label; empty for a task without labels."""
    return _checked(task, str(path), columns).label_counts


@st.cache_data(show_spinner=False, max_entries=16)
def _checked(task: str, path: str, columns: Columns) -> DataReport:
    # The path holds the content's hash: the same path is the same file.
    return check_file(find_task(task), Path(path), columns)


def finding_words(finding: Finding) -> str:
    """One finding as a sentence or three: the rule, what was seen and where, what to do."""
    times = f" ({number(finding.count)} ×)" if finding.count > 1 else ""
    parts = [f"**{plain(in_words(finding.rule, _).rstrip('.'))}**{times}."]
    place = [
        _("row {row}", row=number(finding.row)) if finding.row is not None else "",
        _("column {column}", column=plain(finding.column)) if finding.column else "",
        plain(_seen(finding.value)) if finding.value else "",
    ]
    seen = ", ".join(part for part in place if part)
    if seen:
        parts.append(_("Seen: {seen}", seen=seen) + ".")
    if finding.remedy:
        parts.append(_("What to do: {remedy}", remedy=plain(in_words(finding.remedy, _))) + ".")
    return " ".join(parts)


def _seen(value: str) -> str:
    # A cell of the user's may by chance be one of our words.
    return in_words(value, _) if isinstance(value, Said) or value == "(blank)" else value


def _label_figures(report: DataReport) -> list[KeyFigure]:
    return [
        KeyFigure(_("Rows that can be used"), number(report.rows)),
        KeyFigure(_("Labels"), number(len(report.label_counts))),
        KeyFigure(_("Rows of the rarest label"), number(min(report.label_counts.values(), default=0))),
    ]


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


@dataclass(frozen=True)
class _Pairs:
    """What a file of questions and answers holds."""

    questions: int
    answers: int
    matches: int
    first: list[tuple[str, str, bool]]
    """Of the first rows the question, the text beside it, and whether the one answers the other."""


@st.cache_data(show_spinner=False, max_entries=16)
def _pairs(path: str, columns: Columns) -> _Pairs | None:
    from portside.data.matching import read

    try:
        found = read(Path(path), columns, test=False)
    except PortsideError:
        return None  # what is wrong with the file is said by its report
    first = [
        (excerpt(found.queries[one.query]), excerpt(found.documents[one.document]), one.relevance >= RELEVANT_FROM)
        for one in found.judged[:PAIRS_SHOWN]
    ]
    matches = sum(one.relevance >= RELEVANT_FROM for one in found.judged)
    return _Pairs(len(found.queries), len(found.documents), matches, first)


def _pair_figures(report: DataReport, pairs: _Pairs) -> list[KeyFigure]:
    return [
        KeyFigure(_("Different questions"), number(pairs.questions)),
        KeyFigure(_("Different texts to find"), number(pairs.answers)),
        KeyFigure(
            _("Pairs that fit"),
            number(pairs.matches),
            help=_("Of {n} pairs in the file; the others say what does not answer a question.", n=number(report.rows)),
        ),
    ]


def _first_pairs(pairs: _Pairs) -> None:
    title = _("The first pairs, as they were read")
    st.markdown(f"**{title}**")
    table = pd.DataFrame(
        {
            _("Question"): [question for question, _text, _fits in pairs.first],
            _("Text"): [text for _question, text, _fits in pairs.first],
            _("Does it answer?"): [_("yes") if fits else _("no") for _question, _text, fits in pairs.first],
        }
    )
    st.dataframe(table, width="stretch", hide_index=True, key="models-first-pairs")
