"""Classification: each text gets one of the labels. The recipe, and the decisions that need no network."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from portside.errors import DataError
from portside.records import Example, LabelledRows
from portside.said import said
from portside.tasks.recipe import FINE_TUNING, TrainingRecipe, require
from portside.tasks.spec import TaskSpec

__all__ = [
    "METHODS",
    "OUTSIDE_SHARE",
    "TASK",
    "ClassificationRecipe",
    "LabelledTexts",
    "class_weights",
    "label_order",
    "row_number",
    "words_of_label",
]


Method = Literal["full", "lora", "dora", "few-shot", "prototype", "zero-shot"]
METHODS: tuple[Method, ...] = get_args(Method)
FEW_SHOT_EPOCHS = 8
FEW_SHOT_TEXTS = 40_000
"""Texts that few-shot training reads in all its passes, at least: of more rows fewer passes are as good."""
FEWEST_PASSES = 3
CONSISTENCY = {"few-shot": 2.0, "full": 2.0}
"""Weight of the disagreement between two passes, by method; of others 0. On rows kept aside from training files, five
passes, one seed: BANKING77 (5,000 to learn from) 92.0 % in place of 91.7, PhraseBank 85.4 in place of 83.7."""
CONTRAST = 1.0
"""Weight of the contrast between labels where texts are few. On 3,000 rows kept aside, 10 texts a label: BANKING77
86.6 % in place of 85.9 without, CLINC150 94.8 in place of 94.6; 5 texts a label: BANKING77 79.6 in place of 79.2."""
FEW_TEXTS = 50
"""Texts a label, on average, up to which labels are contrasted unasked."""

OUTSIDE_SHARE = 0.05
"""Texts that none of the labels fits among those that will be asked, unless somebody knows better: of the rows at hand
they are as many as somebody happened to collect. On CLINC150's validation rows, fixed on one half and measured on the
other ten times, .05 has a calibration error of .020 in scope and .012 with one text in ten from outside; .1 has .026
and .014, .03 has .017 and .018."""


LabelledTexts: TypeAlias = LabelledRows[Example]
"""What training and evaluation need of a data set."""


@dataclass(frozen=True)
class ClassificationRecipe(TrainingRecipe):
    """How to fine-tune a classifier."""

    method: Method = "full"
    """Besides those of every task ``few-shot``: for 5 to 50 texts a label; ``prototype``: the encoder stays, the head
    is computed from the mean of each label's texts, in seconds; ``zero-shot``: the head is computed from the labels'
    names, and ``descriptions`` where there are some; texts only measure it.
    """
    consistency: float | None = None
    """Weight of the disagreement between two passes over the same rows with different dropout, which about
    doubles the time; 0: one pass. None: by the method (``CONSISTENCY``). Left out where a budget cuts the training
    short."""
    contrast: float | None = None
    """Only for ``few-shot``: weight of a loss that draws the texts of one label together and those of others apart.
    None: ``CONTRAST`` where there are at most ``FEW_TEXTS`` texts a label, else 0. Rows of a batch are then compared
    with one another: with ``micro_batch_size`` it is left out."""
    class_weights: bool = False
    """Weigh rare labels up, so that each label counts the same in the loss."""
    descriptions: str = ""
    """Only for ``zero-shot``: a file that says in a sentence what each label means, read beside the labels' names."""
    refit: bool | None = None
    """Train anew on all rows once those kept aside have measured it, in about twice the time; of more than 4,000 rows
    only where a budget leaves time for it. None: by the method (``few-shot`` does, up to 4,000 rows)."""
    outside: str = ""
    """The label, such as ``oos``, of rows that none of the others fits. They are not trained on: from those of the
    training and the validation file the model learns the chance that a text is such a one. Empty: there are none."""
    outside_share: float = OUTSIDE_SHARE
    """Of texts that none of the labels fits among those that will be asked."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.method in METHODS, "method", self.method, f"one of {', '.join(METHODS)}")
        weight = self.consistency
        require(weight is None or 0 <= weight < math.inf, "consistency", weight, "0 or above, or left out")
        self._check_contrast()
        plain = self.method in FINE_TUNING or not self.class_weights
        require(plain, "class_weights", self.class_weights, f"left out with method {self.method}")
        described = not self.descriptions or self.method == "zero-shot"
        require(described, "descriptions", self.descriptions, "left out unless the method is zero-shot")
        require(not (self.refit and self.computes), "refit", self.refit, f"left out with method {self.method}")
        require(0 < self.outside_share < 1, "outside_share", self.outside_share, "a share between 0 and 1")

    @property
    def agreement(self) -> float:
        """Weight of the disagreement between two passes."""
        return CONSISTENCY.get(self.method, 0.0) if self.consistency is None else self.consistency

    def contrast_of(self, rows: int, labels: int) -> float:
        """Weight of the contrast between labels in a training on ``rows`` texts."""
        if self.contrast is not None:
            return self.contrast
        few = self.probes and rows <= FEW_TEXTS * labels
        return CONTRAST if few and self.micro_batch_size in (None, self.batch_size) else 0.0

    def _check_contrast(self) -> None:
        weight = self.contrast
        require(weight is None or 0 <= weight < math.inf, "contrast", weight, "0 or above, or left out")
        require(self.probes or not weight, "contrast", weight, "left out unless the method is few-shot")
        whole = self.micro_batch_size in (None, self.batch_size)
        require(whole or not weight, "micro_batch_size", self.micro_batch_size, "left out with contrast")

    @property
    def computes(self) -> bool:
        return self.method in ("prototype", "zero-shot")

    @property
    def probes(self) -> bool:
        return self.method == "few-shot"

    @property
    def refits(self) -> bool:
        # Of a handful of texts a label each one that is kept aside is missed.
        return self.method == "few-shot" if self.refit is None else self.refit

    def passes(self, rows: int) -> int:
        """As of every recipe; over a few texts a label ``FEW_SHOT_EPOCHS``."""
        if self.epochs or not self.probes:
            return super().passes(rows)
        return max(FEWEST_PASSES, min(FEW_SHOT_EPOCHS, FEW_SHOT_TEXTS // max(rows, 1)))


def class_weights(label_ids: Sequence[int], labels: int) -> tuple[float, ...]:
    """A weight a label, so that all labels weigh the same and the mean weight over the rows is 1."""
    counts = Counter(label_ids)
    present = sum(1 for label in range(labels) if counts[label])
    return tuple(len(label_ids) / (present * counts[label]) if counts[label] else 0.0 for label in range(labels))


def words_of_label(label: str) -> str:
    """A label's name as a person would say it: ``card_not_working`` and ``cardNotWorking`` are three words."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", label)
    return " ".join(re.sub(r"[_\-./:]+", " ", spaced).split()).lower() or label


def row_number(dataset: LabelledTexts, place: int) -> int:
    """Number in its file of the example at ``place``; data that was never in a file is counted from 1."""
    # Rows without text or label were left out in reading: later ones stand further down than their place says.
    rows: Sequence[int] | None = getattr(dataset, "rows", None)
    return place + 1 if rows is None else rows[place]


def label_order(dataset: LabelledTexts, *, outside: str = "") -> tuple[str, ...]:
    """The labels in the order that a new model will have; ``outside``: of rows that have none.

    Raises:
        DataError: there is nothing to tell apart, or a row has no label.
    """
    for place, example in enumerate(dataset.examples):
        if not example.label.strip():
            raise DataError(
                "Every row needs a label to train or evaluate on",
                seen=said("an empty label beside {text}", text=repr(example.text[:60])),
                remedy="Give the row its label or remove it; portside data check lists all such rows",
                file=dataset.source,
                row=row_number(dataset, place),
            )
    labels = tuple(sorted({example.label for example in dataset.examples} - {outside}))
    if len(labels) < 2:
        raise DataError(
            "A classifier needs at least two labels to tell apart",
            seen=said(
                "{n} label(s) in {rows} rows: {labels}",
                n=len(labels),
                rows=len(dataset.examples),
                labels=", ".join(labels) or said("none"),
            ),
            remedy="Add rows of another label, or name another column with --label",
            file=dataset.source,
        )
    return labels


TASK = TaskSpec(
    name="classification",
    summary="Fine-tune a classifier: each text gets one of the labels.",
    reads="labelled texts in CSV, TSV, JSON lines or Parquet, gzipped or not",
    read="portside.data.dataset:read",
    recipe=ClassificationRecipe,
    make="portside.training.classification:make_task",
    answers="portside.inference.classifier:answers",
    cli="portside.commands.classification",
    report="portside.evaluation.report.build:report_file",
    compile="portside.inference.engines.subjects.classification:subject",
    auto="portside.training.classification_auto:train",
)
