"""Whether the model's probabilities can be believed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from portside.evaluation.answers import Answers, surer_than_right
from portside.evaluation.calibration import BINS, Calibration, measure_calibration
from portside.evaluation.report.parts import Chart, Curve, Figure, Section
from portside.evaluation.scored import Scored
from portside.evaluation.verdicts import sure_beyond_measure
from portside.inference.classifier import softmax
from portside.said import said

__all__ = ["answers_calibration_section", "calibration_section", "reliability_section"]

FEWEST_A_BIN = 20
"""Rows: with fewer the error is mostly that of small numbers."""


def calibration_section(scored: Scored, *, temperature: float | None = None, fitted_here: bool = False) -> Section:
    """Reliability diagram and expected calibration error. Rows from outside have to be left out before.

    ``temperature`` is what the logits were divided by after training, on validation rows: with it the error before that
    is told, too. ``fitted_here``: these are those rows.
    """
    before = None
    adjusted = temperature is not None and temperature != 1.0
    if adjusted:
        before = softmax(scored.logits * np.float32(temperature)).max(axis=1)
    made = reliability_section(scored.confidence, scored.right, before=before, temperature=temperature)
    if adjusted and fitted_here:
        across = _adjusted_on_others(scored)
        figures = [] if across is None else [_error("Calibration error on rows it was not adjusted on", across)]
        made = replace(made, sentences=[*made.sentences, _flattered(across)], figures=[*made.figures, *figures])
    warning = sure_beyond_measure(scored)
    return made if warning is None else replace(made, warnings=[warning])


def _adjusted_on_others(scored: Scored) -> Calibration | None:
    """How far off the probabilities are on rows that they were not adjusted on; None where these are too few."""
    n = len(scored)
    if n < 2 * FEWEST_A_BIN:
        return None
    return measure_calibration(_adjusted_across(scored.logits, scored.truth), scored.right, bins=_bins(n))


def _error(name: str, found: Calibration) -> Figure:
    return Figure(name, found.error, found.low, found.high, found.n)


def _flattered(across: Calibration | None) -> str:
    """That the probabilities were adjusted on these rows, and how far off they are where they were not."""
    if across is None:
        return _may_be_further_off()
    return said(
        "They were adjusted on these very rows, which flatters them. Adjusted on one half of the rows and measured on "
        "the other, each in turn, they are off by {points} percentage points.",
        points=f"{100 * across.error:.1f}",
    )


def _may_be_further_off() -> str:
    return said("They were adjusted on these very rows, which flatters them: on other texts they may be further off.")


def _adjusted_across(logits: NDArray[np.float32], truth: NDArray[np.int64], *, seed: int = 0) -> NDArray[np.float64]:
    """The confidence of each row by the temperature that fits the other half of the rows; shape (rows,)."""
    from portside.training.closed_form import best_temperature

    claimed = np.zeros(len(truth))
    halves = np.array_split(np.random.default_rng(seed).permutation(len(truth)), 2)
    for learn, judge in (halves, halves[::-1]):
        temperature = best_temperature(logits[learn].astype(np.float64), truth[learn])
        claimed[judge] = softmax(logits[judge] / np.float32(temperature)).max(axis=1)
    return claimed


def _bins(rows: int) -> int:
    return min(BINS, max(1, rows // FEWEST_A_BIN))


def reliability_section(
    confidence: NDArray[np.floating],
    right: NDArray[np.bool_],
    *,
    groups: NDArray[np.integer] | None = None,
    before: NDArray[np.floating] | None = None,
    temperature: float | None = None,
    fitted_here: bool = False,
) -> Section:
    """Of answers claimed with ``confidence``, whether they were ``right``; all of shape (answers,).

    ``before`` is what was claimed before the probabilities were adjusted by ``temperature``; ``fitted_here``: on these
    very rows. ``groups`` are answers that are alike, as those to one text.
    """
    bins = _bins(len(confidence))
    found = measure_calibration(confidence, right, groups=groups, bins=bins)
    sentences, errors = [found.sentence], [_error("Expected calibration error", found)]
    if before is not None and temperature is not None:
        was = measure_calibration(before, right, groups=groups, bins=bins)
        errors.append(_error("Calibration error before adjustment", was))
        sentences.append(
            said(
                "Before its probabilities were adjusted on validation rows (temperature {temperature}), they were off "
                "by {points} percentage points.",
                temperature=f"{temperature:.2f}",
                points=f"{100 * was.error:.1f}",
            )
        )
        sentences += [_may_be_further_off()] if fitted_here else []
    return Section(
        key="calibration",
        title="Whether its probabilities can be believed",
        sentences=sentences,
        figures=[*errors, Figure("Mean confidence", found.confidence, n=found.n)],
        charts=[_diagram(found)],
        details={} if temperature is None else {"temperature": temperature},
    )


def _diagram(found: Calibration) -> Chart:
    first, last = found.bins[0], found.bins[-1]
    return Chart(
        title="Claimed and true share of right answers",
        summary=said(
            "From the least sure answers (claims {claimed} %, right in {right} %) to the surest (claims {most} %, "
            "right in {best} %); on the dashed line both agree, upright lines show the 95 % intervals.",
            claimed=f"{100 * first.confidence:.0f}",
            right=f"{100 * first.accuracy:.0f}",
            most=f"{100 * last.confidence:.0f}",
            best=f"{100 * last.accuracy:.0f}",
        ),
        x_title="how sure the model claims to be",
        y_title="how often it is right",
        curves=[
            Curve(
                "measured",
                [one.confidence for one in found.bins],
                [one.accuracy for one in found.bins],
                dots=True,
                low=[one.low for one in found.bins],
                high=[one.high for one in found.bins],
                n=[one.n for one in found.bins],
            ),
            Curve("perfectly honest", [0.0, 1.0], [0.0, 1.0], reference=True),
        ],
    )


def answers_calibration_section(
    answers: Answers, *, before: NDArray[np.floating] | None, temperature: float | None, fitted_here: bool
) -> Section:
    """``reliability_section`` of any number of answers to each text, with a warning where they claim too much."""
    made = reliability_section(
        answers.confidence,
        answers.right,
        groups=answers.text,
        before=before,
        temperature=temperature,
        fitted_here=fitted_here,
    )
    warning = surer_than_right(answers)
    return made if warning is None else replace(made, warnings=[warning])
