"""Whether one version is better than another on the same rows, by a figure that is a ratio of sums over rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from portside.evaluation.report.parts import Cell, Figure, Section, Table
from portside.evaluation.significance import Estimate, bootstrap_ratio, by_group, paired_ratio
from portside.registry import ModelVersion
from portside.said import Said, said
from portside.training.seen import load_seen

__all__ = [
    "FEW_GROUPS",
    "LONGEST",
    "Changed",
    "changed_table",
    "no_new_row",
    "on_new_rows",
    "shown_worse",
    "versus_on_new_rows",
    "versus_section",
]

CHANGED_SHOWN = 50
LONGEST = 160
"""Characters of a cell."""
FEWEST_CHANGED = 6
"""Rows with another figure below which neither is called better: of five, all for the better by chance is one case in
sixteen (sign test, both sides), which resampling these very rows does not notice."""
FEW_GROUPS = 20
"""Documents below which intervals drawn from them are too narrow: Cameron, Gelbach and Miller, "Bootstrap-Based
Improvements for Inference with Clustered Errors", Rev. Econ. Stat. 2008."""


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
    measured, differ = said(figure), int((first != second).any(axis=1).sum())
    few = groups is not None and len(second) < FEW_GROUPS
    return Section(
        key="comparison",
        title=said("Compared with {old}", old=old),
        sentences=[
            _verdict(
                measured,
                change,
                better=new if change.value > 0 else old,
                n=len(after),
                differ=differ,
                grouped=groups is not None,
            ),
            *([said("So few documents may make the intervals too narrow: measure on more of them.")] if few else []),
        ],
        figures=[
            Figure(said("{figure}: {model}", figure=measured, model=new), one.value, one.low, one.high, len(after)),
            Figure(
                said("{figure}: {model}", figure=measured, model=old), other.value, other.low, other.high, len(before)
            ),
        ],
        tables=[changed_table(changed)],
        details={"difference": [change.value, change.low, change.high]},
    )


def versus_on_new_rows(
    figure: str,
    versions: tuple[ModelVersion, ModelVersion],
    sums: tuple[NDArray[np.float64], NDArray[np.float64]],
    texts: Sequence[str],
    *,
    changed: Sequence[Changed] = (),
    groups: NDArray[np.integer] | None = None,
) -> Section:
    """``versus_section`` of the newer and the older version, on the rows whose ``texts`` neither has learned from.

    Where no such row is left, on all of them, with a warning. ``sums`` are those of both, in the order of ``versions``.
    """
    (new, old), known = versions, [load_seen(one.folder) for one in versions]
    fresh = np.array([not any(seen is not None and seen(text) for seen in known) for text in texts], dtype=bool)
    kept = fresh if fresh.any() else np.ones_like(fresh)
    left = {text for text, there in zip(texts, kept, strict=True) if there}
    after, before = (each[kept] for each in sums)
    made = versus_section(
        figure,
        new.ref,
        old.ref,
        after,
        before,
        changed=[one for one in changed if one.text in left],
        groups=None if groups is None else groups[kept],
    )
    if not fresh.any():
        return replace(made, warnings=[no_new_row()])
    untold = [one.ref for one, seen in zip(versions, known, strict=True) if seen is None]
    which = _not_told(untold, fresh) if untold else on_new_rows(fresh) if not fresh.all() else None
    return made if which is None else replace(made, sentences=[*made.sentences, which])


def no_new_row() -> str:
    """The warning where there is no row that two versions could honestly be compared on."""
    return said(
        "There is no row that neither version has learned from: whoever learned from more of them looks better "
        "than it is. Compare the two on a file that is new to both"
    )


def on_new_rows(fresh: NDArray[np.bool_]) -> str:
    """On which rows two versions were compared."""
    return said(
        "Compared on the {n} of {all} rows that neither version has learned from.",
        n=f"{int(fresh.sum()):,}",
        all=f"{len(fresh):,}",
    )


def _not_told(untold: Sequence[str], fresh: NDArray[np.bool_]) -> str:
    return said(
        "Compared on {n} of {all} rows; which of them {models} has learned from is not known, and would flatter it.",
        n=f"{int(fresh.sum()):,}",
        all=f"{len(fresh):,}",
        models=", ".join(untold),
    )


def shown_worse(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Whether ``one`` is worse than ``other`` on the same rows by more than chance; sums of shape (rows, 2)."""
    return int((one != other).any(axis=1).sum()) >= FEWEST_CHANGED and paired_ratio(other, one).high < 0


def _verdict(figure: str, change: Estimate, *, better: str, n: int, differ: int, grouped: bool) -> str:
    """``better`` is the one of the higher figure; ``differ`` rows, ``grouped``: documents, have another figure."""
    slots = {"figure": figure, "points": f"{100 * change.value:+.1f}", "n": f"{n:,}"}
    interval = {"low": f"{100 * change.low:+.1f}", "high": f"{100 * change.high:+.1f}"}
    if change.low <= 0 <= change.high:
        return said(
            "{figure} differs by {points} points on {n} rows (95 % interval {low} to {high}, paired bootstrap): that "
            "may be chance, neither is shown to be better.",
            **slots,
            **interval,
        )
    if differ < FEWEST_CHANGED:
        slots["differ"] = f"{differ:,}"
        if grouped:
            return said(
                "{figure} differs by {points} points on {n} rows, but in no more than {differ} documents: that may be "
                "chance, neither is shown to be better.",
                **slots,
            )
        return said(
            "{figure} differs by {points} points on {n} rows, but in no more than {differ} of them: that may be "
            "chance, neither is shown to be better.",
            **slots,
        )
    return said(
        "{better} is better: {figure} differs by {points} points on {n} rows (95 % interval {low} to {high}, "
        "paired bootstrap).",
        better=better,
        **slots,
        **interval,
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
