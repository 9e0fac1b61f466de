"""What can be promised about mistakes where a text may have several answers: names found, labels given."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from portside.evaluation.answers import Answers
from portside.evaluation.intervals import wilson_of_groups
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
        charts=[] if curve is None else [risk_chart(curve, said("Wrong answers by the share of answers given"))],
        tables=[
            promise_table(
                ["texts with a wrong one, at most", "give from", "given", "on these rows"],
                [(one.risk, one.threshold, one.kept, one.wrong) for one in promises],
            )
        ],
        details={"promises": [one.to_dict() for one in promises], "aurc": None if curve is None else curve.area},
    )


def risk_chart(curve: RiskCoverage, title: str, x_title: str = "share of answers given, the surest first") -> Chart:
    """The risk-coverage curve."""
    half = next(wrong for given, wrong in zip(curve.answered, curve.wrong, strict=True) if given >= 0.5 or given == 1)
    return Chart(
        title=title,
        summary=said(
            "Answering only the surest half, {half} % of the answers are wrong; answering all, {all} %.",
            half=f"{100 * half:.1f}",
            all=f"{100 * curve.wrong[-1]:.1f}",
        ),
        x_title=x_title,
        y_title="wrong among the answered",
        curves=[Curve("measured", curve.answered, curve.wrong)],
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
