"""Whether answers fit their rows at all, or would fit those of other rows as well: what shuffled labels look like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portside.said import said
from portside.tasks.tags import Span, spans

__all__ = ["CHANCE", "FEWEST", "Fit", "fit_by_chance", "labels_by_chance", "names_by_chance"]

CHANCE = 0.01
"""Probability of so many right answers by luck, above which nothing was learned: one useless model in 100 passes."""
FEWEST = 20
"""Rows below which that is not asked: of a handful even good answers may be luck, and nothing can be concluded."""
MANY = 10
"""Right answers expected by luck from which their number is close to normal; of fewer it is close to Poisson."""


@dataclass(frozen=True)
class Fit:
    """Right answers, against those after the answers were dealt out to the rows anew."""

    right: int
    lucky: float
    """How many would be right on average if each row got the answers to a row drawn at random."""
    p_lucky: float
    """Chance of ``right`` or more then."""
    varied: bool = True
    """Whether the truth of the rows differs: where it does not, any order of the answers is as good."""

    @property
    def no_better(self) -> bool:
        """Whether luck explains the right answers."""
        return self.varied and self.p_lucky >= CHANCE


def fit_by_chance(truth: Any, found: Any) -> Fit:
    """Permutation test of ``truth`` against ``found``, 0/1 matrices of shape (rows, answers), dense or sparse.

    Whole rows are dealt out, so that answers of one row may be alike. Mean and variance over all orders are exact
    (Hoeffding, "A Combinatorial Central Limit Theorem", Ann. Math. Statist. 1951).
    """
    from scipy.sparse import csr_array
    from scipy.stats import norm, poisson

    true, told = csr_array(truth, dtype="float64"), csr_array(found, dtype="float64")
    n, right = true.shape[0], int((true * told).sum())
    of_true, of_told = true.sum(axis=0) / n, told.sum(axis=0) / n
    lucky = n * float(of_true @ of_told)
    # The squared inner products of all rows of one with all rows of the other, both less their means.
    spread = (
        float((true.T @ true).multiply(told.T @ told).sum())
        - n * float(((true @ of_told) ** 2).sum())
        - n * float(((told @ of_true) ** 2).sum())
        + lucky**2
    )
    varied = bool((of_true * (1 - of_true)).sum())
    if lucky < MANY:
        return Fit(right, lucky, float(poisson.sf(right - 1, lucky)), varied)
    deviation = sqrt(max(spread, 0.0) / max(n - 1, 1))
    # Half an answer less: a count is compared with a continuous curve.
    return Fit(right, lucky, float(norm.sf((right - 0.5 - lucky) / deviation)) if deviation else 1.0, varied)


def labels_by_chance(truth: NDArray[np.bool_], found: NDArray[np.bool_]) -> str | None:
    """Whether the labels given, ``found``, are right no more often than those of other texts; both (texts, labels)."""
    # Of a model that gives none it is told elsewhere.
    if len(truth) < FEWEST or not found.any() or not (fit := fit_by_chance(truth, found)).no_better:
        return None
    return said(
        "The labels that the model gives fit their texts no better than those of other texts would: {right} are right, "
        "{lucky} would be by chance. Look whether texts and labels stand in the same rows of the files",
        right=f"{fit.right:,}",
        lucky=f"{fit.lucky:,.0f}",
    )


def names_by_chance(truth: Sequence[Sequence[str]], found: Sequence[Sequence[str]]) -> str | None:
    """Whether the names found are right no more often than those of other sentences; both are tags in IOB2."""
    if len(truth) < FEWEST:
        return None
    there, told = ([spans(tags) for tags in each] for each in (truth, found))
    place_of = {span: place for place, span in enumerate({span for each in (*there, *told) for span in each})}
    if not any(told) or not (fit := fit_by_chance(_held(there, place_of), _held(told, place_of))).no_better:
        return None
    return said(
        "The names that the model finds fit their sentences no better than those of other sentences would: {right} are "
        "right, {lucky} would be by chance. Look whether words and tags stand in the same rows of the files",
        right=f"{fit.right:,}",
        lucky=f"{fit.lucky:,.0f}",
    )


def _held(names: Sequence[Sequence[Span]], place_of: dict[Span, int]) -> Any:
    """Which name stands in which sentence, sparse: shape (sentences, names)."""
    from scipy.sparse import csr_array

    cells = [(row, place_of[span]) for row, each in enumerate(names) for span in each]
    rows, columns = np.array(cells, dtype=np.int64).reshape(-1, 2).T
    return csr_array((np.ones(len(cells)), (rows, columns)), shape=(len(names), len(place_of)))
