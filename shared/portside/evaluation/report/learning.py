"""Whether more rows would help."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from portside.evaluation.intervals import wilson
from portside.evaluation.report.parts import Chart, Curve, Figure, Section, percent
from portside.evaluation.significance import mcnemar

__all__ = ["curve_sections"]

SIGNIFICANT = 0.05
WORTH = 0.01
"""Gain in accuracy from the last doubling that makes a further one worth its labelling."""


def curve_sections(points: Sequence[tuple[int, NDArray[np.bool_]]]) -> list[Section]:
    """The learning curve from rows learned from, and which of the same other rows came out right; empty of one point.

    The last two points are compared: the last has about twice as many rows.
    """
    if len(points) < 2:
        return []
    (half_rows, half), (rows, whole) = points[-2:]
    gain = float(whole.mean() - half.mean())
    paired = mcnemar(half.tolist(), whole.tolist())
    said = (
        f"From {half_rows:,} to {rows:,} rows a simple classifier went from {percent(float(half.mean()))} to "
        f"{percent(float(whole.mean()))} right"
    )
    if paired.p_better < SIGNIFICANT and gain >= WORTH:
        sentence = f"{said}: twice as many rows would probably help again."
    elif paired.p_better < SIGNIFICANT:
        sentence = f"{said}: more rows would help a little; better labels may help more."
    else:
        sentence = f"{said}, which may be chance: more rows of the same kind would hardly help."
    shares = [float(right.mean()) for _rows, right in points]
    bounds = [wilson(int(right.sum()), len(right)) for _rows, right in points]
    numbers = [float(each) for each, _right in points]
    return [
        Section(
            key="learning",
            title="Whether more rows would help",
            sentences=[sentence],
            figures=[Figure("Right with all rows", shares[-1], *bounds[-1], len(whole))],
            charts=[
                Chart(
                    title="Right answers by the rows learned from",
                    summary=f"From {percent(shares[0])} with {points[0][0]:,} rows to {percent(shares[-1])} with "
                    f"{rows:,}.",
                    x_title="rows learned from",
                    y_title="right answers",
                    curves=[
                        Curve("measured", numbers, shares, dots=True),
                        Curve("95 % interval", numbers, [low for low, _high in bounds], reference=True),
                        Curve("", numbers, [high for _low, high in bounds], reference=True),
                    ],
                )
            ],
        )
    ]
