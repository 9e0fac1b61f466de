"""What a classifier says of labelled rows, as arrays: all that a report computes begins here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from portside.errors import DataError
from portside.evaluation.classification import check_labels
from portside.inference.classifier import chances
from portside.inference.outside_gate import EnergyGate
from portside.records import Example
from portside.tasks.classification import LabelledTexts, row_number

__all__ = ["OUTSIDE", "Scored", "Scorer", "score_rows"]

OUTSIDE = -1
"""In ``truth``: the text has none of the model's labels."""
TEXTS_AT_ONCE = 512
"""Texts asked about between two tellings of how many are done: a second or two."""


class Scorer(Protocol):
    """A classifier that shows how it came to its answers."""

    @property
    def labels(self) -> tuple[str, ...]:
        """In the order of the logits' columns."""
        ...

    @property
    def model(self) -> str:
        """``name:version``."""
        ...

    @property
    def gate(self) -> EnergyGate | None:
        """Tells texts that are unlike everything learned; None where that is not known."""
        ...

    def scores(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits, shape (texts, labels), and the features they are computed from, shape (texts, hidden)."""
        ...


@dataclass(frozen=True)
class Scored:
    """One classifier on n labelled rows; row ``i`` of every field belongs to the same text."""

    model: str
    """``name:version``."""
    data: str
    """File the rows are from."""
    labels: tuple[str, ...]
    """In the order of the logits' columns."""
    texts: tuple[str, ...]
    rows: tuple[int, ...]
    """Numbers in the file."""
    truth: NDArray[np.int64]
    """Place of the true label in ``labels``, or ``OUTSIDE``; shape (n,)."""
    logits: NDArray[np.float32]
    """Shape (n, labels)."""
    features: NDArray[np.float32]
    """What the head computes the logits from, shape (n, hidden)."""
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Where each row comes from, by column of the file: source, language and the like."""
    gate: EnergyGate | None = None
    """What the model serves with to notice texts from outside."""

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """As they are served, shape (n, labels); what is missing from 1 is the chance that none of the labels fits."""
        return chances(self.logits, self.gate)

    @cached_property
    def predicted(self) -> NDArray[np.int64]:
        """Place of the likeliest label, shape (n,)."""
        return np.asarray(self.logits.argmax(axis=1), dtype=np.int64)

    @cached_property
    def confidence(self) -> NDArray[np.float64]:
        """Probability of the likeliest label, shape (n,)."""
        return np.asarray(self.probabilities.max(axis=1))

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        """Whether the likeliest label is the true one; never for a text from outside. Shape (n,)."""
        return np.asarray(self.predicted == self.truth)

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        """Whether the true label is one of the model's, shape (n,)."""
        return np.asarray(self.truth != OUTSIDE)

    def at(self, places: Sequence[int] | NDArray[np.int64] | NDArray[np.bool_]) -> Scored:
        """Only these rows, in this order; a mask keeps those where it is true."""
        chosen = np.arange(len(self))[np.asarray(places)]
        return Scored(
            self.model,
            self.data,
            self.labels,
            tuple(self.texts[place] for place in chosen),
            tuple(self.rows[place] for place in chosen),
            self.truth[chosen],
            self.logits[chosen],
            self.features[chosen],
            {name: [values[place] for place in chosen] for name, values in self.parts.items()},
            self.gate,
        )

    def fresh(self, seen: Callable[[str], bool] | None) -> Scored:
        """Only the rows whose text the model was not trained on; ``seen`` tells which it was, None: not known.

        Of texts that it was trained on it is surer than of others: nothing is promised from them.
        """
        return self if seen is None else self.at(np.array([not seen(text) for text in self.texts], dtype=bool))


def score_rows(
    scorer: Scorer,
    dataset: LabelledTexts,
    *,
    outside: Collection[str] = (),
    report: Callable[[int], None] | None = None,
) -> Scored:
    """Ask ``scorer`` about every row; rows whose label is in ``outside`` have none of its labels.

    Raises:
        DataError: there are no rows, or some have no label or one that is neither the model's nor in ``outside``.
    """
    labels = scorer.labels
    check_labels(dataset, (*labels, *outside))
    both = sorted(set(labels) & set(outside))
    if both:
        raise DataError(
            "A label for texts from outside must not be one that the model gives",
            seen=", ".join(both),
            remedy="Name the label of those rows in the file, for example oos",
            file=dataset.source,
        )
    place_of = {label: place for place, label in enumerate(labels)}
    examples: Sequence[Example] = dataset.examples
    texts = [example.text for example in examples]
    parts = []
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        parts.append(scorer.scores(texts[start : start + TEXTS_AT_ONCE]))
        if report is not None:
            report(min(start + TEXTS_AT_ONCE, len(texts)))
    return Scored(
        model=scorer.model,
        data=dataset.source,
        labels=labels,
        texts=tuple(texts),
        rows=tuple(row_number(dataset, place) for place in range(len(texts))),
        truth=np.array([place_of.get(example.label, OUTSIDE) for example in examples], dtype=np.int64),
        logits=np.concatenate([logits for logits, _ in parts]),
        features=np.concatenate([features for _, features in parts]),
        parts=getattr(dataset, "parts", {}),
        gate=scorer.gate,
    )
