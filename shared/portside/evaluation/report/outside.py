"""Whether the model notices texts that have none of its labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from portside.evaluation.calibration import expected_calibration_error
from portside.evaluation.intervals import wilson
from portside.evaluation.outside import choose_method, outside_scores, separation_intervals
from portside.evaluation.report.parts import Figure, Section, percent
from portside.evaluation.scored import Scored
from portside.inference.outside_gate import FALSE_ALARMS, EnergyGate, InsideReading
from portside.said import said

__all__ = ["outside_section"]

TITLE = "Texts that have none of its labels"
FEWEST = 20
"""Rows of either side: with fewer a half of them says nothing."""


def outside_section(scored: Scored, *, kept: bool = False, by_model: bool = True, seed: int = 0) -> Section | None:
    """What the gate that serves does with the rows, then what a better one could; None without anything to say.

    Rows from outside are those whose label the model does not know. ``kept``: the rows are those kept aside in
    training, by which the gate was fixed; not ``by_model``: other networks answered them.
    """
    parts, gate = [], scored.gate
    if gate is not None:
        parts.append(_served(gate.outside(scored.logits), scored.inside, kept=kept, by_model=by_model))
        if gate.reading is not None and not kept:
            parts.append(_read(scored, gate.reading))
    if not scored.inside.all():
        parts.append(_possible(scored, gate, seed))
    if not parts:
        return None
    return Section(
        key="outside",
        title=TITLE,
        sentences=[sentence for part in parts for sentence in part.sentences],
        figures=[figure for part in parts for figure in part.figures],
        details={name: value for part in parts for name, value in (part.details or {}).items()},
    )


def _served(taken: NDArray[np.bool_], inside: NDArray[np.bool_], *, kept: bool, by_model: bool) -> Section:
    """The gate in the model's file: what it takes for unlike all that was learned is marked wherever it answers."""
    alarms, caught = taken[inside], taken[~inside]
    sentences: list[str] = []
    figures: list[Figure] = []
    if len(alarms):
        sentences.append(
            said(
                "As it serves, the model takes {share} of {n} texts that have one of its labels for unlike everything "
                "it learned (95 % interval {low} to {high}).",
                **_values(alarms),
            )
        )
        figures.append(_share("False alarms, as it serves", alarms))
    if kept:
        sentences.append(_fixed_here(by_model))
    if len(caught):
        sentences.append(
            said(
                "As it serves, it notices {share} of {n} texts with none of its labels (95 % interval {low} to "
                "{high}); the others it answers like any text.",
                **_values(caught),
            )
        )
        figures.append(_share("Noticed of those from outside, as it serves", caught))
    return Section("outside", TITLE, sentences, figures=figures)


def _read(scored: Scored, reading: InsideReading) -> Section:
    """The chance that none of its labels fits: how it was learned, and whether probabilities with it hold."""
    sentences = [
        said(
            "From {n} texts with none of its labels it has learned the chance that none fits, for a use in which "
            "{share} of the texts are such ones: its probabilities sum to that much less than 100 %.",
            n=f"{reading.n:,}",
            share=percent(reading.share, 0),
        )
    ]
    without = int((~scored.inside).sum())
    if without < FEWEST:
        return Section("outside", TITLE, sentences)
    error = expected_calibration_error(scored.confidence, scored.right)
    sentences.append(
        said(
            "With the {n} such texts of these rows mixed in ({part} of all) its probabilities are off by {points} "
            "percentage points (expected calibration error).",
            n=f"{without:,}",
            part=percent(without / len(scored), 0),
            points=f"{100 * error:.1f}",
        )
    )
    figure = Figure("Calibration error with texts from outside, as it serves", error, n=len(scored))
    return Section("outside", TITLE, sentences, figures=[figure])


def _fixed_here(by_model: bool) -> str:
    if by_model:
        return said(
            "Its threshold was fixed on these same rows, to take about one in {every} of them: of other texts it may "
            "take more.",
            every=round(1 / FALSE_ALARMS),
        )
    return said(
        "Its threshold was fixed on these same rows, to take about one in {every} of them, by what networks said that "
        "each learned from a part of the rows: how many the model itself takes is not shown.",
        every=round(1 / FALSE_ALARMS),
    )


def _possible(scored: Scored, gate: EnergyGate | None, seed: int) -> Section:
    """Score and threshold are fixed on one half of the rows and measured on the other."""
    inside, outside = np.flatnonzero(scored.inside), np.flatnonzero(~scored.inside)
    unserved = [] if gate is not None else [_no_gate()]
    if min(len(inside), len(outside)) < FEWEST:
        few = said(
            "{n} rows have a label that the model does not know; it takes {needed} to measure whether a threshold "
            "could be found that notices them.",
            n=f"{len(outside):,}",
            needed=FEWEST,
        )
        return Section("outside", TITLE, [*unserved, few])
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
        title=TITLE,
        sentences=[
            *unserved,
            said(
                "With a score ({method}) and threshold fixed on one half of these rows it would notice {caught} of {n} "
                "texts with none of its labels in the other half, and take {alarms} of the others for such ones.",
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
            _share("Noticed, threshold fixed on these rows", caught),
            _share("False alarms, threshold fixed on these rows", alarms),
            Figure("AUROC", auroc.value, auroc.low, auroc.high, len(judge), share=False),
            Figure("False alarms where 95 % are noticed", alarms95.value, alarms95.low, alarms95.high, len(alarms)),
        ],
        details={"method": method, "threshold": threshold},
    )


def _no_gate() -> str:
    return said("As it serves, the model marks no text as unlike what it learned: it has no threshold for that.")


def _values(hits: NDArray[np.bool_]) -> dict[str, str]:
    low, high = wilson(int(hits.sum()), len(hits))
    return {
        "n": f"{len(hits):,}",
        "share": percent(float(hits.mean())),
        "low": f"{100 * low:.1f}",
        "high": f"{100 * high:.1f}",
    }


def _share(name: str, hits: NDArray[np.bool_]) -> Figure:
    return Figure(name, float(hits.mean()), *wilson(int(hits.sum()), len(hits)), len(hits))
