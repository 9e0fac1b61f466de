"""How well a classifier gives several labels: micro- and macro-F1, mean average precision, each label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from portside.evaluation.significance import bootstrap_ratio
from portside.inference.cuts import Cuts
from portside.tasks.multilabel import MultiLabelTexts, truth_of

__all__ = ["LabelFigures", "MultiLabelReport", "average_precision", "evaluate_multilabeller", "f1_sums", "figures"]


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
        figures = {"micro_f1": self.micro_f1, "micro_f1_ci95": list(self.micro_f1_ci95), "macro_f1": self.macro_f1}
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
    micro = bootstrap_ratio(f1_sums(truth, found))
    per_label = figures(probabilities, truth, labels, labeller.threshold)
    return MultiLabelReport(
        model=labeller.model,
        data=dataset.source,
        n=len(dataset.examples),
        micro_f1=micro.value,
        micro_f1_ci95=(micro.low, micro.high),
        macro_f1=float(np.mean([one.f1 for one in per_label.values()])),
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
