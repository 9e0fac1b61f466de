"""What the intents are learned from, and what validation says of them. Pure."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from portside.evaluation.risk import promise_risk
from portside.records import Example, Prediction
from portside_support.records import Correction, Intent
from portside_support.rules import ChosenThreshold, choose_threshold, promised_threshold

__all__ = [
    "Utterances",
    "fit_temperature",
    "measure_threshold",
    "show_intents",
    "softened",
    "with_corrections",
    "without_texts",
]

LEAST_SHARE = 1e-12
"""Probability that counts for a label the model rules out, so that one row cannot decide everything."""
TEMPERATURES = tuple(round(1.08**step, 4) for step in range(-18, 40))
"""Temperatures tried, from a quarter to twenty in steps of 8 %: finer ones change no decision."""
SHORT, LONG = 3, 11
"""Words of an utterance that shows what an intent means: a whole question that fits on a button."""


@dataclass(frozen=True)
class Utterances:
    """Labelled texts in the form that training asks for (``portside.tasks.classification.LabelledTexts``)."""

    examples: tuple[Example, ...]
    source: str

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that occur, sorted."""
        return tuple(sorted({example.label for example in self.examples}))

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of texts and labels, in hexadecimal digits."""
        digest = hashlib.sha256()
        for example in self.examples:
            digest.update(f"{example.text}\x1f{example.label}\x1e".encode("utf-8", errors="replace"))
        return digest.hexdigest()


def with_corrections(examples: Sequence[Example], corrections: Sequence[Correction]) -> tuple[Example, ...]:
    """The examples with what people said about the same texts: theirs is the last word, and the latest of theirs."""
    corrected = {_plain(one.text): Example(one.text, one.intent) for one in corrections}
    kept = [example for example in examples if _plain(example.text) not in corrected]
    return (*kept, *corrected.values())


def without_texts(examples: Sequence[Example], texts: Collection[str]) -> tuple[Example, ...]:
    """The examples whose text is none of these, whatever the case and the spaces."""
    plain = {_plain(text) for text in texts}
    return tuple(example for example in examples if _plain(example.text) not in plain)


def softened(prediction: Prediction, temperature: float) -> Prediction:
    """The prediction as the model would make it with its scores divided by ``temperature``; the label stays."""
    if temperature == 1.0:
        return prediction
    powers = {label: share ** (1.0 / temperature) for label, share in prediction.probabilities.items()}
    # What is missing from 1, the chance that no label fits, stays missing.
    total = sum(powers.values()) / sum(prediction.probabilities.values())
    shares = {label: power / total for label, power in powers.items()}
    return replace(prediction, confidence=shares[prediction.label], probabilities=shares)


def fit_temperature(examples: Sequence[Example], predictions: Sequence[Prediction]) -> float:
    """The temperature at which the model is as sure as it is right on these rows: least mean log loss.

    A model that was fine-tuned on few rows says 99.9 % where it is right nine times in ten; a threshold on that scale
    would mean nothing to a reader, and hang on the fifth digit.
    """
    if not examples:
        return 1.0

    def loss(temperature: float) -> float:
        told = (softened(one, temperature).probabilities for one in predictions)
        return -sum(
            math.log(max(shares.get(example.label, 0.0), LEAST_SHARE))
            for example, shares in zip(examples, told, strict=True)
        )

    return min(TEMPERATURES, key=loss)


def measure_threshold(
    examples: Sequence[Example],
    predictions: Sequence[Prediction],
    *,
    never_answered: Collection[str],
    target: float,
    floor: float,
) -> ChosenThreshold:
    """The confidence threshold that validation supports.

    Where the rows suffice it is one at which the precision is proved for new questions (``promise_risk``), else the
    one that reached it on these (``rules.choose_threshold``). A prediction of an intent that is never answered (out of
    scope, a wish for a person), or of a text unlike everything learned, is no answer, right or wrong.
    """
    pairs = list(zip(examples, predictions, strict=True))
    answerable = [
        (prediction.confidence, prediction.label == example.label)
        for example, prediction in pairs
        if prediction.label not in never_answered and not prediction.outside
    ]
    withheld = len(pairs) - len(answerable)
    if 0 < target < 1:
        sure = [one for one in answerable if one[0] >= floor]
        confidences, right = ([one[place] for one in sure] for place in (0, 1))
        promise = promise_risk(np.array(confidences), np.array(right, dtype=bool), risk=1 - target)
        if promise.threshold is not None:
            return promised_threshold(
                answerable, promise.threshold, target=target, certainty=promise.certainty, withheld=withheld
            )
    return choose_threshold(answerable, target=target, floor=floor, withheld=withheld)


def show_intents(train: Sequence[Example], valid: Sequence[Example], predictions: Sequence[Prediction]) -> list[Intent]:
    """Every intent with the utterance that shows it best: a right and sure validation row, else a training row.

    Utterances with digits or an at sign are not shown, because they may be about one customer.
    """
    counts = Counter(example.label for example in (*train, *valid))
    best: dict[str, tuple[float, str]] = {}
    for example, prediction in zip(valid, predictions, strict=True):
        if prediction.label == example.label and _can_be_shown(example.text):
            best[example.label] = max(best.get(example.label, (0.0, "")), (prediction.confidence, example.text))
    fallback: Mapping[str, str] = {one.label: one.text for one in reversed(train) if _can_be_shown(one.text)}
    return [
        Intent(name, " ".join(best[name][1].split()) if name in best else fallback.get(name, ""), counts[name])
        for name in sorted(counts)
    ]


def _can_be_shown(text: str) -> bool:
    return SHORT <= len(text.split()) <= LONG and re.search(r"[\d@/]", text) is None


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
