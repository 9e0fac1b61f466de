"""Whether one version is better than another on the same rows, by a figure that is a ratio of sums over rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from portside.evaluation.report.parts import Cell, Figure, Section, Table
from portside.evaluation.significance import bootstrap_ratio, by_group, paired_ratio
from portside.said import Said, said

__all__ = ["LONGEST", "Changed", "changed_table", "versus_section"]

CHANGED_SHOWN = 50
LONGEST = 160
"""Characters of a cell."""


@dataclass(frozen=True)
class Changed:
    """A row that the two versions answer differently."""

    row: int
    text: str
    true: str
    before: str
    now: str
    worse: float
    """Mistakes more than before; below 0: fewer."""
    happened: str = ""
    """What became of the answer; empty: ``worse`` says it."""


def versus_section(
    figure: str,
    new: str,
    old: str,
    after: NDArray[np.float64],
    before: NDArray[np.float64],
    *,
    changed: Sequence[Changed] = (),
    groups: NDArray[np.integer] | None = None,
) -> Section:
    """``after`` are the sums of ``new``, ``before`` those of ``old``, for the same rows; both of shape (rows, 2).

    ``groups`` says which rows are alike, as the sentences of one document: the intervals allow for it.
    """
    first, second = by_group(before, groups), by_group(after, groups)
    change = paired_ratio(first, second)
    one, other = bootstrap_ratio(second), bootstrap_ratio(first)
    measured = said(figure)
    slots = {"figure": measured, "points": f"{100 * change.value:+.1f}", "n": f"{len(after):,}"}
    interval = {"low": f"{100 * change.low:+.1f}", "high": f"{100 * change.high:+.1f}"}
    if change.low <= 0 <= change.high:
        verdict = said(
            "{figure} differs by {points} points on {n} rows (95 % interval {low} to {high}, paired bootstrap): that "
            "may be chance, neither is shown to be better.",
            **slots,
            **interval,
        )
    else:
        verdict = said(
            "{better} is better: {figure} differs by {points} points on {n} rows (95 % interval {low} to {high}, "
            "paired bootstrap).",
            better=new if change.value > 0 else old,
            **slots,
            **interval,
        )
    return Section(
        key="comparison",
        title=said("Compared with {old}", old=old),
        sentences=[verdict],
        figures=[
            Figure(said("{figure}: {model}", figure=measured, model=new), one.value, one.low, one.high, len(after)),
            Figure(
                said("{figure}: {model}", figure=measured, model=old), other.value, other.low, other.high, len(before)
            ),
        ],
        tables=[changed_table(changed)],
        details={"difference": [change.value, change.low, change.high]},
    )


def changed_table(changed: Sequence[Changed]) -> Table:
    """The rows that two versions answer differently, of which at most ``CHANGED_SHOWN`` are shown."""
    # What got worse first: it decides whether to promote.
    shown = sorted(changed, key=lambda one: (-one.worse, one.row))[:CHANGED_SHOWN]
    rows: list[list[Cell]] = [
        [
            one.row,
            *(_cut(cell) for cell in (one.text, one.true, one.before, one.now)),
            one.happened or _what_happened(one.worse),
        ]
        for one in shown
    ]
    title = said("Answers that changed ({shown} of {all})", shown=f"{len(rows):,}", all=f"{len(changed):,}")
    return Table(title, ["row", "text", "true", "before", "now", ""], rows)


def _cut(cell: str) -> str:
    # What is said in our words is short, and would lose its translation.
    return cell if isinstance(cell, Said) else cell[:LONGEST]


def _what_happened(worse: float) -> str:
    if worse == 0:
        return said("different")
    return said("worse") if worse > 0 else said("better")
