"""Whether the model's probabilities can be believed."""

from __future__ import annotations

from portside.evaluation.calibration import BINS, measure_calibration
from portside.evaluation.report.parts import Chart, Curve, Figure, Section
from portside.evaluation.scored import Scored
from portside.evaluation.verdicts import sure_beyond_measure

__all__ = ["calibration_section"]

FEWEST_A_BIN = 20
"""Rows: with fewer the error is mostly that of small numbers."""


def calibration_section(scored: Scored, *, temperature: float | None = None) -> Section:
    """Reliability diagram and expected calibration error. Rows from outside have to be left out before."""
    found = measure_calibration(scored.confidence, scored.right, bins=min(BINS, max(1, len(scored) // FEWEST_A_BIN)))
    warning = sure_beyond_measure(scored)
    first, last = found.bins[0], found.bins[-1]
    chart = Chart(
        title="Claimed and true share of right answers",
        summary=f"From the least sure answers (claims {100 * first.confidence:.0f} %, right in "
        f"{100 * first.accuracy:.0f} %) to the surest (claims {100 * last.confidence:.0f} %, right in "
        f"{100 * last.accuracy:.0f} %); on the dashed line both agree.",
        x_title="how sure the model claims to be",
        y_title="how often it is right",
        curves=[
            Curve("measured", [one.confidence for one in found.bins], [one.accuracy for one in found.bins], dots=True),
            Curve("perfectly honest", [0.0, 1.0], [0.0, 1.0], reference=True),
        ],
    )
    return Section(
        key="calibration",
        title="Whether its probabilities can be believed",
        sentences=[found.sentence],
        warnings=[] if warning is None else [warning],
        figures=[
            Figure("Expected calibration error", found.error, found.low, found.high, found.n),
            Figure("Mean confidence", found.confidence, n=found.n),
        ],
        charts=[chart],
        details={} if temperature is None else {"temperature": temperature},
    )
