"""What an explanation asks of a network: log-odds of texts, and how much each token adds to them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from portside.errors import ModelError
from portside.inference.folder import read_model_file, task_of
from portside.inference.loaded import LazyNetwork
from portside.inference.outside_gate import read_gate

if TYPE_CHECKING:
    from portside.registry import ModelVersion

__all__ = ["Attributor", "FakeAttributor", "FolderAttributor", "TokenValues", "load_attributor", "log_odds"]

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


@dataclass(frozen=True)
class TokenValues:
    """What each token of one text adds to the log-odds of one label."""

    spans: tuple[tuple[int, int], ...]
    """Token ``i`` stands for ``text[start:end]``; empty for a special token."""
    values: NDArray[np.float64]
    """Shape (tokens,)."""
    score: float
    """Log-odds of the label, the text as it is."""
    baseline: float
    """The same where every token of the text is replaced by one that says nothing."""
    cut: bool = False
    """The text was longer than the model reads: ``spans`` end where it stopped."""


class Attributor(Protocol):
    """A classifier that can be asked why."""

    @property
    def labels(self) -> tuple[str, ...]:
        """In the order of the columns."""
        ...

    @property
    def model(self) -> str:
        """``name:version``."""
        ...

    @property
    def threshold(self) -> float | None:
        """From which probability on it gives a label beside others; None: it gives the likeliest alone."""
        ...

    def log_odds(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """log(p / (1 - p)) of each label, shape (texts, labels)."""
        ...

    def integrated_gradients(self, texts: Sequence[str], labels: Sequence[int]) -> list[TokenValues]:
        """What each token of each text adds to the log-odds of that text's label, given by its column."""
        ...


class FolderAttributor:
    """The classifier, of one label or of several, in one folder; its weights are read on first use."""

    def __init__(self, folder: Path, *, model: str, threads: int = 0) -> None:
        """Open a folder.

        Raises:
            ModelError: the model is of a task whose answers are not explained.
        """
        self.model = model
        self._task = task_of(folder)
        if self._task not in LOADERS:
            raise ModelError(
                "Explanations are given for classification, of one label or of several",
                seen=f"{model} is a model for {self._task}",
                remedy="See the models and their tasks with: portside models list",
            )
        file = read_model_file(folder, task=self._task)
        self.labels, self._gate = file.labels, read_gate(file.options)
        several = self._task == "multilabel"
        self.threshold = float(file.options.get("threshold", 0.5)) if several else None
        self._ready = LazyNetwork(folder, LOADERS[self._task], threads=threads)

    def log_odds(self, texts: Sequence[str]) -> NDArray[np.float64]:
        if not texts:
            return np.zeros((0, len(self.labels)))
        logits = self._logits(texts)
        return logits.astype(np.float64) if self._task == "multilabel" else log_odds(logits)

    def outside(self, texts: Sequence[str]) -> list[bool]:
        """Whether each text is unlike everything the model learned; False of a model that cannot tell."""
        if self._gate is None or not texts:
            return [False] * len(texts)
        return [bool(one) for one in self._gate.outside(self._logits(texts))]

    def integrated_gradients(self, texts: Sequence[str], labels: Sequence[int]) -> list[TokenValues]:
        """The integral is computed with ``STEPS`` points, and again with ``MORE_STEPS`` where its sum is off."""
        found = []
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            part, wanted = texts[start : start + TEXTS_AT_ONCE], labels[start : start + TEXTS_AT_ONCE]
            first = self._integrate(part, wanted, STEPS)
            rough = [place for place, one in enumerate(first) if _off(one)]
            finer = self._integrate([part[place] for place in rough], [wanted[place] for place in rough], MORE_STEPS)
            better = dict(zip(rough, finer, strict=True))
            found += [better.get(place, one) for place, one in enumerate(first)]
        return found

    def _logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        network, tokens, device = self._ready()
        from portside.inference import network as engine

        return engine.run(lambda ids, mask: network(ids, mask)["logits"], tokens, texts, device=device)

    def _integrate(self, texts: Sequence[str], labels: Sequence[int], steps: int) -> list[TokenValues]:
        if not texts:
            return []
        network, tokens, device = self._ready()
        from portside.inference import gradients

        encoded, spans = tokens.located(texts)
        framed = [[start == end for start, end in each] for each in spans]
        score = gradients.sigmoid_score if self._task == "multilabel" else gradients.softmax_score
        results = gradients.integrate(
            network, tokens, encoded.ids, framed, labels, score=score, device=device, steps=steps
        )
        cut = set(encoded.cut)
        return [
            TokenValues(tuple(each), values, with_them, without, place in cut)
            for place, (each, (values, with_them, without)) in enumerate(zip(spans, results, strict=True))
        ]


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


def load_attributor(version: ModelVersion, *, threads: int = 0) -> FolderAttributor:
    """What explains the answers of one version.

    Raises:
        ModelDamaged: the folder lacks a file or holds an unreadable one.
        ModelError: the version is a model of a task whose answers are not explained.
    """
    return FolderAttributor(version.folder, model=version.ref, threads=threads)


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

    def log_odds(self, texts: Sequence[str]) -> NDArray[np.float64]:
        second = np.array([self.bias + sum(self._values(text)) for text in texts])
        return np.stack([-second, second], axis=1)

    def integrated_gradients(self, texts: Sequence[str], labels: Sequence[int]) -> list[TokenValues]:
        return [self._one(text, 1.0 if label else -1.0) for text, label in zip(texts, labels, strict=True)]

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
