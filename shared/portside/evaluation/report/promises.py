"""What can be promised about mistakes where a text may have several answers: names found, labels given."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from portside.evaluation.answers import Answers
from portside.evaluation.intervals import wilson, wilson_of_groups
from portside.evaluation.report.parts import Cell, Chart, Curve, Figure, Section, Table
from portside.evaluation.risk import RISKS, RiskCoverage, promise_texts, risk_coverage, together
from portside.said import said

__all__ = ["promise_section", "promise_table", "risk_chart"]


def promise_section(answers: Answers, called: str, *, grouped: bool = False, risks: Sequence[float] = RISKS) -> Section:
    """Promises at each of ``risks``, and how many answers are wrong by how many are given.

    ``called`` is what the answers are, in the plural: ``said("names")``. ``grouped``: they are those to one text of
    each document.
    """
    promises = [promise_texts(answers.confidence, answers.right, answers.text, risk=risk) for risk in risks]
    counted = said(
        "Several {answers} of one text are not independent: a text counts once, as wrong where one of them is.",
        answers=called,
    )
    documents = said("Of each document one text counts, drawn by chance: those of one document are alike.")
    curve = risk_coverage(answers.confidence, answers.right) if len(answers) else None
    doubt = wilson_of_groups(~answers.right, answers.text)
    wrong = [] if curve is None else [Figure("Wrong if it gives all it finds", curve.wrong[-1], *doubt, len(answers))]
    return Section(
        key="guarantee",
        title="What can be promised about mistakes",
        sentences=[
            *(one.sentence(called) for one in promises),
            *(one for one in [together(promises)] if one is not None),
            counted,
            *([documents] if grouped else []),
        ],
        figures=wrong,
        charts=[] if curve is None else [_given_chart(curve, answers)],
        tables=[
            promise_table(
                ["texts with a wrong one, at most", "give from", "given", "on these rows"],
                [(one.risk, one.threshold, one.kept, one.wrong) for one in promises],
            )
        ],
        details={"promises": [one.to_dict() for one in promises], "aurc": None if curve is None else curve.area},
    )


def _given_chart(curve: RiskCoverage, answers: Answers) -> Chart:
    """The curve of answers of which a text may have several: these are alike, which makes the intervals wider."""
    surest = np.argsort(-answers.confidence, kind="stable")

    def doubt(given: int, wrong: int) -> tuple[float, float]:
        first = surest[:given]
        return wilson_of_groups(~answers.right[first], answers.text[first])

    title, share = said("Wrong answers by the share of answers given"), "share of answers given, the surest first"
    return risk_chart(curve, title, share, doubt)


def risk_chart(
    curve: RiskCoverage,
    title: str,
    x_title: str,
    doubt: Callable[[int, int], tuple[float, float]] = lambda given, wrong: wilson(wrong, given),
) -> Chart:
    """The risk-coverage curve; ``doubt`` gives the 95 % interval of so many given and wrong of them, the surest."""
    half = next(wrong for given, wrong in zip(curve.answered, curve.wrong, strict=True) if given >= 0.5 or given == 1)
    return Chart(
        title=title,
        summary=said(
            "Answering only the surest half, {half} % of the answers are wrong; answering all, {all} %. Upright lines "
            "show the 95 % intervals.",
            half=f"{100 * half:.1f}",
            all=f"{100 * curve.wrong[-1]:.1f}",
        ),
        x_title=x_title,
        y_title="wrong among the answered",
        curves=[Curve("measured", curve.answered, curve.wrong), _tenths(curve, doubt)],
    )


def _tenths(curve: RiskCoverage, doubt: Callable[[int, int], tuple[float, float]]) -> Curve:
    """The curve's points at each tenth with their intervals: at every point the lines would hide the curve."""
    # The curve begins with the surest answer alone.
    n = round(1 / curve.answered[0])
    shares = list(zip(curve.answered, curve.wrong, strict=True))
    given = dict.fromkeys(
        next((round(share * n), wrong) for share, wrong in shares if share >= tenth / 10 - 1e-9)
        for tenth in range(1, 11)
    )
    bounds = [doubt(count, round(wrong * count)) for count, wrong in given]
    return Curve(
        "at each tenth, with its 95 % interval",
        [count / n for count, _ in given],
        [wrong for _, wrong in given],
        dots=True,
        low=[low for low, _ in bounds],
        high=[high for _, high in bounds],
        n=[count for count, _ in given],
    )


def promise_table(
    head: Sequence[str],
    promises: Sequence[tuple[float, float | None, float, float]],
    shown: Callable[[float], str] = lambda threshold: f"{100 * threshold:.1f} %",
) -> Table:
    """A row each: share of mistakes, threshold (None: no promise), share given, share wrong; ``shown``: a threshold."""
    rows: list[list[Cell]] = [
        [
            f"{100 * risk:g} %",
            "–" if threshold is None else shown(threshold),
            f"{100 * given:.0f} %",
            "–" if threshold is None else f"{100 * wrong:.1f} %",
        ]
        for risk, threshold, given, wrong in promises
    ]
    return Table("Promises", head, rows)
