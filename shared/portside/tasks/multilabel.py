"""Multi-label classification: each text gets any number of labels. The recipe, and the decisions without a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from portside.errors import DataError
from portside.records import LabelledRows, MultiLabelled
from portside.said import said
from portside.tasks.recipe import FINE_TUNING, TrainingRecipe, require
from portside.tasks.spec import TaskSpec

__all__ = ["TASK", "MultiLabelRecipe", "MultiLabelTexts", "best_threshold", "label_order", "truth_of"]

THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(2, 17))


MultiLabelTexts: TypeAlias = LabelledRows[MultiLabelled]
"""What training and evaluation need of a data set."""


@dataclass(frozen=True)
class MultiLabelRecipe(TrainingRecipe):
    """How to fine-tune a classifier that gives several labels."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.method in FINE_TUNING, "method", self.method, f"one of {', '.join(FINE_TUNING)}")


def label_order(dataset: MultiLabelTexts) -> tuple[str, ...]:
    """The labels in the order that a new model will have.

    Raises:
        DataError: there is no label, or every text has all of them.
    """
    labels = dataset.labels
    if not labels or all(len(one.labels) == len(labels) for one in dataset.examples):
        raise DataError(
            "A classifier needs labels that some texts have and others have not",
            seen=said("{n} label(s) in {rows} rows", n=len(labels), rows=len(dataset.examples)),
            remedy="Check which column holds the labels, or name it with --label",
            file=dataset.source,
        )
    return labels


def truth_of(examples: Sequence[MultiLabelled], labels: Sequence[str]) -> NDArray[np.bool_]:
    """Which text has which label, shape (texts, labels); labels that are not in ``labels`` are left out."""
    number = {label: place for place, label in enumerate(labels)}
    truth = np.zeros((len(examples), len(labels)), dtype=bool)
    for row, one in enumerate(examples):
        truth[row, [number[label] for label in one.labels if label in number]] = True
    return truth


def best_threshold(probabilities: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """The probability from which a label is given that makes micro-F1 best; one half without texts.

    Both arguments have shape (texts, labels).
    """
    if truth.sum() == 0:
        return 0.5

    def micro_f1(threshold: float) -> float:
        found = probabilities >= threshold
        return float(2 * (found & truth).sum() / max(found.sum() + truth.sum(), 1))

    # Of equally good ones the nearest to one half: it is the least fitted.
    return max(THRESHOLDS, key=lambda threshold: (micro_f1(threshold), -abs(threshold - 0.5)))


TASK = TaskSpec(
    name="multilabel",
    summary="Fine-tune a classifier that gives each text any number of labels.",
    reads="texts with labels, as a list in JSON lines or separated by | ; or , in CSV, TSV or Parquet, gzipped or not",
    read="portside.data.multilabel:read",
    recipe=MultiLabelRecipe,
    make="portside.training.multilabel:make_task",
    answers="portside.inference.multilabel:answers",
    cli="portside.commands.multilabel",
    report="portside.evaluation.report.multilabel:report_file",
    compile="portside.inference.engines.subjects.multilabel:subject",
)
