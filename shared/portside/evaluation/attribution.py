"""Which words of a text speak for a label: by integrated gradients, by leaving words out, and whether the two agree.

Both say how much a word adds to the score of the answer: of a label and of a name's type to their log-odds,
log(p / (1 - p)), of a document to the cosine of query and document. Integrated gradients (Sundararajan, Taly &
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
from portside.inference.attributor import Answer, Attributor, Measure, TokenValues, Variant, levels
from portside.said import said

__all__ = [
    "METHODS",
    "Agreement",
    "Completeness",
    "Explanation",
    "Method",
    "agreement",
    "explain",
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
    """Score of the text minus that of the text that says nothing."""

    @property
    def gap(self) -> float:
        """How far apart the two are, in units of the score."""
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
    """Why a model gives one text one answer."""

    model: str
    """``name:version``."""
    text: str
    answer: Answer
    measure: Measure
    level: float
    """The probability of the answer; of a document the cosine of query and document."""
    words: tuple[Word, ...]
    """Those that the model read, with where they stand: a sign or a Chinese character is one by itself."""
    values: dict[Method, NDArray[np.float64]]
    """What each word adds to the score of the answer, shape (words,)."""
    completeness: Completeness
    read_characters: int
    """The text from its beginning up to here was read."""
    cut: bool
    """There is text after that."""
    window: bool = False
    """There are words before or after ``words`` that were not read for this answer."""

    @property
    def label(self) -> str:
        """What the words speak for, as a person reads it: a label, the beginning of a document, type and name."""
        return self.answer.label

    @property
    def predicted(self) -> str:
        """What the model says of the text; ``label`` may be another that was asked about."""
        return self.answer.predicted

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
        if self.window:
            doubts.append(said("Only the {n} words around the name were read for it.", n=f"{len(self.words):,}"))
        return doubts

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it; a word's ``start`` and ``end`` count characters of ``text``."""
        columns = {method.replace("-", "_"): self.values[method].tolist() for method in METHODS}
        return {
            "model": self.model,
            "text": self.text,
            "label": self.label,
            "key": self.answer.key,
            **({"spans": [list(span) for span in self.answer.spans]} if self.answer.spans else {}),
            self.measure: self.level,
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
    model: Attributor, texts: Sequence[str], *, label: str | None = None, most: int | None = 1
) -> list[Explanation]:
    """Why ``model`` gives each text its answers, of each at most ``most``, the surest first (None: all).

    ``label``: how it comes by this one instead. A text that gets no answer has no explanation.

    Raises:
        UsageError: the label is not one of the model's.
    """
    found = model.answers(texts, label)
    return explain_answers(
        model, [(text, answer) for text, each in zip(texts, found, strict=True) for answer in each[:most]]
    )


def explain_answers(model: Attributor, asked: Sequence[tuple[str, Answer]]) -> list[Explanation]:
    """How ``model`` comes by each text's answer."""
    if not asked:
        return []
    texts, answers = [text for text, _ in asked], [answer for _, answer in asked]
    gradients = model.integrated_gradients(texts, answers)
    ends = [_read(text, one) for text, one in zip(texts, gradients, strict=True)]
    words = [_words(text[:end], one) for text, end, one in zip(texts, ends, gradients, strict=True)]
    occluded = _occlude(model, [text[:end] for text, end in zip(texts, ends, strict=True)], words, answers)
    return [
        Explanation(
            model=model.model,
            text=text,
            answer=answer,
            measure=model.measure,
            level=float(levels(np.array([score]), model.measure)[0]),
            words=tuple(own),
            values={"occlusion": falls, "integrated-gradients": found.values @ share_out(found.spans, own)},
            completeness=Completeness(float(found.values.sum()), found.score - found.baseline),
            read_characters=end,
            cut=found.cut,
            window=found.window is not None and len(own) < len(split_words(text)),
        )
        for (text, answer), found, end, own, (score, falls) in zip(asked, gradients, ends, words, occluded, strict=True)
    ]


def _read(text: str, found: TokenValues) -> int:
    return max((end for _, end in found.spans), default=0) if found.cut else len(text)


def _words(text: str, found: TokenValues) -> list[Word]:
    begin, end = (0, len(text)) if found.window is None else found.window
    return [word for word in split_words(text) if begin <= word.start and word.end <= end]


def _occlude(
    model: Attributor, texts: Sequence[str], words: Sequence[Sequence[Word]], answers: Sequence[Answer]
) -> list[tuple[float, NDArray[np.float64]]]:
    """The scores of the texts' answers, and how much they fall when each word is left out; for all texts in one go."""
    sizes = [_together(len(each)) for each in words]
    runs = [[each[at : at + size] for at in range(0, len(each), size)] for each, size in zip(words, sizes, strict=True)]
    variants = [
        [Variant(text, answer), *(Variant(text, answer, ((run[0].start, run[-1].end),)) for run in each)]
        for text, answer, each in zip(texts, answers, runs, strict=True)
    ]
    scores = model.scores([variant for each in variants for variant in each])
    out, first = [], 0
    for each in runs:
        whole, rest = float(scores[first]), scores[first + 1 : first + 1 + len(each)]
        counts = np.array([len(run) for run in each], dtype=np.int64)
        out.append((whole, np.repeat((whole - rest) / np.maximum(counts, 1), counts)))
        first += 1 + len(each)
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
