"""What is wrong with labelled data: leaks, copies, labels that are probably wrong, labels that are mixed up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from portside.evaluation.intervals import wilson
from portside.evaluation.label_faults import Confusable, Suspect, confusable_labels, suspect_labels
from portside.evaluation.near_duplicates import Twin, near_twins
from portside.evaluation.report.learning import curve_sections
from portside.evaluation.report.parts import Bar, Cell, Chart, Figure, Report, Section, Table, percent
from portside.said import said

__all__ = [
    "FEWEST_A_LABEL",
    "SHOWN",
    "LabelledRowsOf",
    "confusable_section",
    "copies_section",
    "faults_page",
    "faults_report",
    "mixed_interval",
]

SHOWN = 200
PAIRS_DRAWN = 12
FEWEST_A_LABEL = 5
"""Rows of a typical label below which a cross-validated guess says little of a single row."""


@dataclass(frozen=True)
class LabelledRowsOf:
    """The rows of one file."""

    file: str
    texts: Sequence[str]
    labels: Sequence[str]
    rows: Sequence[int]
    """Numbers in the file."""
    vectors: NDArray[np.float32]
    """Of an encoder, of length 1: shape (rows, width)."""
    kinds: Sequence[str] = ()
    """What near copies have in common unless one of them is labelled wrongly; empty: the labels."""

    def torn(self, twin: Twin) -> bool:
        """Whether two rows that are almost the same text do not have the same labels."""
        labels = self.kinds if self.kinds and twin.likeness < 1 else self.labels
        return labels[twin.first] != labels[twin.second]


class CrossPredict(Protocol):
    """Places that were asked about, and probabilities (asked, labels) by who has not learned from them."""

    def __call__(
        self, texts: Sequence[str], vectors: NDArray[np.float32], label_ids: NDArray[np.int64], labels: int, /
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]: ...


class LearningCurve(Protocol):
    """Rows learned from and which of the others came out right, for more and more rows."""

    def __call__(
        self, texts: Sequence[str], vectors: NDArray[np.float32], label_ids: NDArray[np.int64], labels: int, /
    ) -> list[tuple[int, NDArray[np.bool_]]]: ...


def faults_report(
    data: LabelledRowsOf, predict: CrossPredict, learn: LearningCurve, test: LabelledRowsOf | None = None
) -> Report:
    """All that is found in ``data``; with ``test``, also which of its rows stand in ``data``, nearly too."""
    names = sorted(set(data.labels))
    place_of = {label: place for place, label in enumerate(names)}
    given = np.array([place_of[label] for label in data.labels], dtype=np.int64)
    places, probabilities = predict(data.texts, data.vectors, given, len(names))
    asked = given[places]
    few = len(data.texts) < FEWEST_A_LABEL * len(names)
    sections = [
        _suspects(data, names, places, suspect_labels(probabilities, asked), few),
        confusable_section(data, names, places, confusable_labels(probabilities, asked)),
        copies_section(data),
        *curve_sections(learn(data.texts, data.vectors, given, len(names))),
    ]
    rows, labels = f"{len(data.texts):,}", f"{len(names):,}"
    subtitle = said("{n} texts with {labels} labels", n=rows, labels=labels)
    return faults_page(data, subtitle, [("Rows", rows), ("Labels", labels)], sections, test)


def faults_page(
    data: LabelledRowsOf,
    subtitle: str,
    counts: Sequence[tuple[str, str]],
    sections: Sequence[Section],
    test: LabelledRowsOf | None,
) -> Report:
    """The report on ``data``: what leaks from ``test`` first, then the ``sections`` on what was found."""
    return Report(
        title=said("What is wrong with {file}", file=data.file),
        subtitle=subtitle,
        facts=[("File", data.file), *counts, *([] if test is None else [("Test file", test.file)])],
        sections=[*([] if test is None else [leaks_section(data, test)]), *sections],
    )


def _suspects(
    data: LabelledRowsOf, names: Sequence[str], places: NDArray[np.int64], found: Sequence[Suspect], few: bool
) -> Section:
    rows: list[list[Cell]] = []
    for one in found[:SHOWN]:
        at = int(places[one.place])
        chances = [percent(one.chance_given, 0), percent(one.chance_suggested, 0)]
        rows.append([data.rows[at], data.texts[at][:160], names[one.given], names[one.suggested], *chances])
    n = len(places)
    if not n:
        sentences = [said("There are too few rows to look for wrong labels.")]
    elif not found:
        sentences = [said("None of {n} labels looks wrong to a model that had not learned from the row.", n=f"{n:,}")]
    else:
        first = rows[0]
        sentences = [
            said(
                "{found} of {n} labels look wrong to a model that had not learned from the row. Look at the first "
                "ones; the later in the list, the more of them are right.",
                found=f"{len(found):,}",
                n=f"{n:,}",
            ),
            said(
                "First: row {row}, '{text}', has the label '{label}'; '{other}' is likelier.",
                row=first[0],
                text=first[1],
                label=first[2],
                other=first[3],
            ),
        ]
    if few and n:
        sentences.append(said("There are so few rows of each label that many of these are false alarms."))
    return Section(
        key="labels",
        title="Labels that are probably wrong",
        sentences=sentences,
        figures=[Figure("Labels that look wrong", len(found) / n, *wilson(len(found), n), n)] if n else [],
        tables=[
            Table(
                said("Rows to look at ({shown} of {all})", shown=len(rows), all=len(found)),
                ["row", "text", "label", "likelier", "chance of its label", "chance of the likelier"],
                rows,
            )
        ]
        if rows
        else [],
    )


def confusable_section(
    data: LabelledRowsOf, names: Sequence[str], places: NDArray[np.int64], found: Sequence[Confusable]
) -> Section:
    """Which labels are mixed up; what was ``found`` tells rows by their place among ``places``."""

    def example(one: tuple[int, ...]) -> str:
        if not one:
            return ""
        at = int(places[one[0]])
        return said("row {row}: {text}", row=data.rows[at], text=data.texts[at][:120])

    rows: list[list[Cell]] = [
        [names[one.first], names[one.second], one.rows, percent(one.share), *map(percent, mixed_interval(one)),
         example(one.taken_for_second), example(one.taken_for_first)]
        for one in found[:SHOWN]
    ]  # fmt: skip
    if not found:
        none = said("No two labels are mixed up in {n} rows.", n=f"{len(places):,}")
        return Section("confusable", "Labels that are mixed up", [none])
    top = found[0]
    return Section(
        key="confusable",
        title="Labels that are mixed up",
        sentences=[
            said(
                "'{first}' and '{second}' are mixed up most: {rows} of their rows ({share}). Where people mix them up "
                "too, join the two labels or say what sets them apart.",
                first=names[top.first],
                second=names[top.second],
                rows=f"{top.rows:,}",
                share=percent(top.share, 0),
            )
        ],
        charts=[_mixed_up_most(names, found)],
        tables=[
            Table(
                said("Labels that are mixed up ({shown} of {all})", shown=len(rows), all=len(found)),
                [
                    "first",
                    "second",
                    "rows",
                    "share",
                    "from",
                    "to",
                    "of the first, taken for the second",
                    "and the other way round",
                ],
                rows,
            )
        ],
    )


def _mixed_up_most(names: Sequence[str], found: Sequence[Confusable]) -> Chart:
    top = found[0]
    return Chart(
        title=said(
            "Pairs of labels by the share of their rows that is mixed up ({shown} of {all})",
            shown=min(PAIRS_DRAWN, len(found)),
            all=len(found),
        ),
        summary=said(
            "{share} of the rows of '{first}' and '{second}'; a line shows the 95 % interval.",
            share=percent(top.share, 0),
            first=names[top.first],
            second=names[top.second],
        ),
        x_title="rows that a model gave the other label",
        y_title="labels",
        bars=[
            Bar(f"{names[one.first]} / {names[one.second]}", one.share, *mixed_interval(one))
            for one in found[:PAIRS_DRAWN]
        ],
    )


def mixed_interval(one: Confusable) -> tuple[float, float]:
    """Wilson's 95 % interval of the share that is mixed up."""
    return wilson(one.rows, round(one.rows / one.share))


def copies_section(data: LabelledRowsOf) -> Section:
    """Which texts stand twice, or nearly, and which of these are labelled in two ways."""
    found = near_twins(data.texts, data.vectors)
    torn = [one for one in found if data.torn(one)]
    sentences = [
        said(
            "{n} pairs of rows are almost the same text; {torn} of these have two different labels.",
            n=f"{len(found):,}",
            torn=f"{len(torn):,}",
        )
    ]
    if torn:
        one = torn[0]
        sentences.append(
            said(
                "For example row {row} ('{text}', {label}) and row {other_row} ('{other_text}', {other_label}).",
                row=data.rows[one.first],
                text=data.texts[one.first][:100],
                label=data.labels[one.first],
                other_row=data.rows[one.second],
                other_text=data.texts[one.second][:100],
                other_label=data.labels[one.second],
            )
        )
    return Section(
        key="copies",
        title="Texts that stand twice, or nearly",
        sentences=sentences,
        figures=[
            Figure("Pairs that are almost the same", float(len(found)), share=False),
            Figure("Of these with two labels", float(len(torn)), share=False),
        ],
        tables=[
            table
            for title, pairs in (
                (said("Almost the same text, two labels"), torn),
                (said("Almost the same text"), found),
            )
            if (table := _pairs(title, pairs, data, data)).rows
        ],
    )


def leaks_section(data: LabelledRowsOf, test: LabelledRowsOf) -> Section:
    """Which rows of ``test`` stand in ``data``, nearly too."""
    found = near_twins(test.texts, test.vectors, data.texts, data.vectors)
    n, exact = len(test.texts), sum(one.likeness == 1 for one in found)
    slots = {"n": f"{n:,}", "test": test.file, "file": data.file}
    warnings = [
        said(
            "{count} of {n} rows of {test} stand in {file} ({exact} the same but for case and signs, {near} nearly): a "
            "model that learned from {file} is flattered by them. Take them out of one of the files",
            count=f"{len(found):,}",
            exact=f"{exact:,}",
            near=f"{len(found) - exact:,}",
            **slots,
        )
    ]
    none = said("None of {n} rows of {test} stands in {file}, not even nearly.", **slots)
    return Section(
        key="leaks",
        title=said("Rows of {test} that stand in {file}", test=test.file, file=data.file),
        sentences=[] if found else [none],
        warnings=warnings if found else [],
        figures=[Figure("Rows that leak", len(found) / max(n, 1), *wilson(len(found), n), n)],
        tables=[_pairs(said("Leaks"), found, test, data)] if found else [],
    )


def _pairs(title: str, pairs: Sequence[Twin], first: LabelledRowsOf, second: LabelledRowsOf) -> Table:
    rows: list[list[Cell]] = [
        [
            first.rows[one.first], first.texts[one.first][:120], first.labels[one.first],
            second.rows[one.second], second.texts[one.second][:120], second.labels[one.second],
            percent(one.likeness, 0),
        ]
        for one in pairs[:SHOWN]
    ]  # fmt: skip
    head = ["row", "text", "label", "other row", "other text", "other label", "alike"]
    shown = said("{title} ({shown} of {all})", title=title, shown=len(rows), all=len(pairs))
    return Table(shown, head, rows)
