"""What the apps ask of a model, and the fakes that stand in for it in tests."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from portside.inference.outside_gate import EnergyGate
from portside.records import Prediction

__all__ = ["FakeClassifier", "FakeEncoder", "FakeScorer", "TextClassifier", "TextEncoder"]


class TextClassifier(Protocol):
    """Gives each text a label with probabilities."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The label order of the model now served."""
        ...

    @property
    def model(self) -> str:
        """The version now served, as ``name:version``."""
        ...

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """One prediction a text, in the order given. An empty list of texts gives an empty list."""
        ...


class TextEncoder(Protocol):
    """Turns texts into vectors whose inner product is their likeness."""

    @property
    def dim(self) -> int:
        """Length of a vector."""
        ...

    @property
    def model(self) -> str:
        """The version now served, as ``name:version``, or the name of pretrained weights."""
        ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of length 1, shape (texts, dim), in the order given."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The same of what is looked for, where ``encode`` gives those of what is to be found: some encoders were
        taught to tell the two apart.
        """
        ...


@dataclass
class FakeClassifier:
    """A classifier by keywords: the first keyword found in the text decides, with ``confidence``.

    A text with none of the keywords gets the first label with probability 1 / number of labels.
    """

    keywords: Mapping[str, str]
    labels: tuple[str, ...]
    confidence: float = 0.95
    model: str = "fake:1"

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> Prediction:
        found = next((label for word, label in self.keywords.items() if word in text.lower()), None)
        top = found or self.labels[0]
        sure = self.confidence if found else 1.0 / len(self.labels)
        rest = (1.0 - sure) / max(len(self.labels) - 1, 1)
        return Prediction(top, sure, {label: sure if label == top else rest for label in self.labels}, self.model)


@dataclass
class FakeEncoder:
    """An encoder by hashed words: texts that share words are alike. No weights, same result everywhere."""

    dim: int = 64
    model: str = "fake-encoder:1"
    calls: int = field(default=0, compare=False)
    query_prefix: str = ""
    """Read before each query."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.calls += 1
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.lower()) or [""]:
                out[row, int(hashlib.md5(word.encode()).hexdigest(), 16) % self.dim] += 1.0
        out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)
        return out

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.encode([self.query_prefix + text for text in texts])


@dataclass
class FakeScorer:
    """A ``FakeClassifier`` that shows its logits; its features are those of a ``FakeEncoder``."""

    classifier: FakeClassifier
    encoder: FakeEncoder = field(default_factory=FakeEncoder)
    gate: EnergyGate | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        return self.classifier.labels

    @property
    def model(self) -> str:
        return self.classifier.model

    def scores(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        found = [tuple(one.probabilities.values()) for one in self.classifier.predict(texts)]
        shape = (len(texts), len(self.labels))
        return np.log(np.array(found, dtype=np.float32).reshape(shape)), self.encoder.encode(texts)
