"""What an explanation asks of a network: its answers, their scores, and how much each token adds to a score."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from portside.apps import load
from portside.errors import ModelError, UsageError
from portside.inference.folder import read_model_file, task_of
from portside.inference.loaded import LazyNetwork
from portside.inference.multilabel import sigmoid
from portside.inference.outside_gate import read_gate

if TYPE_CHECKING:
    from portside.registry import ModelVersion

__all__ = [
    "EXPLAINED",
    "Answer",
    "Attributor",
    "FakeAttributor",
    "FolderAttributor",
    "Measure",
    "TokenValues",
    "Variant",
    "check_label",
    "levels",
    "load_attributor",
    "log_odds",
    "refined",
    "without",
]

STEPS = 16
"""Points of the integral. On BANKING77 queries half of the sums are then within 1 % of what they should be."""
MORE_STEPS = 48
"""For the texts whose sum is further off than ``GAP``."""
GAP = 0.05
"""Of the difference that the attributions of a text should sum to."""
TEXTS_AT_ONCE = 64
"""Texts integrated together: bounds the memory of a large table."""
LOADERS = {
    "classification": "portside.tasks.classification_network:load_network",
    "multilabel": "portside.tasks.classification_network:load_multilabel_network",
}
ATTRIBUTORS = {
    **dict.fromkeys(LOADERS, "portside.inference.attributor:FolderAttributor"),
    "matching": "portside.inference.matching_attributor:MatchingAttributor",
    "tagging": "portside.inference.tagging_attributor:TaggingAttributor",
}
EXPLAINED = frozenset(ATTRIBUTORS)
"""The tasks whose answers are explained."""
Measure = Literal["probability", "cosine"]
"""What the score of an answer is told as: scores are log-odds of a probability, or cosines themselves."""


@dataclass(frozen=True)
class Answer:
    """Something that a model says of a text, or could say, and that its words speak for or against."""

    key: str
    """What the model calls it: a label, the id of a document, the type of a name."""
    label: str
    """The same as a person reads it: the label, the beginning of the document, type and name."""
    predicted: str
    """``label`` of what the model itself says; another one where it was asked about another."""
    spans: tuple[tuple[int, int], ...] = ()
    """Where the words stand that the answer is about, each ``text[start:end]``; empty: it is about the whole text."""


class Variant(NamedTuple):
    """A text without some of its words."""

    text: str
    answer: Answer
    """Whose score is asked for."""
    gone: tuple[tuple[int, int], ...] = ()
    """What is left out, each ``text[start:end]``, in their order."""


def without(text: str, gone: Sequence[tuple[int, int]]) -> str:
    """The text without what stands at ``gone``, in their order."""
    cuts = [0, *(edge for span in gone for edge in span), len(text)]
    return "".join(text[begin:end] for begin, end in zip(cuts[::2], cuts[1::2], strict=True))


@dataclass(frozen=True)
class TokenValues:
    """What each token of one text adds to the score of one answer."""

    spans: tuple[tuple[int, int], ...]
    """Token ``i`` stands for ``text[start:end]``; empty for a special token."""
    values: NDArray[np.float64]
    """Shape (tokens,)."""
    score: float
    """Of the answer, the text as it is."""
    baseline: float
    """The same where every token of the text is replaced by one that says nothing."""
    cut: bool = False
    """The text was longer than the model reads: ``spans`` end where it stopped."""
    window: tuple[int, int] | None = None
    """Where the words stand that are read for the answer; None: from the beginning on."""


class Attributor(Protocol):
    """A model that can be asked why. Those of a task lie in a file each; ``load_attributor`` chooses."""

    @property
    def model(self) -> str:
        """``name:version``."""
        ...

    @property
    def measure(self) -> Measure:
        """What its scores are told as."""
        ...

    def answers(self, texts: Sequence[str], label: str | None = None) -> list[list[Answer]]:
        """What the model says of each text, the surest first; ``label``: how it comes by this one instead.

        Raises:
            UsageError: the label is none of the model's.
        """
        ...

    def scores(self, variants: Sequence[Variant]) -> NDArray[np.float64]:
        """The score of each variant's answer, shape (variants,): the higher, the surer the model."""
        ...

    def integrated_gradients(self, texts: Sequence[str], answers: Sequence[Answer]) -> list[TokenValues]:
        """What each token of each text adds to the score of that text's answer."""
        ...


class LabelOdds(Protocol):
    """A model that knows a few labels, and says how likely each is."""

    @property
    def labels(self) -> tuple[str, ...]:
        """In the order of the columns."""
        ...

    @property
    def threshold(self) -> float | None:
        """From which probability on it gives a label beside others; None: it gives the likeliest alone."""
        ...

    def log_odds(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """log(p / (1 - p)) of each label, shape (texts, labels)."""
        ...


def levels(scores: NDArray[np.float64], measure: Measure) -> NDArray[np.float64]:
    """Scores as they are told: probabilities of log-odds; cosines stay what they are."""
    return sigmoid(scores) if measure == "probability" else scores


def check_label(label: str, known: Sequence[str]) -> None:
    """Refuse a label that is not ``known``.

    Raises:
        UsageError: it is none of them.
    """
    if label not in known:
        some = ", ".join(known[:5]) + (", …" if len(known) > 5 else "")
        raise UsageError("The label must be one that the model knows", seen=label, remedy=f"Known labels: {some}")


def label_answers(model: LabelOdds, texts: Sequence[str], label: str | None) -> list[list[Answer]]:
    """The labels that the model gives each text, the likeliest first; where it gives none, the likeliest alone."""
    if label is not None:
        check_label(label, model.labels)
    if not texts:
        return []
    shares = sigmoid(model.log_odds(texts))
    least = np.inf if model.threshold is None else model.threshold
    ranked = np.argsort(-shares, axis=1, kind="stable")
    given = [
        [model.labels[place] for rank, place in enumerate(order) if rank == 0 or row[place] >= least]
        for row, order in zip(shares, ranked, strict=True)
    ]
    return [[Answer(key, key, each[0]) for key in (each if label is None else [label])] for each in given]


def label_scores(model: LabelOdds, variants: Sequence[Variant]) -> NDArray[np.float64]:
    """Log-odds of each variant's label, words left out as if they had never been written."""
    odds = model.log_odds([without(one.text, one.gone) for one in variants])
    places = {label: place for place, label in enumerate(model.labels)}
    return odds[np.arange(len(variants)), [places[one.answer.key] for one in variants]]


class FolderAttributor:
    """The classifier, of one label or of several, in one folder; its weights are read on first use."""

    measure: Measure = "probability"

    def __init__(self, folder: Path, *, model: str, threads: int = 0) -> None:
        """Open a folder.

        Raises:
            ModelError: the model is no classifier.
        """
        self.model = model
        self._task = "multilabel" if task_of(folder) == "multilabel" else "classification"
        file = read_model_file(folder, task=self._task)
        self.labels, self.gate = file.labels, read_gate(file.options)
        several = self._task == "multilabel"
        self.threshold = float(file.options.get("threshold", 0.5)) if several else None
        self._ready = LazyNetwork(folder, LOADERS[self._task], threads=threads)

    def log_odds(self, texts: Sequence[str]) -> NDArray[np.float64]:
        if not texts:
            return np.zeros((0, len(self.labels)))
        logits = self.logits(texts)
        return logits.astype(np.float64) if self._task == "multilabel" else log_odds(logits)

    def answers(self, texts: Sequence[str], label: str | None = None) -> list[list[Answer]]:
        return label_answers(self, texts, label)

    def scores(self, variants: Sequence[Variant]) -> NDArray[np.float64]:
        return label_scores(self, variants)

    def integrated_gradients(self, texts: Sequence[str], answers: Sequence[Answer]) -> list[TokenValues]:
        """The integral is computed with ``STEPS`` points, and again with ``MORE_STEPS`` where its sum is off."""
        labels = [self.labels.index(one.key) for one in answers]

        def integrate(places: Sequence[int], steps: int) -> list[TokenValues]:
            return self._integrate([texts[one] for one in places], [labels[one] for one in places], steps)

        return refined(len(texts), integrate)

    def logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Of each label, shape (texts, labels): with ``gate`` they make the answers that are served."""
        network, tokens, device = self._ready()
        from portside.inference import network as engine

        return engine.run(lambda ids, mask: network(ids, mask)["logits"], tokens, texts, device=device)

    def _integrate(self, texts: Sequence[str], labels: Sequence[int], steps: int) -> list[TokenValues]:
        network, tokens, device = self._ready()
        from portside.inference import gradients

        encoded, spans = tokens.located(texts)
        framed = [[start == end for start, end in each] for each in spans]
        odds = gradients.sigmoid_score if self._task == "multilabel" else gradients.softmax_score
        score = gradients.label_score(network.head, labels, odds, network.pooling)
        results = gradients.integrate(network, tokens, encoded.ids, framed, score=score, device=device, steps=steps)
        cut = set(encoded.cut)
        return [
            TokenValues(tuple(each), values, with_them, without, place in cut)
            for place, (each, (values, with_them, without)) in enumerate(zip(spans, results, strict=True))
        ]


def refined(count: int, integrate: Callable[[Sequence[int], int], list[TokenValues]]) -> list[TokenValues]:
    """``integrate(places, steps)`` of ``count`` texts, with more steps where the sum of the first is off."""
    found: list[TokenValues] = []
    for start in range(0, count, TEXTS_AT_ONCE):
        places = range(start, min(start + TEXTS_AT_ONCE, count))
        first = integrate(places, STEPS)
        rough = [place for place, one in zip(places, first, strict=True) if _off(one)]
        better = dict(zip(rough, integrate(rough, MORE_STEPS) if rough else [], strict=True))
        found += [better.get(place, one) for place, one in zip(places, first, strict=True)]
    return found


def _off(one: TokenValues) -> bool:
    difference = one.score - one.baseline
    return abs(float(one.values.sum()) - difference) > GAP * abs(difference)


def log_odds(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """log(p / (1 - p)) of each label of a softmax over ``logits``, both (texts, labels), labels at least two.

    Exact where p is nearly 1 too, of which the probability itself would keep few digits.
    """
    rows, exact = np.arange(len(logits)), logits.astype(np.float64)
    best = exact.argmax(axis=1)
    highest = exact[rows, best][:, None]
    others = exact.copy()
    others[rows, best] = -np.inf
    second = others.max(axis=1)
    powers = np.exp(exact - highest)
    # All labels but this one. Without the likeliest, the second likeliest sets the scale.
    rest = np.log(np.maximum(powers.sum(axis=1, keepdims=True) - powers, 1e-300)) + highest
    rest[rows, best] = np.log(np.exp(others - second[:, None]).sum(axis=1)) + second
    return np.asarray(exact - rest, dtype=np.float64)


def load_attributor(version: ModelVersion, *, threads: int = 0) -> Attributor:
    """What explains the answers of one version, by its task.

    Raises:
        ModelDamaged: the folder lacks a file or holds an unreadable one.
        ModelError: the version is a model of a task whose answers are not explained.
    """
    task = task_of(version.folder)
    if task not in ATTRIBUTORS:
        raise ModelError(
            "Explanations are given for classification, of one label or of several, for matching and for tagging",
            seen=f"{version.ref} is a model for {task}",
            remedy="See the models and their tasks with: portside models list",
        )
    made: Attributor = load(ATTRIBUTORS[task])(version.folder, model=version.ref, threads=threads)
    return made


@dataclass(frozen=True)
class FakeAttributor:
    """A linear bag of words with two labels: each word adds its weight to the log-odds of the second.

    Every method must find these weights, however it works. A token is a word cut into pieces of ``piece`` letters, its
    weight shared by them equally; only the first ``max_words`` words are read.
    """

    weights: Mapping[str, float]
    """By word in small letters; others add nothing."""
    labels: tuple[str, ...] = ("no", "yes")
    bias: float = 0.0
    piece: int = 3
    max_words: int = 1_000
    model: str = "fake:1"
    threshold: float | None = None
    measure: Measure = "probability"

    def answers(self, texts: Sequence[str], label: str | None = None) -> list[list[Answer]]:
        return label_answers(self, texts, label)

    def scores(self, variants: Sequence[Variant]) -> NDArray[np.float64]:
        return label_scores(self, variants)

    def log_odds(self, texts: Sequence[str]) -> NDArray[np.float64]:
        second = np.array([self.bias + sum(self._values(text)) for text in texts])
        return np.stack([-second, second], axis=1)

    def integrated_gradients(self, texts: Sequence[str], answers: Sequence[Answer]) -> list[TokenValues]:
        signs = [-1.0 if one.key == self.labels[0] else 1.0 for one in answers]
        return [self._one(text, sign) for text, sign in zip(texts, signs, strict=True)]

    def _one(self, text: str, sign: float) -> TokenValues:
        spans: list[tuple[int, int]] = [(0, 0)]
        values = [0.0]
        for word, weight in zip(self._words(text), self._values(text), strict=True):
            cuts = [(at, min(at + self.piece, word.end())) for at in range(word.start(), word.end(), self.piece)]
            spans += cuts
            values += [sign * weight / len(cuts)] * len(cuts)
        score, cut = float(sign * (self.bias + sum(self._values(text)))), len(re.findall(r"\w+", text)) > self.max_words
        return TokenValues((*spans, (0, 0)), np.array([*values, 0.0]), score, sign * self.bias, cut)

    def _words(self, text: str) -> list[re.Match[str]]:
        return list(re.finditer(r"\w+", text))[: self.max_words]

    def _values(self, text: str) -> list[float]:
        return [self.weights.get(word.group().lower(), 0.0) for word in self._words(text)]
