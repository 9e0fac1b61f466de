"""Labels that are probably wrong, and labels that are mixed up with each other. Pure decisions."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from portside.errors import UsageError

__all__ = [
    "Confusable",
    "Suspect",
    "SuspectMark",
    "confusable_labels",
    "confusable_marks",
    "suspect_labels",
    "suspect_marks",
]

FEWEST_MIXED = 3
"""Rows that have to be mixed up before two labels count as confusable."""


@dataclass(frozen=True)
class Suspect:
    """A row whose label is probably wrong."""

    place: int
    given: int
    suggested: int
    chance_given: float
    """What a classifier that has not learned from the row gives the label that it has."""
    chance_suggested: float


@dataclass(frozen=True)
class SuspectMark:
    """Of a row that may have several labels: one that is probably too much, or that is probably missing."""

    place: int
    label: int
    given: bool
    """Whether the row has the label, which is then too much; else it is missing."""
    chance: float
    """What a classifier that has not learned from the row gives the label."""


@dataclass(frozen=True)
class Confusable:
    """Two labels that a classifier mixes up."""

    first: int
    second: int
    rows: int
    """That have one of the two and were given the other."""
    share: float
    """Of all rows that have one of the two."""
    taken_for_second: tuple[int, ...]
    """Places of rows of the first that were given the second, the surest first."""
    taken_for_first: tuple[int, ...]


def suspect_labels(probabilities: NDArray[np.float64], given: NDArray[np.int64]) -> list[Suspect]:
    """Rows whose label is probably wrong, the most suspect first.

    ``probabilities``, shape (rows, labels), are of a classifier that has not learned from the row that it is asked
    about; ``given`` are the labels' places. Confident learning (Northcutt et al., "Confident Learning: Estimating
    Uncertainty in Dataset Labels", JAIR 2021), as cleanlab implements it.

    Raises:
        UsageError: the two do not have as many rows.
    """
    if len(probabilities) != len(given):
        raise UsageError(
            "Label errors are looked for in rows with probabilities", seen=f"{len(given)} and {len(probabilities)}"
        )
    present = np.unique(given)
    if len(present) < 2:
        return []
    from cleanlab.filter import find_label_issues

    # cleanlab wants labels without gaps: those without rows are left out, the rest share their probability.
    place_of = {int(label): place for place, label in enumerate(present)}
    kept = np.maximum(probabilities[:, present], 1e-12)
    kept /= kept.sum(axis=1, keepdims=True)
    labels = np.array([place_of[int(label)] for label in given])
    with warnings.catch_warnings():
        # Of labels with one row: that nothing can be said of them is no news to who reads the report.
        warnings.filterwarnings("ignore", message="May not flag all label issues")
        places = find_label_issues(labels, kept, return_indices_ranked_by="self_confidence", n_jobs=1)
    best = probabilities.argmax(axis=1)
    return [
        Suspect(
            int(place),
            int(given[place]),
            int(best[place]),
            float(probabilities[place, given[place]]),
            float(probabilities[place, best[place]]),
        )
        for place in places
        if best[place] != given[place]
    ]


def confusable_labels(probabilities: NDArray[np.float64], given: NDArray[np.int64]) -> list[Confusable]:
    """Pairs of labels that are mixed up, by the share of their rows, the most first; same shapes as above."""
    best = probabilities.argmax(axis=1)
    counts = np.bincount(given, minlength=probabilities.shape[1])
    wrong = np.flatnonzero(best != given)
    pairs: dict[tuple[int, int], tuple[list[int], list[int]]] = {}
    for place in wrong[np.argsort(-probabilities[wrong, best[wrong]], kind="stable")].tolist():
        first, second = sorted((int(given[place]), int(best[place])))
        pairs.setdefault((first, second), ([], []))[int(given[place]) == second].append(place)
    return _ranked(pairs, lambda first, second: int(counts[first] + counts[second]))


def suspect_marks(probabilities: NDArray[np.float64], truth: NDArray[np.bool_]) -> list[SuspectMark]:
    """Labels that rows have and probably should not have, or the other way round, the most suspect first.

    Both have the shape (rows, labels): the chance of each label by itself, by a classifier that has not learned from
    the row, and whether the row has it. Confident learning for each label (Thyagarajan et al., "Identifying Incorrect
    Annotations in Multi-Label Classification Data", 2022), as cleanlab implements it.

    Raises:
        UsageError: the two do not have the same shape.
    """
    if probabilities.shape != truth.shape:
        raise UsageError(
            "Label errors are looked for in rows with probabilities", seen=f"{truth.shape} and {probabilities.shape}"
        )
    # Of a label that all rows have, or none, nothing can be learned.
    told = np.flatnonzero(truth.any(axis=0) & ~truth.all(axis=0))
    if not len(told):
        return []
    from cleanlab.multilabel_classification.filter import find_multilabel_issues_per_class

    given = [np.flatnonzero(row).tolist() for row in truth[:, told]]
    kept = np.clip(probabilities[:, told], 1e-12, 1 - 1e-12)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="May not flag all label issues")
        issues = np.asarray(find_multilabel_issues_per_class(given, kept, n_jobs=1), dtype=bool)
    contradicted = (kept >= 0.5) != truth[:, told]
    found = [
        SuspectMark(place, int(told[at]), bool(truth[place, told[at]]), float(probabilities[place, told[at]]))
        for place, at in np.argwhere(issues & contradicted).tolist()
    ]
    return sorted(found, key=lambda one: (one.chance if one.given else 1 - one.chance, one.place, one.label))


def confusable_marks(probabilities: NDArray[np.float64], truth: NDArray[np.bool_]) -> list[Confusable]:
    """Pairs of labels of which rows have one while a classifier says the other; same shapes as above.

    Each row counts once: its least likely label, and the likeliest that it has not.
    """
    lost = np.where(truth, probabilities, np.inf)
    extra = np.where(truth, -np.inf, probabilities)
    swapped = np.flatnonzero((lost.min(axis=1, initial=np.inf) < 0.5) & (extra.max(axis=1, initial=-np.inf) >= 0.5))
    sure = extra[swapped].max(axis=1, initial=-np.inf)
    pairs: dict[tuple[int, int], tuple[list[int], list[int]]] = {}
    for place in swapped[np.argsort(-sure, kind="stable")].tolist():
        given, said = int(lost[place].argmin()), int(extra[place].argmax())
        first, second = sorted((given, said))
        pairs.setdefault((first, second), ([], []))[given == second].append(place)
    return _ranked(pairs, lambda first, second: int((truth[:, first] | truth[:, second]).sum()))


def _ranked(
    pairs: Mapping[tuple[int, int], tuple[Sequence[int], Sequence[int]]], rows_of: Callable[[int, int], int]
) -> list[Confusable]:
    """Those mixed up often enough, by the share of the rows that have one of the two, the most first."""
    found = [
        Confusable(
            first,
            second,
            len(forth) + len(back),
            (len(forth) + len(back)) / rows_of(first, second),
            tuple(forth),
            tuple(back),
        )
        for (first, second), (forth, back) in pairs.items()
        if len(forth) + len(back) >= FEWEST_MIXED
    ]
    return sorted(found, key=lambda one: (-one.share, one.first, one.second))
