"""How well a classifier gives several labels: micro- and macro-F1, mean average precision, each label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from portside.evaluation.answers import Answers
from portside.evaluation.significance import Estimate, bootstrap_ratio
from portside.inference.cuts import Cuts
from portside.tasks.multilabel import MultiLabelTexts, truth_of

__all__ = [
    "LabelFigures",
    "MultiLabelReport",
    "average_precision",
    "bootstrap_macro_f1",
    "evaluate_multilabeller",
    "f1_sums",
    "figures",
    "given_labels",
]

RESAMPLES = 1_000
RESAMPLES_AT_ONCE = 50
"""Of that many the counts of every text are held in memory."""


class MultiLabeller(Protocol):
    """Gives several labels."""

    model: str
    labels: tuple[str, ...]
    threshold: float

    def probabilities(
        self, texts: Sequence[str], *, report: Callable[[int], None] | None = None
    ) -> NDArray[np.float64]:
        """Of each label by itself, shape (texts, labels)."""
        ...


@dataclass(frozen=True)
class LabelFigures:
    """Of one label."""

    precision: float
    recall: float
    f1: float
    average_precision: float
    support: int


@dataclass(frozen=True)
class MultiLabelReport:
    """What a classifier reaches on labelled texts."""

    model: str
    data: str
    n: int
    micro_f1: float
    micro_f1_ci95: tuple[float, float]
    """Bootstrap over texts."""
    macro_f1: float
    """Mean over the labels that the model knows or the data has."""
    macro_f1_ci95: tuple[float, float]
    """Bootstrap over texts."""
    map: float
    """Mean over labels with at least one text."""
    exact: float
    """Share of texts with exactly the right labels."""
    per_label: dict[str, LabelFigures]
    unknown: tuple[str, ...] = ()
    """Labels of the data that the model does not know: missed in every text."""
    cut: Cuts | None = None
    """Texts that were longer than the model reads; None where nobody counted."""

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON can hold it."""
        name, _, version = self.model.partition(":")
        figures = {
            "micro_f1": self.micro_f1,
            "micro_f1_ci95": list(self.micro_f1_ci95),
            "macro_f1": self.macro_f1,
            "macro_f1_ci95": list(self.macro_f1_ci95),
        }
        return {
            "model": name,
            "version": int(version or 0),
            "data": self.data,
            "n": self.n,
            **figures,
            "map": self.map,
            "exact": self.exact,
            "per_label": {label: asdict(one) for label, one in self.per_label.items()},
            "unknown_labels": list(self.unknown),
            "longer_than_limit": None if self.cut is None else self.cut.to_dict(),
        }


def evaluate_multilabeller(
    labeller: MultiLabeller, dataset: MultiLabelTexts, *, report: Callable[[int], None] | None = None
) -> MultiLabelReport:
    """Ask for the labels of every text and compare. Labels that the model does not know count as missed."""
    labels = tuple(dict.fromkeys((*labeller.labels, *dataset.labels)))
    known = labeller.probabilities([one.text for one in dataset.examples], report=report)
    unknown = np.zeros((len(known), len(labels) - len(labeller.labels)))
    probabilities = np.concatenate([known, unknown], axis=1)
    truth = truth_of(dataset.examples, labels)
    found = probabilities >= labeller.threshold
    micro, macro = bootstrap_ratio(f1_sums(truth, found)), bootstrap_macro_f1(truth, found)
    per_label = figures(probabilities, truth, labels, labeller.threshold)
    return MultiLabelReport(
        model=labeller.model,
        data=dataset.source,
        n=len(dataset.examples),
        micro_f1=micro.value,
        micro_f1_ci95=(micro.low, micro.high),
        macro_f1=macro.value,
        macro_f1_ci95=(macro.low, macro.high),
        map=float(np.mean([one.average_precision for one in per_label.values() if one.support] or [0.0])),
        exact=float((truth == found).all(axis=1).mean()),
        per_label=per_label,
        unknown=labels[len(labeller.labels) :],
    )


def f1_sums(truth: NDArray[np.bool_], found: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Of each text: twice the labels rightly given, and those given and there together; shape (texts, 2).

    The arrays have shape (texts, labels).
    """
    return np.stack([2 * (truth & found).sum(axis=1), found.sum(axis=1) + truth.sum(axis=1)], axis=1).astype(np.float64)


def bootstrap_macro_f1(truth: NDArray[np.bool_], found: NDArray[np.bool_], *, seed: int = 0) -> Estimate:
    """Mean over the labels of F1, both of shape (texts, labels), with its percentile interval (Efron 1979).

    Texts are drawn anew with replacement. A label that stands nowhere at all counts 0; one that some resample has not
    drawn does not count there: its absence says nothing of the model.
    """
    right, both = (truth & found).astype(np.float64), truth.astype(np.float64) + found
    occurs = both.any(axis=0)

    def macro_f1(drawn: NDArray[np.int64]) -> NDArray[np.float64]:
        """Of how often each text was drawn, shape (resamples, texts)."""
        hits, sums = drawn @ right, drawn @ both
        f1 = np.divide(2 * hits, sums, out=np.zeros_like(hits), where=sums > 0)
        return np.asarray(f1.sum(axis=1) / np.maximum(((sums > 0) | ~occurs).sum(axis=1), 1))

    n, random = len(truth), np.random.default_rng(seed)
    draws = (
        random.multinomial(n, np.full(n, 1 / n), size=RESAMPLES_AT_ONCE) for _ in range(0, RESAMPLES, RESAMPLES_AT_ONCE)
    )
    low, high = np.quantile(np.concatenate([macro_f1(drawn) for drawn in draws]), [0.025, 0.975])
    return Estimate(float(macro_f1(np.ones((1, n), dtype=np.int64))[0]), float(low), float(high))


def given_labels(probabilities: NDArray[np.float64], truth: NDArray[np.bool_], threshold: float) -> Answers:
    """The labels given, with how sure the model is of each; both arrays have shape (texts, labels).

    Nearly all labels that are not given are rightly not, which would hide the rest.
    """
    found = probabilities >= threshold
    return Answers(probabilities[found], truth[found], np.nonzero(found)[0])


def figures(
    probabilities: NDArray[np.float64], truth: NDArray[np.bool_], labels: Sequence[str], threshold: float
) -> dict[str, LabelFigures]:
    """Figures of each label; the arrays have shape (texts, labels)."""
    found = probabilities >= threshold
    right, said, there = (truth & found).sum(axis=0), found.sum(axis=0), truth.sum(axis=0)
    return {
        label: LabelFigures(
            float(right[place] / said[place]) if said[place] else 0.0,
            float(right[place] / there[place]) if there[place] else 0.0,
            float(2 * right[place] / (said[place] + there[place])) if said[place] + there[place] else 0.0,
            average_precision(probabilities[:, place], truth[:, place]),
            int(there[place]),
        )
        for place, label in enumerate(labels)
    }


def average_precision(scores: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """Area under the precision-recall curve, as scikit-learn has it; 0 without a positive text."""
    if not truth.any():
        return 0.0
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(truth, scores))
