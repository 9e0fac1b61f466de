"""Confidence intervals of shares."""

from __future__ import annotations

from math import sqrt

__all__ = ["Z95", "wilson"]

Z95 = 1.959963984540054
"""Standard normal quantile of a two-sided 95 % interval."""


def wilson(hits: int, n: int, z: float = Z95) -> tuple[float, float]:
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
