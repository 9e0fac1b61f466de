"""How well a classifier does on labelled rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from portside.errors import DataError
from portside.evaluation.intervals import wilson
from portside.inference.cuts import Cuts
from portside.records import Prediction
from portside.said import joined, said
from portside.tasks.classification import LabelledTexts, row_number

__all__ = ["ClassificationReport", "LabelScore", "check_labels", "evaluate_classifier", "score_labels"]

TEXTS_AT_ONCE = 2_048


class Predictor(Protocol):
    """What evaluation asks of a classifier: one version, so that all rows are judged by the same."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The model's labels."""
        ...

    @property
    def model(self) -> str:
        """``name:version``."""
        ...

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """One prediction a text."""
        ...


@dataclass(frozen=True)
class LabelScore:
    """How one label fared."""

    precision: float
    recall: float
    f1: float
    support: int
    """Rows that truly have the label."""


@dataclass(frozen=True)
class ClassificationReport:
    """The result of one evaluation."""

    model: str
    """``name:version``."""
    data: str
    n: int
    accuracy: float
    macro_f1: float
    """Mean over the labels that occur, in truth or in prediction."""
    accuracy_ci95: tuple[float, float]
    """Wilson's interval."""
    per_class: Mapping[str, LabelScore]
    confusion: Mapping[str, Mapping[str, int]]
    """True label -> predicted label -> rows; pairs that never happened are left out."""
    seen_in_training: int | None = None
    """Rows whose text also stands in the training data; None where that is not known."""
    cut: Cuts | None = None
    """Texts that were longer than the model reads; None where nobody counted."""

    def top_confusions(self, limit: int = 10) -> list[tuple[str, str, int]]:
        """(true, predicted, rows) of the most frequent mistakes."""
        pairs = [
            (true, predicted, rows)
            for true, row in self.confusion.items()
            for predicted, rows in row.items()
            if true != predicted
        ]
        return sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1]))[:limit]

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, as ``portside evaluate --json`` writes it."""
        name, _, version = self.model.partition(":")
        return {
            "model": name,
            "version": int(version) if version.isdigit() else version,
            "data": self.data,
            "n": self.n,
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "accuracy_ci95": list(self.accuracy_ci95),
            "per_class": {
                label: {"precision": one.precision, "recall": one.recall, "f1": one.f1, "support": one.support}
                for label, one in self.per_class.items()
            },
            "confusion": {true: dict(row) for true, row in self.confusion.items()},
            "seen_in_training": self.seen_in_training,
            "longer_than_limit": None if self.cut is None else self.cut.to_dict(),
        }


def evaluate_classifier(
    predictor: Predictor,
    dataset: LabelledTexts,
    *,
    seen: Callable[[str], bool] | None = None,
    report: Callable[[int], None] | None = None,
) -> ClassificationReport:
    """Judge ``predictor`` on every row of ``dataset``; ``report`` hears how many rows are done.

    ``seen`` tells whether a text was trained on; such rows are counted in the result, not left out.

    Raises:
        DataError: there are no rows, or some have no label or one that the model does not know.
    """
    truth = [example.label for example in dataset.examples]
    check_labels(dataset, predictor.labels)
    texts = [example.text for example in dataset.examples]
    predicted: list[str] = []
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        predicted += [found.label for found in predictor.predict(texts[start : start + TEXTS_AT_ONCE])]
        if report is not None:
            report(len(predicted))
    hits = sum(one == other for one, other in zip(truth, predicted, strict=True))
    scores = score_labels(truth, predicted)
    return ClassificationReport(
        model=predictor.model,
        data=dataset.source,
        n=len(truth),
        accuracy=hits / len(truth),
        macro_f1=sum(score.f1 for score in scores.values()) / len(scores),
        accuracy_ci95=wilson(hits, len(truth)),
        per_class=scores,
        confusion=_confusion(truth, predicted),
        seen_in_training=None if seen is None else sum(map(seen, texts)),
    )


def score_labels(truth: Sequence[str], predicted: Sequence[str]) -> dict[str, LabelScore]:
    """Precision, recall and F1 of each label that occurs in either, by label; 0 where nothing is divided."""
    true_rows, predicted_rows = Counter(truth), Counter(predicted)
    right = Counter(one for one, other in zip(truth, predicted, strict=True) if one == other)
    out = {}
    for label in sorted(true_rows.keys() | predicted_rows.keys()):
        precision = right[label] / predicted_rows[label] if predicted_rows[label] else 0.0
        recall = right[label] / true_rows[label] if true_rows[label] else 0.0
        f1 = 2 * right[label] / (true_rows[label] + predicted_rows[label])
        out[label] = LabelScore(precision, recall, f1, true_rows[label])
    return out


def _confusion(truth: Sequence[str], predicted: Sequence[str]) -> dict[str, dict[str, int]]:
    out: dict[str, dict[str, int]] = {}
    for (true, found), rows in sorted(Counter(zip(truth, predicted, strict=True)).items()):
        out.setdefault(true, {})[found] = rows
    return out


SHOWN = 5
"""Labels named where some are wrong."""


def check_labels(dataset: LabelledTexts, known: Sequence[str]) -> None:
    """Refuse rows that no figure can be computed of.

    Raises:
        DataError: there are no rows, or some have no label or one that is not ``known``.
    """
    if not dataset.examples:
        raise DataError("There must be rows to evaluate on", seen=said("none"), file=dataset.source)
    for place, example in enumerate(dataset.examples):
        if not example.label.strip():
            raise DataError(
                "Every row needs its true label to be evaluated on",
                seen=said("an empty label beside {text}", text=repr(example.text[:60])),
                remedy="Give the row its label or remove it; to label rows with the model use portside predict",
                file=dataset.source,
                row=row_number(dataset, place),
            )
    names = set(known)
    unknown = Counter(example.label for example in dataset.examples if example.label not in names)
    if unknown:
        first = next(place for place, example in enumerate(dataset.examples) if example.label in unknown)
        shown: list[str] = [
            said("'{label}' ({rows} rows)", label=label, rows=rows) for label, rows in unknown.most_common(SHOWN)
        ]
        if len(unknown) > SHOWN:
            shown.append(said("and {n} more", n=len(unknown) - SHOWN))
        some = ", ".join(f"'{label}'" for label in list(known)[:SHOWN]) + (", …" if len(known) > SHOWN else "")
        raise DataError(
            "Every label must be one that the model knows",
            seen=joined(shown, ", "),
            remedy=said(
                "Known labels: {some}. Remove those rows, correct the labels, or train a version with them", some=some
            ),
            file=dataset.source,
            row=row_number(dataset, first),
        )
