"""Label sets that hold the true label as often as promised: one label where the model is sure, else several."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portside.errors import UsageError
from portside.said import said

__all__ = ["SetPromise", "label_sets", "promise_sets"]


@dataclass(frozen=True)
class SetPromise:
    """What n labelled rows, which the model has not learned from, allow to be promised of its label sets."""

    coverage: float
    """Share of texts whose set holds the true label."""
    threshold: float | None
    """A label is in the set where its probability is at least this; None: too few rows, the set is all labels."""
    size: float
    """Mean number of labels in a set, on these rows."""
    single: float
    """Share of these rows whose set has one label."""
    n: int

    @property
    def sentence(self) -> str:
        """What is promised, to who relies on it."""
        share = f"{100 * self.coverage:g} %"
        if self.threshold is None:
            needed = ceil(self.coverage / (1 - self.coverage))
            return said(
                "Label sets that hold the true label in {share} of texts cannot be promised: {n} labelled rows are too "
                "few, it takes at least {needed}.",
                share=share,
                n=f"{self.n:,}",
                needed=f"{needed:,}",
            )
        return said(
            "To name the true label among its suggestions in {share} of texts like these, it takes {size} suggestions "
            "on average; one is enough for {single} % of them (n = {n}).",
            share=share,
            size=f"{self.size:.2f}",
            single=f"{100 * self.single:.0f}",
            n=f"{self.n:,}",
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)


def promise_sets(probabilities: NDArray[np.floating], truth: NDArray[np.int64], *, coverage: float) -> SetPromise:
    """The highest threshold whose sets hold the true label in a share ``coverage`` of new texts.

    ``probabilities`` has the shape (n, labels), ``truth`` (n,) the places of the true labels. The promise holds on
    average over the draw of the rows and for texts like them; a text from outside has no true label. Source: Sadinle,
    Lei and Wasserman, "Least Ambiguous Set-Valued Classifiers With Bounded Error Levels", JASA 2019 (split conformal).

    Raises:
        UsageError: ``coverage`` is no share between 0 and 1.
    """
    if not 0 < coverage < 1:
        raise UsageError("coverage is a share between 0 and 1", seen=str(coverage), remedy="For 95 % say 0.95")
    n = len(truth)
    # Of n + 1 equally likely places of a new text's score among the known ones, this many are allowed.
    allowed = ceil((n + 1) * coverage)
    if allowed > n:
        return SetPromise(coverage, None, float(probabilities.shape[1]), 0.0, n)
    of_truth = np.sort(np.asarray(probabilities, dtype=np.float64)[np.arange(n), truth])[::-1]
    threshold = float(of_truth[allowed - 1])
    sizes = label_sets(probabilities, threshold).sum(axis=1)
    return SetPromise(coverage, threshold, float(sizes.mean()), float((sizes == 1).mean()), n)


def label_sets(probabilities: NDArray[np.floating], threshold: float | None) -> NDArray[np.bool_]:
    """Which labels are in each text's set, shape (texts, labels); the likeliest always is."""
    if threshold is None:
        return np.ones(probabilities.shape, dtype=bool)
    chosen = np.asarray(probabilities, dtype=np.float64) >= threshold
    chosen[np.arange(len(chosen)), probabilities.argmax(axis=1)] = True
    return chosen
