"""Whether one version is better than another on the same rows, by a figure that is a ratio of sums over rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from portside.evaluation.report.parts import Figure, Section
from portside.evaluation.significance import bootstrap_ratio, paired_ratio
from portside.said import said

__all__ = ["versus_section"]


def versus_section(figure: str, new: str, old: str, after: NDArray[np.float64], before: NDArray[np.float64]) -> Section:
    """``after`` are the sums of ``new``, ``before`` those of ``old``, for the same rows; both of shape (rows, 2)."""
    change = paired_ratio(before, after)
    one, other = bootstrap_ratio(after), bootstrap_ratio(before)
    slots = {"figure": figure, "points": f"{100 * change.value:+.1f}", "n": f"{len(after):,}"}
    interval = {"low": f"{100 * change.low:+.1f}", "high": f"{100 * change.high:+.1f}"}
    if change.low <= 0 <= change.high:
        verdict = said(
            "{figure} differs by {points} points on {n} rows (95 % interval {low} to {high}, paired bootstrap): that "
            "may be chance, neither is shown to be better.",
            **slots,
            **interval,
        )
    else:
        verdict = said(
            "{better} is better: {figure} differs by {points} points on {n} rows (95 % interval {low} to {high}, "
            "paired bootstrap).",
            better=new if change.value > 0 else old,
            **slots,
            **interval,
        )
    return Section(
        key="comparison",
        title=said("Compared with {old}", old=old),
        sentences=[verdict],
        figures=[
            Figure(f"{figure}: {new}", one.value, one.low, one.high, len(after)),
            Figure(f"{figure}: {old}", other.value, other.low, other.high, len(before)),
        ],
        details={"difference": [change.value, change.low, change.high]},
    )
