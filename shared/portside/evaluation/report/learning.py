"""Whether more rows would help."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from portside.evaluation.intervals import wilson
from portside.evaluation.report.parts import Chart, Curve, Figure, Section, percent
from portside.evaluation.significance import mcnemar, paired_ratio
from portside.said import said

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
    shares = [float(right.mean()) for _rows, right in points]
    bounds = [wilson(int(right.sum()), len(right)) for _rows, right in points]
    numbers = [float(each) for each, _right in points]
    return [
        Section(
            key="learning",
            title="Whether more rows would help",
            sentences=[_sentence(points)],
            figures=[Figure("Right with all rows", shares[-1], *bounds[-1], len(points[-1][1]))],
            charts=[
                Chart(
                    title="Right answers by the rows learned from",
                    summary=said(
                        "From {before} with {few} rows to {after} with {many}; upright lines show the 95 % intervals.",
                        before=percent(shares[0]),
                        few=f"{points[0][0]:,}",
                        after=percent(shares[-1]),
                        many=f"{points[-1][0]:,}",
                    ),
                    x_title="rows learned from",
                    y_title="right answers",
                    curves=[
                        Curve(
                            "measured",
                            numbers,
                            shares,
                            dots=True,
                            low=[low for low, _high in bounds],
                            high=[high for _low, high in bounds],
                            n=[len(right) for _rows, right in points],
                        )
                    ],
                )
            ],
        )
    ]


def _sentence(points: Sequence[tuple[int, NDArray[np.bool_]]]) -> str:
    (half_rows, half), (rows, whole) = points[-2:]
    gain = float(whole.mean() - half.mean())
    paired = mcnemar(half.tolist(), whole.tolist())
    went = {
        "few": f"{half_rows:,}",
        "many": f"{rows:,}",
        "before": percent(float(half.mean())),
        "after": percent(float(whole.mean())),
    }
    if paired.p_better < SIGNIFICANT and gain >= WORTH:
        return said(
            "From {few} to {many} rows a simple classifier went from {before} to {after} right: twice as many rows "
            "would probably help again.",
            **went,
        )
    if paired.p_better < SIGNIFICANT:
        return said(
            "From {few} to {many} rows a simple classifier went from {before} to {after} right: more rows would help a "
            "little; better labels may help more.",
            **went,
        )
    if _most_gained(half, whole) < WORTH:
        return said(
            "From {few} to {many} rows a simple classifier went from {before} to {after} right, which may be chance, "
            "and the gain is below {most}: more rows of the same kind would hardly help.",
            **went,
            most=percent(WORTH),
        )
    return said(
        "From {few} to {many} rows a simple classifier went from {before} to {after} right, which may be chance: "
        "whether more rows would help cannot be told from so few.",
        **went,
    )


def _most_gained(half: NDArray[np.bool_], whole: NDArray[np.bool_]) -> float:
    """Upper end of the 95 % interval of the gain, as the same rows were asked about."""
    one = np.ones(len(half))
    return paired_ratio(np.stack([half, one], axis=1), np.stack([whole, one], axis=1)).high
