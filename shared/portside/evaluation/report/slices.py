"""Where the model is worse than elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from portside.evaluation.report.parts import Bar, Cell, Chart, Section, Table, percent
from portside.evaluation.report.words import joined
from portside.evaluation.scored import Scored
from portside.evaluation.slices import Slice, compare_slices, slices_of
from portside.said import said

__all__ = ["section_of", "slices_section"]

DRAWN = 12
NAMED = 3


def slices_section(scored: Scored) -> Section | None:
    """Accuracy on parts of the rows against the rest; None where no part has rows enough. Without rows from outside."""
    return section_of(compare_slices(scored.right, slices_of(scored)))


def section_of(found: Sequence[Slice], *how: str) -> Section | None:
    """What was found on parts of the rows, and ``how``, in sentences; None where nothing was found."""
    if not found:
        return None
    worse = [one for one in found if one.worse]
    if worse:
        named: list[str] = [
            said(
                "{part} (right on {share} of {n}, elsewhere on {rest})",
                part=one.name,
                share=percent(one.accuracy, 0),
                n=f"{one.n:,}",
                rest=percent(one.rest, 0),
            )
            for one in worse[:NAMED]
        ]
        if len(worse) > NAMED:
            named.append(said("and {n} more below", n=len(worse) - NAMED))
        sentence = said(
            "Worse than elsewhere by more than chance: {named}. More rows of these would help most.",
            named=joined(named, "; "),
        )
    else:
        sentence = said("Of {n} parts of the rows none is worse than the rest by more than chance.", n=len(found))
    rows: list[list[Cell]] = [
        [
            one.name,
            one.n,
            percent(one.accuracy),
            percent(one.rest),
            "< 0.1 %" if one.p_worse < 0.001 else percent(one.p_worse),
            said("worse") if one.worse else "",
        ]
        for one in found
    ]
    return Section(
        key="slices",
        title="Where it is worse",
        sentences=[sentence, *how],
        charts=[_chart(found)],
        tables=[
            Table(
                said("Parts of the rows ({n})", n=len(found)),
                ["part", "rows", "right", "right elsewhere", "by chance alone (Fisher, Holm)", ""],
                rows,
            )
        ],
    )


def _chart(found: Sequence[Slice]) -> Chart:
    drawn = sorted(found[:DRAWN], key=lambda one: one.accuracy)
    return Chart(
        title=said("Right answers on parts of the rows ({shown} of {all})", shown=len(drawn), all=len(found)),
        summary=said(
            "On {part} it is right in {share}; a line shows the 95 % interval, parts that are worse by more "
            "than chance are marked.",
            part=drawn[0].name,
            share=percent(drawn[0].accuracy, 0),
        ),
        x_title="right answers",
        y_title="part of the rows",
        bars=[Bar(_bar_name(one), one.accuracy, one.low, one.high, one.worse) for one in drawn],
    )


def _bar_name(one: Slice) -> str:
    n = f"{one.n:,}"
    return said("{part} ({n}) *", part=one.name, n=n) if one.worse else said("{part} ({n})", part=one.name, n=n)
