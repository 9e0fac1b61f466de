"""Which words of a text speak for a label: by integrated gradients, by leaving words out, and whether the two agree.

Both say how much a word adds to the log-odds of the label, log(p / (1 - p)). Integrated gradients (Sundararajan, Taly &
Yan, "Axiomatic Attribution for Deep Networks", ICML 2017) share out the difference to a text that says nothing, so that
their sum is that difference; occlusion (Zeiler & Fergus, "Visualizing and Understanding Convolutional Networks", ECCV
2014) compares with the text without the word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from portside.data.words import Word, split_words
from portside.errors import UsageError
from portside.inference.attributor import Attributor, TokenValues
from portside.inference.multilabel import sigmoid
from portside.said import said

__all__ = [
    "METHODS",
    "Agreement",
    "Completeness",
    "Explanation",
    "Method",
    "agreement",
    "explain",
    "labels_to_explain",
    "share_out",
]

Method = Literal["integrated-gradients", "occlusion"]
METHODS: tuple[Method, ...] = ("occlusion", "integrated-gradients")
"""Sentences go by the first: both are as faithful (``make bench``, table explanations), and what leaving out a word
does is easily said and checked."""
TOP = 3
"""Words compared between the methods, and words named in the sentence."""
NAMED_FROM = 0.25
"""Of the strongest word's value: what is weaker is not named in the sentence."""
MOST_LEFT_OUT = 64
"""Times that words are left out of one text: in a longer one neighbours go together and share what that changes. The
cost would otherwise grow with the square of the length."""
ALIKE = 0.5
"""Rank correlation below which the sentence warns that the methods disagree."""


@dataclass(frozen=True)
class Completeness:
    """Whether the integrated gradients of a text sum to what they share out."""

    attributed: float
    """Sum over all tokens."""
    difference: float
    """Log-odds of the text minus those of the text that says nothing."""

    @property
    def gap(self) -> float:
        """How far apart the two are, in log-odds."""
        return abs(self.attributed - self.difference)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"attributed": self.attributed, "difference": self.difference, "gap": self.gap}


@dataclass(frozen=True)
class Agreement:
    """How alike two methods judge the words of one text."""

    rank_correlation: float | None
    """Spearman's, from -1 to 1; None where a method sees no difference between the words, or there is one word."""
    top: int
    """Words compared: the ones that speak most for the label."""
    shared: int
    """How many of them are the same for both."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"rank_correlation": self.rank_correlation, "top": self.top, "shared": self.shared}


@dataclass(frozen=True)
class Explanation:
    """Why a model gives one text one label."""

    model: str
    """``name:version``."""
    text: str
    label: str
    probability: float
    predicted: str
    """What the model says of the text; ``label`` may be another that was asked about."""
    words: tuple[Word, ...]
    """Those that the model read, with where they stand: a sign or a Chinese character is one by itself."""
    values: dict[Method, NDArray[np.float64]]
    """What each word adds to the log-odds of the label, shape (words,)."""
    completeness: Completeness
    read_characters: int
    """The text from its beginning up to here was read."""
    cut: bool
    """There is text after that."""

    @cached_property
    def agreement(self) -> Agreement:
        """Of the two methods."""
        return agreement(self.values["integrated-gradients"], self.values["occlusion"])

    def ranked(self, method: Method = METHODS[0]) -> list[tuple[Word, float]]:
        """Words with their values, those that speak most for the label first."""
        values = self.values[method]
        return [(self.words[place], float(values[place])) for place in np.argsort(-values, kind="stable")]

    @property
    def sentence(self) -> str:
        """``sentences`` as one."""
        return " ".join(self.sentences)

    @property
    def sentences(self) -> list[str]:
        """The words that speak most for the label and against it, and how far to trust that."""
        pairs = self._totals()
        support, against = _named(pairs), _named([(word, -value) for word, value in reversed(pairs)])
        parts: list[str] = []
        if support:
            one, many = "The word {words} speaks most for {label}.", "The words {words} speak most for {label}."
            parts.append(_about(support, one, many, self.label))
        if against and (not support or against[0][1] >= NAMED_FROM * support[0][1]):
            one, many = "The word {words} speaks against {label}.", "The words {words} speak against {label}."
            parts.append(_about(against, one, many, said("it") if support else self.label))
        if not parts:
            parts.append(said("No word of the text speaks for {label} or against it.", label=self.label))
        return [*parts, *self._doubts()]

    def _totals(self) -> list[tuple[str, float]]:
        """Words with the sum of their values wherever they stand, the highest first; signs are left out."""
        written: dict[str, str] = {}
        totals: dict[str, float] = {}
        for word, value in self.ranked():
            if any(map(str.isalnum, word.text)):
                name = written.setdefault(word.text.lower(), word.text)
                totals[name] = totals.get(name, 0.0) + value
        return sorted(totals.items(), key=lambda pair: -pair[1])

    def _doubts(self) -> list[str]:
        doubts: list[str] = []
        found = self.agreement
        if found.rank_correlation is not None and found.rank_correlation < ALIKE:
            care = "Take this with care: a second method agrees on {shared} of the {top} strongest words."
            doubts.append(said(care, shared=found.shared, top=found.top))
        if self.cut:
            doubts.append(
                said(
                    "Only the first {read} of {all} characters were read; what comes after them has no say.",
                    read=f"{self.read_characters:,}",
                    all=f"{len(self.text):,}",
                )
            )
        return doubts

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it; a word's ``start`` and ``end`` count characters of ``text``."""
        columns = {method.replace("-", "_"): self.values[method].tolist() for method in METHODS}
        return {
            "model": self.model,
            "text": self.text,
            "label": self.label,
            "probability": self.probability,
            "predicted": self.predicted,
            "sentence": self.sentence,
            "words": [
                {**word._asdict(), **{name: values[place] for name, values in columns.items()}}
                for place, word in enumerate(self.words)
            ],
            "completeness": self.completeness.to_dict(),
            "agreement": self.agreement.to_dict(),
            "left_out_together": _together(len(self.words)),
            "read_characters": self.read_characters,
            "cut": self.cut,
        }


def _named(ranked: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """The strongest of the words whose values are above 0."""
    return [(word, value) for word, value in ranked[:TOP] if value > 0 and value >= NAMED_FROM * ranked[0][1]]


def _about(named: Sequence[tuple[str, float]], one: str, many: str, label: str) -> str:
    quoted = [f'"{word}"' for word, _ in named]
    if len(quoted) == 1:
        return said(one, words=quoted[0], label=label)
    return said(many, words=said("{first} and {last}", first=", ".join(quoted[:-1]), last=quoted[-1]), label=label)


def explain(
    model: Attributor, texts: Sequence[str], *, labels: Sequence[str | None] | None = None
) -> list[Explanation]:
    """Why ``model`` gives each text its likeliest label, or how it comes by the one of ``labels`` (None: likeliest).

    Raises:
        UsageError: a label is not one of the model's.
    """
    if not texts:
        return []
    odds = model.log_odds(texts)
    predicted = odds.argmax(axis=1)
    asked = [None] * len(texts) if labels is None else labels
    places = [_place(model, label, int(likeliest)) for label, likeliest in zip(asked, predicted, strict=True)]
    gradients = model.integrated_gradients(texts, places)
    ends = [_read(text, one) for text, one in zip(texts, gradients, strict=True)]
    words = [split_words(text[:end]) for text, end in zip(texts, ends, strict=True)]
    occluded = _occlude(model, [text[:end] for text, end in zip(texts, ends, strict=True)], words, places)
    return [
        Explanation(
            model=model.model,
            text=text,
            label=model.labels[places[row]],
            probability=float(0.5 * (1.0 + np.tanh(0.5 * odds[row, places[row]]))),
            predicted=model.labels[predicted[row]],
            words=tuple(words[row]),
            values={
                "occlusion": occluded[row],
                "integrated-gradients": gradients[row].values @ share_out(gradients[row].spans, words[row]),
            },
            completeness=Completeness(
                float(gradients[row].values.sum()), gradients[row].score - gradients[row].baseline
            ),
            read_characters=ends[row],
            cut=gradients[row].cut,
        )
        for row, text in enumerate(texts)
    ]


def labels_to_explain(model: Attributor, texts: Sequence[str]) -> list[list[str]]:
    """The labels that ``model`` gives each text, the likeliest first; where it gives none, the likeliest alone."""
    if not texts:
        return []
    shares = sigmoid(model.log_odds(texts))
    least = np.inf if model.threshold is None else model.threshold
    ranked = np.argsort(-shares, axis=1, kind="stable")
    return [
        [model.labels[place] for rank, place in enumerate(order) if rank == 0 or row[place] >= least]
        for row, order in zip(shares, ranked, strict=True)
    ]


def _place(model: Attributor, label: str | None, likeliest: int) -> int:
    if label is None:
        return likeliest
    if label not in model.labels:
        some = ", ".join(model.labels[:5]) + (", …" if len(model.labels) > 5 else "")
        raise UsageError("The label must be one that the model knows", seen=label, remedy=f"Known labels: {some}")
    return model.labels.index(label)


def _read(text: str, found: TokenValues) -> int:
    return max((end for _, end in found.spans), default=0) if found.cut else len(text)


def _occlude(
    model: Attributor, texts: Sequence[str], words: Sequence[Sequence[Word]], places: Sequence[int]
) -> list[NDArray[np.float64]]:
    """How much the log-odds of the texts' labels fall when each word is left out; for all texts in one go."""
    sizes = [_together(len(each)) for each in words]
    variants = [
        [text, *(text[: each[at].start] + text[each[at : at + size][-1].end :] for at in range(0, len(each), size))]
        for text, each, size in zip(texts, words, sizes, strict=True)
    ]
    odds = model.log_odds([variant for each in variants for variant in each])
    out, first = [], 0
    for each, asked, place, size in zip(words, variants, places, sizes, strict=True):
        column = odds[first : first + len(asked), place]
        falls = column[0] - column[1:]
        runs = [min(size, len(each) - at) for at in range(0, len(each), size)]
        out.append(np.repeat(falls / np.array(runs, dtype=np.float64), runs))
        first += len(asked)
    return out


def _together(words: int) -> int:
    """How many neighbouring words are left out at once, of a text of so many."""
    return max(1, -(-words // MOST_LEFT_OUT))


def share_out(spans: Sequence[tuple[int, int]], words: Sequence[Word]) -> NDArray[np.float64]:
    """Which share of each token belongs to each word, shape (tokens, words), by the characters they have in common.

    Both are ``text[start:end]``. A token's shares sum to 1, or to 0 where it stands on no word (special tokens,
    blanks); one that reaches over several words is shared by them.
    """
    common = np.zeros((len(spans), len(words)))
    if not words or not spans:
        return common
    begins, ends = np.array([[word.start, word.end] for word in words]).T
    for row, (start, end) in enumerate(spans):
        common[row] = np.maximum(np.minimum(ends, end) - np.maximum(begins, start), 0)
    return np.asarray(common / np.maximum(common.sum(axis=1, keepdims=True), 1), dtype=np.float64)


def agreement(first: NDArray[np.float64], second: NDArray[np.float64], *, top: int = TOP) -> Agreement:
    """Spearman's rank correlation of the values of the same words, and how many of the highest ``top`` are the same."""
    count = min(top, len(first))
    shared = len(set(np.argsort(-first, kind="stable")[:count]) & set(np.argsort(-second, kind="stable")[:count]))
    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return Agreement(None, count, shared)
    from scipy.stats import rankdata

    return Agreement(float(np.corrcoef(rankdata(first), rankdata(second))[0, 1]), count, shared)
