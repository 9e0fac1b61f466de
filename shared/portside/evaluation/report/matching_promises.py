"""What can be promised of the document that a matcher ranks first, if it may name none where none is near."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from portside.evaluation.intervals import wilson
from portside.evaluation.report.parts import Figure, Section
from portside.evaluation.report.promises import promise_table, risk_chart
from portside.evaluation.risk import RISKS, RiskPromise, promise_risk, risk_coverage, together
from portside.said import said

__all__ = ["first_documents_section"]


def first_documents_section(
    right: Mapping[str, bool], cosines: Mapping[str, float], risks: Sequence[float] = RISKS
) -> Section:
    """Promises at each of ``risks`` on the first document of queries that have one.

    ``right``: query -> whether the first document is right; ``cosines``: query -> how near that document is. The cosine
    is looked at whatever the documents are ranked by: it is the one score that says the same for every query.
    """
    queries = [query for query in right if query in cosines]
    near = np.array([cosines[query] for query in queries], dtype=np.float64)
    hit = np.array([right[query] for query in queries], dtype=bool)
    promises = [promise_risk(near, hit, risk=risk) for risk in risks]
    curve = risk_coverage(near, hit) if queries else None
    doubt = wilson(int((~hit).sum()), len(queries))
    wrong = (
        [] if curve is None else [Figure("Wrong if it always names the first", curve.wrong[-1], *doubt, len(queries))]
    )
    drawn = said("Wrong first documents by the share of queries answered")
    share = said("share of queries answered, the nearest first")
    return Section(
        key="guarantee",
        title="What can be promised about mistakes",
        sentences=[
            *map(_sentence, promises),
            *(one for one in [together(promises)] if one is not None),
            said("A cosine is no probability: it only orders the queries, from the surest down."),
        ],
        figures=wrong,
        charts=[] if curve is None else [risk_chart(curve, drawn, share)],
        tables=[
            promise_table(
                ["at most wrong", "answer from a cosine of", "answered", "wrong on these rows"],
                [(one.risk, one.threshold, one.answered, one.wrong) for one in promises],
                "{:.3f}".format,
            )
        ],
        details={"promises": [one.to_dict() for one in promises], "aurc": None if curve is None else curve.area},
    )


def _sentence(one: RiskPromise) -> str:
    if one.threshold is None:
        return one.sentence
    return said(
        "Naming the first document only where its cosine to the query is at least {cosine}, the model answers "
        "{answered} % of queries like these, at most {risk} % of them with a wrong one (certain to {certainty} %, "
        "n = {n}).",
        cosine=f"{one.threshold:.3f}",
        answered=f"{100 * one.answered:.0f}",
        risk=f"{100 * one.risk:g}",
        certainty=f"{100 * one.certainty:g}",
        n=f"{one.n:,}",
    )
