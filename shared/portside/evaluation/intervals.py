"""Confidence intervals of shares."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

__all__ = ["Z95", "design_effect", "wilson", "wilson_of_groups"]

Z95 = 1.959963984540054
"""Standard normal quantile of a two-sided 95 % interval."""


def wilson(hits: float, n: float, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval of the share ``hits / n``; (0, 1) where there is nothing to go by.

    Unlike the textbook interval it stays inside [0, 1] and keeps its promise for small ``n`` and shares near 0 or 1.
    """
    if n <= 0:
        return 0.0, 1.0
    share = hits / n
    centre = share + z * z / (2 * n)
    margin = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if hits == 0 else (centre - margin) / scale
    high = 1.0 if hits == n else (centre + margin) / scale
    return low, high


def wilson_of_groups(right: NDArray[np.bool_], groups: NDArray[np.integer] | None) -> tuple[float, float]:
    """Wilson's interval of the share of ``right``, shape (n,), whose rows come in groups that are alike.

    n is divided by the design effect. ``groups`` says of each row which it belongs to; None: each stands for itself.
    """
    hits, n = int(np.sum(right)), len(right)
    if groups is None or n == 0:
        return wilson(hits, n)
    effect = design_effect(right, np.unique(groups, return_inverse=True)[1])
    return wilson(hits / effect, n / effect)


def design_effect(right: NDArray[np.bool_], groups: NDArray[np.integer]) -> float:
    """How many rows tell as much as one independent row of their share of ``right``, at least 1.

    It is how much more the share varies from group to group than it would if all rows were independent (Rao and Scott,
    "A Simple Method for the Analysis of Clustered Binary Data", Biometrics 1992). Where all rows are right, or all
    wrong, or of one group, that cannot be seen: then it is Kish's for rows that are alike throughout. Both have the
    shape (n,), n at least 1; ``groups`` are numbers from 0.
    """
    n, sizes, share = len(right), np.bincount(groups), float(np.mean(right))
    residual = np.bincount(groups, weights=right) - share * sizes
    spread = n * share * (1 - share)
    # As wilson does, without the correction of n - 1: groups of one row change nothing.
    alike = spread == 0 or np.count_nonzero(sizes) == 1
    return max(1.0, float(sizes @ sizes) / n if alike else float(residual @ residual) / spread)
