"""Whether a difference is more than luck: of two models on the same rows, and of several figures looked at together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from portside.errors import UsageError

__all__ = [
    "SIGNIFICANT",
    "Estimate",
    "Paired",
    "bootstrap_macro_f1",
    "bootstrap_ratio",
    "by_group",
    "holm",
    "mcnemar",
    "paired_macro_f1",
    "paired_ratio",
]

SIGNIFICANT = 0.05
"""Chance below which luck is not taken for the reason."""
MOST_DRAWN = 4_000_000
"""Counts held in memory at once while rows are drawn anew: 32 MB."""


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


def holm(chances: Sequence[float]) -> list[float]:
    """The chances corrected for how many there are (Holm, "A Simple Sequentially Rejective Multiple Test", 1979)."""
    order = np.argsort(chances, kind="stable")
    out, highest = [0.0] * len(chances), 0.0
    for rank, place in enumerate(order.tolist()):
        highest = max(highest, min(1.0, (len(chances) - rank) * chances[place]))
        out[place] = highest
    return out


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


def bootstrap_macro_f1(
    truth: NDArray[np.int64], predicted: NDArray[np.int64], *, resamples: int = 1_000, seed: int = 0
) -> Estimate:
    """Macro-F1 over the labels that occur in either, both of shape (rows,), with its percentile interval.

    Rows are drawn anew with replacement (Efron 1979). In a resample a label counts where it occurs.
    """
    labels, coded = np.unique(np.concatenate([truth, predicted]), return_inverse=True)
    count, rows = len(labels), len(truth)
    cells, times = np.unique(coded[:rows] * count + coded[rows:], return_counts=True)
    true, found = np.eye(count)[cells // count], np.eye(count)[cells % count]

    def macro_f1(drawn: NDArray[np.int64]) -> NDArray[np.float64]:
        """Of how often each cell of the confusion matrix was drawn, shape (resamples, cells)."""
        right, both = drawn @ (true * found), drawn @ (true + found)
        f1 = np.divide(2 * right, both, out=np.zeros_like(right), where=both > 0)
        return np.asarray(f1.sum(axis=1) / (both > 0).sum(axis=1))

    drawn = np.random.default_rng(seed).multinomial(rows, times / rows, size=resamples)
    low, high = np.quantile(macro_f1(drawn), [0.025, 0.975])
    return Estimate(float(macro_f1(times[None])[0]), float(low), float(high))


def paired_macro_f1(
    truth: NDArray[np.int64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    *,
    resamples: int = 1_000,
    seed: int = 0,
) -> Estimate:
    """Macro-F1 of ``second`` less that of ``first`` on the same rows, all of shape (rows,), by paired bootstrap.

    Each resample draws the rows anew, for both at once (Efron and Tibshirani, "An Introduction to the Bootstrap",
    1993).
    """
    labels, coded = np.unique(np.concatenate([truth, first, second]), return_inverse=True)
    count, rows = len(labels), len(truth)
    one, other, true = coded[rows : 2 * rows], coded[2 * rows :], coded[:rows]
    cells, times = np.unique((true * count + one) * count + other, return_counts=True)
    kinds = np.eye(count)
    is_true, is_one, is_other = kinds[cells // count**2], kinds[cells // count % count], kinds[cells % count]

    def macro_f1(drawn: NDArray[np.int64], found: NDArray[np.float64]) -> NDArray[np.float64]:
        right, both = drawn @ (is_true * found), drawn @ (is_true + found)
        f1 = np.divide(2 * right, both, out=np.zeros_like(right), where=both > 0)
        return np.asarray(f1.sum(axis=1) / (both > 0).sum(axis=1))

    def difference(drawn: NDArray[np.int64]) -> NDArray[np.float64]:
        return macro_f1(drawn, is_other) - macro_f1(drawn, is_one)

    drawn = np.random.default_rng(seed).multinomial(rows, times / rows, size=resamples)
    low, high = np.quantile(difference(drawn), [0.025, 0.975])
    return Estimate(float(difference(times[None])[0]), float(low), float(high))


def bootstrap_ratio(sums: NDArray[np.floating], *, resamples: int = 1_000, seed: int = 0) -> Estimate:
    """Sum of the first column by that of the second, shape (rows, 2), with its percentile interval (Efron 1979).

    A micro-F1 is such a ratio (twice the right ones, found and wanted ones together), and so is a mean (value, 1).
    """
    return _ratios(np.asarray(sums, dtype=np.float64), None, resamples, seed)


def by_group(sums: NDArray[np.floating], groups: NDArray[np.integer] | None) -> NDArray[np.float64]:
    """``sums``, shape (rows, 2), added up for each group; None: every row stands for itself.

    Rows of one group, as the sentences of a document, are alike. A bootstrap of these sums draws whole groups, and its
    interval is as wide as it must be: Field and Welsh, "Bootstrapping clustered data", J. R. Statist. Soc. B 2007.
    """
    table = np.asarray(sums, dtype=np.float64)
    if groups is None:
        return table
    names, whose = np.unique(groups, return_inverse=True)
    out = np.zeros((len(names), table.shape[1]))
    np.add.at(out, whose, table)
    return out


def paired_ratio(
    first: NDArray[np.floating], second: NDArray[np.floating], *, resamples: int = 1_000, seed: int = 0
) -> Estimate:
    """The ratio of ``second`` less that of ``first``, both of shape (rows, 2), by paired bootstrap over the rows."""
    return _ratios(np.asarray(second, dtype=np.float64), np.asarray(first, dtype=np.float64), resamples, seed)


def _ratios(sums: NDArray[np.float64], less: NDArray[np.float64] | None, resamples: int, seed: int) -> Estimate:
    # Rows that are alike are drawn as one kind: sums of a text's labels or names take few values.
    both = sums if less is None else np.hstack([sums, less])
    kinds, times = np.unique(both, axis=0, return_counts=True)

    def of(drawn: NDArray[np.int64]) -> NDArray[np.float64]:
        found = drawn @ kinds
        return _ratio(found[:, :2]) - (0.0 if less is None else _ratio(found[:, 2:]))

    random, at_once = np.random.default_rng(seed), max(1, MOST_DRAWN // len(kinds))
    sizes = [min(at_once, resamples - done) for done in range(0, resamples, at_once)]
    drawn = [of(random.multinomial(len(sums), times / len(sums), size=size)) for size in sizes]
    low, high = np.quantile(np.concatenate(drawn), [0.025, 0.975])
    return Estimate(float(of(times[None])[0]), float(low), float(high))


def _ratio(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    whole = sums[:, 1]
    return np.divide(sums[:, 0], whole, out=np.zeros_like(whole), where=whole > 0)
