"""Whether the model notices texts that have none of its labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from portside.evaluation.intervals import wilson
from portside.evaluation.outside import choose_method, outside_scores, separation_intervals
from portside.evaluation.report.parts import Figure, Section, percent
from portside.evaluation.scored import Scored
from portside.inference.outside_gate import FALSE_ALARMS
from portside.said import said

__all__ = ["outside_section"]

FEWEST = 20
"""Rows of either side: with fewer a half of them says nothing."""


def outside_section(scored: Scored, *, seed: int = 0) -> Section | None:
    """Score and threshold are fixed on one half of the rows and measured on the other; None without rows from outside.

    Rows from outside are those whose label the model does not know.
    """
    inside, outside = np.flatnonzero(scored.inside), np.flatnonzero(~scored.inside)
    if not len(outside):
        return None
    title = "Texts that have none of its labels"
    if min(len(inside), len(outside)) < FEWEST:
        few = said(
            "{n} rows have a label that the model does not know; it takes {needed} to measure whether it notices.",
            n=f"{len(outside):,}",
            needed=FEWEST,
        )
        return Section("outside", title, [few])
    random = np.random.default_rng(seed)
    halves = [np.array_split(random.permutation(places), 2) for places in (inside, outside)]
    learn, judge = (scored.at(np.sort(np.concatenate([part[half] for part in halves]))) for half in (0, 1))
    method = choose_method(None, learn)
    threshold = float(np.quantile(outside_scores(learn, method)[learn.inside], 1 - FALSE_ALARMS))
    scores = outside_scores(judge, method)
    taken = scores > threshold
    auroc, alarms95 = separation_intervals(scores, judge.inside, seed=seed)
    caught, alarms = taken[~judge.inside], taken[judge.inside]
    return Section(
        key="outside",
        title=title,
        sentences=[
            said(
                "Of {n} texts with none of its labels it notices {caught}, and takes {alarms} of the others for such "
                "ones. Score ({method}) and threshold were fixed on the other half of the rows.",
                n=f"{len(caught):,}",
                caught=percent(float(caught.mean()), 0),
                alarms=percent(float(alarms.mean()), 0),
                method=method,
            ),
            said(
                "AUROC tells how well the two are told apart: 1 is always, 0.5 is no better than chance. It says how "
                "often a text from outside looks stranger to the model than one from inside."
            ),
        ],
        figures=[
            _share("Noticed of those from outside", caught),
            _share("False alarms", alarms),
            Figure("AUROC", auroc.value, auroc.low, auroc.high, len(judge), share=False),
            Figure("False alarms where 95 % are noticed", alarms95.value, alarms95.low, alarms95.high, len(alarms)),
        ],
        details={"method": method, "threshold": threshold},
    )


def _share(name: str, hits: NDArray[np.bool_]) -> Figure:
    return Figure(name, float(hits.mean()), *wilson(int(hits.sum()), len(hits)), len(hits))
