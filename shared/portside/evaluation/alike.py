"""What rows tell that come in groups which are alike, as the names of one sentence: as much as fewer rows would.

Source: Rao and Scott, "A Simple Method for the Analysis of Clustered Binary Data", Biometrics 1992: counts are divided
by the design effect, and judged as if what is left were independent. How alike the rows of a group are is told by its
pairs, all groups taken together: Liang and Zeger, "Longitudinal Data Analysis Using Generalized Linear Models",
Biometrika 1986. Where a part has few groups its own design effect is too rough to go by; the common one then holds it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from portside.evaluation.intervals import design_effect

__all__ = ["Apart", "part_and_rest"]


@dataclass(frozen=True)
class Apart:
    """A part of the rows and all others, in independent rows that would tell as much."""

    rows: float
    right: float
    other_rows: float
    other_right: float

    @property
    def p_worse(self) -> float:
        """Chance of so bad a part where it is no harder than the rest: the lower tail of Fisher's exact test.

        It is made for whole counts; a broken row that is wrong is not held against the part.
        """
        from scipy.stats import hypergeom

        rows, others = round(self.rows), round(self.other_rows)
        # What division leaves of a whole number may lie a hair below it.
        right = rows - min(rows, int(self.rows - self.right + 1e-9))
        return float(hypergeom.cdf(right, rows + others, right + min(others, round(self.other_right)), rows))


def part_and_rest(right: NDArray[np.bool_], part: NDArray[np.bool_], groups: NDArray[np.integer] | None) -> Apart:
    """The rows of ``part`` and the others, all arrays of shape (rows,), neither of them empty.

    ``groups`` says of each row which it belongs to, by numbers from 0; None: each row stands for itself.
    """
    rest = ~part
    inside, outside = _effect(right, part, groups), _effect(right, rest, groups)
    if groups is not None:
        common = _correlation(right, part, groups)
        inside = max(inside, 1 + (_together(groups[part]) - 1) * common)
        outside = max(outside, 1 + (_together(groups[rest]) - 1) * common)
    return Apart(
        int(part.sum()) / inside,
        int(right[part].sum()) / inside,
        int(rest.sum()) / outside,
        int(right[rest].sum()) / outside,
    )


def _effect(right: NDArray[np.bool_], rows: NDArray[np.bool_], groups: NDArray[np.integer] | None) -> float:
    return 1.0 if groups is None else design_effect(right[rows], groups[rows])


def _together(groups: NDArray[np.integer]) -> float:
    """Rows in the group of a row, itself among them, on average over the rows."""
    sizes = np.bincount(groups)
    return float(sizes @ sizes) / len(groups)


def _correlation(right: NDArray[np.bool_], part: NDArray[np.bool_], groups: NDArray[np.integer]) -> float:
    """How alike two rows of a group are, from 0 to 1, over what the part and the rest differ by; 1 where none shows it.

    A part of which all rows are right, or all wrong, shows nothing of it.
    """
    share = np.where(part, right[part].mean(), right[~part].mean())
    spread = np.sqrt(share * (1 - share))
    shows = spread > 0
    residual, whose = (right[shows] - share[shows]) / spread[shows], groups[shows]
    if not len(whose):
        return 1.0
    sizes, sums = np.bincount(whose), np.bincount(whose, weights=residual)
    pairs = int(sizes @ sizes) - len(whose)
    return float(np.clip((sums @ sums - residual @ residual) / pairs, 0.0, 1.0)) if pairs else 1.0
