"""What can be promised about mistakes, if the model may stay silent where it is unsure."""

from __future__ import annotations

from collections.abc import Sequence

from portside.evaluation.conformal import promise_sets
from portside.evaluation.intervals import wilson
from portside.evaluation.report.parts import Figure, Section
from portside.evaluation.report.promises import promise_table, risk_chart
from portside.evaluation.risk import RISKS, promise_risk, risk_coverage, together
from portside.evaluation.scored import Scored
from portside.said import said

__all__ = ["RISKS", "guarantee_section", "not_by_model"]

COVERAGE = 0.95
"""Share of texts whose suggestions must hold the true label."""


def guarantee_section(
    scored: Scored, *, by_model: bool = True, risks: Sequence[float] = RISKS, trained_on: int = 0
) -> Section:
    """Promises at each of ``risks``, the risk-coverage curve, and label sets that cover ``COVERAGE``.

    Rows from outside count as wrong when they are answered; label sets are of the others. Not ``by_model``: networks
    that learned from a part of the rows answered the others, and the promise is theirs. ``trained_on``: rows that are
    not among these, as the model learned from their texts.
    """
    promises = [promise_risk(scored.confidence, scored.right, risk=risk) for risk in risks]
    known = scored.at(scored.inside)
    sets = promise_sets(known.probabilities, known.truth, coverage=COVERAGE)
    curve = risk_coverage(scored.confidence, scored.right) if len(scored) else None
    doubt = wilson(int((~scored.right).sum()), len(scored))
    title, given = "Wrong answers by the share of texts answered", "share of texts answered, the surest first"
    return Section(
        key="guarantee",
        title="What can be promised about mistakes",
        sentences=[
            *(one.sentence for one in promises),
            *(one for one in [together(promises)] if one is not None),
            sets.sentence,
            *([_left_out(trained_on)] if trained_on else []),
            *([] if by_model else [not_by_model()]),
        ],
        figures=[]
        if curve is None
        else [Figure("Wrong if it answers everything", curve.wrong[-1], *doubt, len(scored))],
        charts=[] if curve is None else [risk_chart(curve, title, given)],
        tables=[
            promise_table(
                ["at most wrong", "answer from", "answered", "wrong on these rows"],
                [(one.risk, one.threshold, one.answered, one.wrong) for one in promises],
            )
        ],
        details={
            "promises": [one.to_dict() for one in promises],
            "aurc": None if curve is None else curve.area,
            "label_sets": sets.to_dict(),
        },
    )


def _left_out(rows: int) -> str:
    return said("{n} rows whose text the model was trained on do not count here: it is surer of them.", n=f"{rows:,}")


def not_by_model() -> str:
    """Of whom a promise was shown, where other networks answered the rows in the model's place."""
    return said(
        "This was shown for networks that each learned from a part of the rows. The model itself learned from all of "
        "them: it should do no worse, but that is not shown. Measure it on other labelled rows before you rely on it."
    )
