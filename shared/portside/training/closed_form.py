"""Heads that are computed from a frozen encoder's vectors instead of trained. Imports torch: import it lazily.

Prototypes: one Gaussian a label around the mean of its texts, with one shared covariance (Fisher 1936; as a few-shot
classifier: Snell et al., "Prototypical Networks for Few-shot Learning", NeurIPS 2017). Zero-shot: the label's name in a
few sentences, and a description where there is one, take the place of its texts (Yin et al., "Benchmarking Zero-shot
Text Classification", EMNLP 2019).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from portside.inference.classifier import softmax
from portside.inference.tokens import Tokens
from portside.tasks.classification import words_of_label
from portside.tasks.classification_network import ClassificationNetwork
from portside.training.discriminant import Head, LabelStatistics
from portside.training.head_start import pooled_vectors, put_head
from portside.training.material import Material

__all__ = ["LEAST", "TEMPLATES", "best_temperature", "label_statistics", "name_head", "set_head", "zero_shot_head"]

TEMPLATES = ("{}", "this is about {}", "a question about {}", "the topic is {}")
"""Sentences that a label's name is read in: their mean is steadier than the bare name."""
TEMPERATURES = tuple(float(value) for value in np.geomspace(0.02, 20.0, 61))
LEAST = {"prototype": 0.5, "zero-shot": TEMPERATURES[0]}
"""Least divisor for each method: weights without bound would show rounding in the probabilities."""


def label_statistics(
    network: ClassificationNetwork, tokens: Tokens, texts: Sequence[str], label_ids: Sequence[int], labels: int
) -> LabelStatistics:
    """Counts, means and scatter of the texts of each of so many ``labels``, of which ``label_ids`` are places."""
    return LabelStatistics.of(pooled_vectors(network, tokens, texts), np.array(label_ids, dtype=np.int64), labels)


def zero_shot_head(
    network: ClassificationNetwork, tokens: Tokens, labels: Sequence[str], descriptions: Sequence[str] = ()
) -> Head:
    """Weights (labels, hidden), each of length 1, from what the labels are called and, where given, what they mean."""
    words = [words_of_label(label) for label in labels]
    named = [template.format(word) for template in TEMPLATES for word in words]
    pooled = pooled_vectors(network, tokens, [*named, *descriptions])
    described = pooled[len(named) :] if descriptions else None
    return name_head(pooled[: len(named)].reshape(len(TEMPLATES), len(words), -1), described)


def name_head(named: NDArray[np.float32], described: NDArray[np.float32] | None = None) -> Head:
    """Weights (labels, hidden), each of length 1; no bias.

    ``named``: vectors of each label's name in each template, shape (templates, labels, hidden); ``described``: of its
    description, (labels, hidden). A description counts as much as all sentences with the name together.
    """
    means = _unit(_unit(named).mean(axis=0))
    if described is not None:
        means = _unit(means + _unit(described))
    return means, np.zeros(len(means))


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    wide = vectors.astype(np.float64)
    return np.asarray(wide / np.linalg.norm(wide, axis=-1, keepdims=True))


def best_temperature(logits: NDArray[np.float64], truth: NDArray[np.int64], least: float = 0.0) -> float:
    """The divisor of ``logits``, shape (texts, labels), under which ``truth`` is likeliest; 1 without texts."""
    if len(truth) == 0:
        return 1.0
    rows = np.arange(len(truth))

    def surprise(temperature: float) -> float:
        return float(-np.log(np.maximum(softmax(logits / temperature)[rows, truth], 1e-12)).mean())

    return min((value for value in TEMPERATURES if value >= least), key=surprise)


def set_head(
    network: ClassificationNetwork,
    tokens: Tokens,
    material: Material,
    head: Head,
    *,
    least: float,
    otherwise: float = 1.0,
) -> float:
    """Put the head into the network, as sure of itself as the validation rows bear out; returns the divisor.

    Without validation rows that is ``otherwise``.
    """
    weights, bias = head
    temperature = otherwise
    if material.valid_texts:
        logits = pooled_vectors(network, tokens, material.valid_texts).astype(np.float64) @ weights.T + bias
        temperature = best_temperature(logits, np.array(material.valid_ids, dtype=np.int64), least)
    put_head(network, (weights / temperature, bias / temperature))
    return temperature
