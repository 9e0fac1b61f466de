"""Whether one model is better than another on the same rows, or only luckier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portside.errors import UsageError

__all__ = ["Paired", "mcnemar"]


@dataclass(frozen=True)
class Paired:
    """Two models on the same rows."""

    n: int
    only_first: int
    """Rows that only the first model has right."""
    only_second: int
    p_better: float
    """How likely so lopsided a count in favour of the second model is, if both are equally good."""
    p_different: float
    """The same, in favour of either."""


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> Paired:
    """McNemar's exact test of two models' right and wrong answers to the same rows.

    Of the rows that only one of them has right, an equally good model has each with chance 1/2. Source: McNemar, "Note
    on the sampling error of the difference between correlated proportions or percentages", Psychometrika 1947; the
    exact form is the binomial test.

    Raises:
        UsageError: the two are not of the same length.
    """
    from scipy.stats import binom

    if len(first) != len(second):
        raise UsageError("Two models are compared on the same rows", seen=f"{len(first)} and {len(second)} answers")
    pairs = [(bool(one), bool(other)) for one, other in zip(first, second, strict=True)]
    only_first, only_second = pairs.count((True, False)), pairs.count((False, True))
    discordant = only_first + only_second
    # P(at least only_second of the discordant rows); 1 where no row tells the two apart.
    p_better = float(binom.sf(only_second - 1, discordant, 0.5))
    p_worse = float(binom.sf(only_first - 1, discordant, 0.5))
    return Paired(len(pairs), only_first, only_second, p_better, min(1.0, 2 * min(p_better, p_worse)))
