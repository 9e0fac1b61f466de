"""Whether one version is better than another on the same rows, and which answers changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from portside.errors import UsageError
from portside.evaluation.intervals import wilson
from portside.evaluation.report.parts import Bar, Chart, Figure, Section, percent
from portside.evaluation.report.versus import Changed, changed_table, no_new_row, on_new_rows
from portside.evaluation.scored import Scored
from portside.evaluation.significance import SIGNIFICANT, Estimate, Paired, holm, mcnemar, paired_macro_f1
from portside.said import joined, said

__all__ = ["compare_on_new_rows", "comparison_section"]

LEAST_SHOWN = 0.001
"""Of three decimals a smaller chance would show none, as if there were no doubt at all."""
LABELS_DRAWN = 10


def comparison_section(new: Scored, old: Scored, truth: Sequence[str]) -> Section:
    """``new`` against ``old``, both asked about the same texts in the same order; ``truth`` are the rows' labels.

    The two may know different labels.

    Raises:
        UsageError: they were asked about different texts.
    """
    if new.texts != old.texts:
        raise UsageError(
            "Two versions are compared on the same rows", seen=f"{len(new)} and {len(old)} rows that differ"
        )
    paired = mcnemar(old.right.tolist(), new.right.tolist())
    before, after = float(old.right.mean()), float(new.right.mean())
    n, macro = len(new), _macro_f1(new, old, truth)
    return Section(
        key="comparison",
        title=said("Compared with {old}", old=old.model),
        sentences=[
            said(
                "{new} is right on {hits} of {n} texts, {old} on {before}: {mended} answers are mended, {broken} newly "
                "wrong.",
                new=new.model,
                hits=f"{int(new.right.sum()):,}",
                n=f"{n:,}",
                old=old.model,
                before=f"{int(old.right.sum()):,}",
                mended=f"{paired.only_second:,}",
                broken=f"{paired.only_first:,}",
            ),
            _verdict(new.model, old.model, paired),
            said(
                "Macro-F1, in which every label counts the same, changes by {points} points (95 % interval {low} to "
                "{high}, paired bootstrap).",
                points=f"{100 * macro.value:+.1f}",
                low=f"{100 * macro.low:+.1f}",
                high=f"{100 * macro.high:+.1f}",
            ),
            *_labels_shown(new, old, truth),
        ],
        figures=[
            Figure(said("Accuracy of {model}", model=new.model), after, *wilson(int(new.right.sum()), n), n),
            Figure(said("Accuracy of {model}", model=old.model), before, *wilson(int(old.right.sum()), n), n),
        ],
        charts=_by_label(new, old, truth),
        tables=[changed_table(_changed(new, old, truth))],
        details={
            "macro_f1_difference": [macro.value, macro.low, macro.high],
            "p_different": paired.p_different,
            "mended": paired.only_second,
            "newly_wrong": paired.only_first,
        },
    )


def compare_on_new_rows(new: Scored, old: Scored, truth: Sequence[str], fresh: NDArray[np.bool_]) -> Section:
    """As ``comparison_section``, on the rows that neither has learned from, which ``fresh`` tells; shape (rows,).

    Where no such row is left, on all of them, with a warning.
    """
    if fresh.all():
        return comparison_section(new, old, truth)
    if not fresh.any():
        return replace(comparison_section(new, old, truth), warnings=[no_new_row()])
    made = comparison_section(new.at(fresh), old.at(fresh), [truth[place] for place in np.flatnonzero(fresh).tolist()])
    return replace(made, sentences=[*made.sentences, on_new_rows(fresh)])


def _macro_f1(new: Scored, old: Scored, truth: Sequence[str]) -> Estimate:
    # The two may number the same labels differently.
    names = sorted({*truth, *new.labels, *old.labels})
    place_of = {name: place for place, name in enumerate(names)}
    before, after = (
        np.array([place_of[one.labels[place]] for place in one.predicted], dtype=np.int64) for one in (old, new)
    )
    return paired_macro_f1(np.array([place_of[name] for name in truth], dtype=np.int64), before, after)


def _verdict(new: str, old: str, paired: Paired) -> str:
    p = f"{paired.p_different:.3f}"
    if paired.p_different >= SIGNIFICANT:
        return said(
            "The difference may be chance (McNemar's test, p = {p}): on these rows neither is shown to be better.", p=p
        )
    better, worse = (new, old) if paired.only_second > paired.only_first else (old, new)
    if paired.p_different < LEAST_SHOWN:
        return said(
            "{better} is better than {worse}; so large a difference is hardly chance (McNemar's test, p below {p}).",
            better=better,
            worse=worse,
            p=LEAST_SHOWN,
        )
    return said(
        "{better} is better than {worse}; so large a difference is hardly chance (McNemar's test, p = {p}).",
        better=better,
        worse=worse,
        p=p,
    )


def _labels_shown(new: Scored, old: Scored, truth: Sequence[str]) -> list[str]:
    """Labels that became better or worse by more than chance: the largest change of many is often luck."""
    names, labels = sorted(set(truth)), np.asarray(truth, dtype=object)
    if len(names) < 2:
        return []
    pairs = [mcnemar(old.right[labels == one].tolist(), new.right[labels == one].tolist()) for one in names]
    chances = holm([one.p_different for one in pairs])
    shown = [(name, pair) for name, pair, p in zip(names, pairs, chances, strict=True) if p < SIGNIFICANT]
    if not shown:
        return [
            said(
                "Of {n} labels none became better or worse by more than chance (McNemar's test of each, corrected for "
                "their number by Holm).",
                n=f"{len(names):,}",
            )
        ]
    told: list[str] = [
        said("'{label}' better", label=name)
        if pair.only_second > pair.only_first
        else said("'{label}' worse", label=name)
        for name, pair in shown
    ]
    return [
        said(
            "By more than chance (McNemar's test of each of {n} labels, corrected for their number by Holm): {labels}.",
            n=f"{len(names):,}",
            labels=joined(told, ", "),
        )
    ]


def _by_label(new: Scored, old: Scored, truth: Sequence[str]) -> list[Chart]:
    labels = np.asarray(truth, dtype=object)
    changes = []
    for label in sorted(set(truth)):
        rows = labels == label
        change = int(new.right[rows].sum()) - int(old.right[rows].sum())
        if change:
            changes.append((change, label, int(rows.sum())))
    if not changes:
        return []
    changes.sort(key=lambda one: (-abs(one[0]), one[1]))
    change, label, rows_of = changes[0]
    return [
        Chart(
            title=said(
                "Labels that gained or lost right answers ({shown} of {all})",
                shown=min(len(changes), LABELS_DRAWN),
                all=len(changes),
            ),
            summary=said(
                "'{label}' changed most: {change} right answers in {rows} rows.",
                label=label,
                change=f"{change:+d}",
                rows=f"{rows_of:,}",
            ),
            x_title="right answers more or less",
            y_title="label",
            bars=[Bar(f"{name} ({n})", float(change), stands_out=change < 0) for change, name, n in changes][
                :LABELS_DRAWN
            ],
            share=False,
        )
    ]


def _changed(new: Scored, old: Scored, truth: Sequence[str]) -> list[Changed]:
    before, after = ([one.labels[place] for place in one.predicted] for one in (old, new))
    return [
        Changed(
            new.rows[place],
            new.texts[place],
            truth[place],
            f"{before[place]} ({percent(float(old.confidence[place]), 0)})",
            f"{after[place]} ({percent(float(new.confidence[place]), 0)})",
            worse=int(old.right[place]) - int(new.right[place]),
            happened=_what_happened(bool(old.right[place]), bool(new.right[place])),
        )
        for place in range(len(new))
        if before[place] != after[place]
    ]


def _what_happened(was: bool, now: bool) -> str:
    if was == now:
        return said("still wrong")
    return said("mended") if now else said("newly wrong")
