"""What is wrong with texts that have several labels: too much, missing, mixed up; copies and leaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from portside.evaluation.label_faults import SuspectMark, confusable_marks, suspect_marks
from portside.evaluation.report.faults import (
    FEWEST_A_LABEL,
    SHOWN,
    LabelledRowsOf,
    confusable_section,
    copies_section,
    faults_page,
)
from portside.evaluation.report.parts import Cell, Figure, Report, Section, Table, percent
from portside.said import said

__all__ = ["label_set_faults_report"]

NAMED = 10
"""Rare labels that are named."""


class CrossPredictSets(Protocol):
    """Places that were asked about, and probabilities (asked, labels) by who has not learned from them."""

    def __call__(
        self, texts: Sequence[str], vectors: NDArray[np.float32], truth: NDArray[np.bool_], /
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]: ...


def label_set_faults_report(
    data: LabelledRowsOf, sets: Sequence[Sequence[str]], predict: CrossPredictSets, test: LabelledRowsOf | None = None
) -> Report:
    """All that is found in ``data``, whose rows have the labels in ``sets``; with ``test``, also what leaks from it."""
    counts = Counter(label for one in sets for label in set(one))
    names = [label for label in sorted(counts) if counts[label] >= FEWEST_A_LABEL]
    truth = np.array([[name in one for name in names] for one in sets], dtype=bool).reshape(len(sets), len(names))
    nothing = np.zeros(0, dtype=np.int64), np.zeros((0, len(names)))
    places, probabilities = predict(data.texts, data.vectors, truth) if names else nothing
    asked = truth[places]
    sections = [
        _suspects(data, names, places, suspect_marks(probabilities, asked), sorted(set(counts) - set(names))),
        confusable_section(data, names, places, confusable_marks(probabilities, asked)),
        copies_section(data),
    ]
    rows, labels = f"{len(data.texts):,}", f"{len(counts):,}"
    subtitle = said("{n} texts with any of {labels} labels", n=rows, labels=labels)
    return faults_page(data, subtitle, [("Rows", rows), ("Labels", labels)], sections, test)


def _suspects(
    data: LabelledRowsOf,
    names: Sequence[str],
    places: NDArray[np.int64],
    found: Sequence[SuspectMark],
    rare: Sequence[str],
) -> Section:
    rows: list[list[Cell]] = []
    for one in found[:SHOWN]:
        at = int(places[one.place])
        fault = said("too much") if one.given else said("missing")
        chance = percent(one.chance, 0)
        rows.append([data.rows[at], data.texts[at][:160], data.labels[at], names[one.label], fault, chance])
    n = len(places) * len(names)
    sentences = [_in_short(found, len(places), n), *([_first(rows[0])] if rows else [])]
    if rare:
        few = said(
            "Labels of fewer than {fewest} rows are not looked at, there are {n}: {labels}.",
            fewest=FEWEST_A_LABEL,
            n=len(rare),
            labels=", ".join([*rare[:NAMED], *(["…"] if len(rare) > NAMED else [])]),
        )
        sentences.append(few)
    table = said("Labels to look at ({shown} of {all})", shown=len(rows), all=len(found))
    head = ["row", "text", "has the labels", "label", "what is wrong", "chance of the label"]
    return Section(
        key="labels",
        title="Labels that are probably wrong",
        sentences=sentences,
        figures=[Figure("Labels that look wrong", float(len(found)), n=len(places), share=False)] if n else [],
        tables=[Table(table, head, rows)] if rows else [],
    )


def _in_short(found: Sequence[SuspectMark], rows: int, n: int) -> str:
    if not n:
        return said(
            "There are too few rows to look for wrong labels: a label takes {fewest} rows.", fewest=FEWEST_A_LABEL
        )
    if not found:
        return said("No label of {n} rows looks wrong to a model that had not learned from the row.", n=f"{rows:,}")
    given = sum(one.given for one in found)
    return said(
        "To a model that had not learned from the row, {given} labels of {n} rows look too much, and {missing} look "
        "missing. Look at the first ones; the later in the list, the more of them are right.",
        given=f"{given:,}",
        n=f"{rows:,}",
        missing=f"{len(found) - given:,}",
    )


def _first(row: Sequence[Cell]) -> str:
    return said(
        "First: of row {row}, '{text}', the label '{label}' is probably {fault}.",
        row=row[0],
        text=row[1],
        label=row[3],
        fault=row[4],
    )
