"""Few texts a label: a linear probe that knows the labels' names, then gentle fine-tuning.

The probe is a logistic regression on the frozen encoder's vectors, in which each label's name is one more text of that
label; fine-tuning goes on from there with every label as rival of every text, and softened targets (Kumar et al.,
"Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution", ICLR 2022; the names as texts: Luo
et al., "Don't Miss the Labels", Findings of ACL 2021). Once the held-out rows have measured the model, the head is
fitted again with them. Imports torch: import it lazily.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import nn

from portside.encoders import EncoderSource
from portside.tasks.classification import ClassificationRecipe, words_of_label
from portside.tasks.classification_network import ClassificationNetwork
from portside.training.classification_adapter import ClassificationAdapter
from portside.training.closed_form import best_temperature
from portside.training.head_start import MOST_ROWS, Head, pooled_vectors, put_head, start_head
from portside.training.material import Material

__all__ = ["FewShotAdapter", "held_out_logits", "logistic_head"]

STRENGTH = 30.0
"""Inverse regularisation on vectors whose mean length is 1; from 10 to 100 little changes on rows that were kept aside
from BANKING77's training file."""
SMOOTHING = 0.05
"""Share of each target that all labels have in common."""
SOFTENED = 0.5
"""The probe is surer than it is right; softened, it leaves fine-tuning something to say."""
FOLDS = 3


class FewShotAdapter(ClassificationAdapter):
    """Each text gets one of the labels, learned from a handful of texts of each and its name."""

    def __init__(self, recipe: ClassificationRecipe, material: Material, source: EncoderSource) -> None:
        self._labelled = material
        super().__init__(recipe, _with_names(material), source)
        self.metric = "accuracy"

    def network(self, encoder: nn.Module, hidden: int) -> nn.Module:
        """Encoder, mean over tokens, linear head; trained on softened targets."""
        labels = len(self._labelled.labels)
        return ClassificationNetwork(encoder, hidden, labels, dropout=self._recipe.dropout, smoothing=SMOOTHING)

    def head_start(self, network: nn.Module, precision: str) -> None:
        """The linear probe."""
        assert isinstance(network, ClassificationNetwork)
        seed = self._recipe.seed
        start_head(network, self.tokens, self._material, seed=seed, precision=precision, fit=_softened_head)

    def finish(self, network: nn.Module) -> None:
        """The head once more, with the rows that were kept aside from training; as sure of itself as it should be."""
        material = self._labelled
        rows = [*self._material.texts, *material.valid_texts]
        if not material.kept_aside or not material.valid_texts or len(rows) > MOST_ROWS:
            return
        assert isinstance(network, ClassificationNetwork)
        labels = np.asarray([*self._material.label_ids, *material.valid_ids], dtype=np.int64)
        vectors = pooled_vectors(network, self.tokens, rows)
        # Rows that the encoder was fine-tuned on look easier than they are: the others say how sure to be.
        fresh = np.arange(len(rows) - len(material.valid_texts), len(rows))
        logits = held_out_logits(vectors, labels, len(material.labels), fresh)
        temperature = best_temperature(logits, labels[fresh])
        weights, bias = logistic_head(vectors, labels, len(material.labels))
        put_head(network, (weights / temperature, bias / temperature))


def logistic_head(vectors: NDArray[np.float32], labels: NDArray[np.int64], count: int) -> Head:
    """Weights (count, width) and bias (count,) of a logistic regression on ``vectors``, shape (rows, width).

    A label without rows is never the likeliest.
    """
    from sklearn.linear_model import LogisticRegression

    scale = float(np.linalg.norm(vectors, axis=1).mean())
    present = np.unique(labels)
    fitted = LogisticRegression(C=STRENGTH, max_iter=500).fit(vectors / scale, labels)
    weights, bias = np.zeros((count, vectors.shape[1])), np.full(count, -1e3)
    # Of two labels there is one row of weights, for the second against the first.
    two = len(present) == 2
    weights[present] = np.concatenate([-fitted.coef_ / 2, fitted.coef_ / 2]) if two else fitted.coef_
    bias[present] = np.concatenate([-fitted.intercept_ / 2, fitted.intercept_ / 2]) if two else fitted.intercept_
    return weights / scale, bias


def _softened_head(vectors: NDArray[np.float32], labels: NDArray[np.int64], count: int) -> Head:
    weights, bias = logistic_head(vectors, labels, count)
    return SOFTENED * weights, SOFTENED * bias


def held_out_logits(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], count: int, rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Logits of ``rows``, shape (rows, count), each from a head that was fitted without it."""
    out = np.zeros((len(rows), count))
    for fold in range(FOLDS):
        asked = np.arange(fold, len(rows), FOLDS)
        kept = np.setdiff1d(np.arange(len(vectors)), rows[asked])
        weights, bias = logistic_head(vectors[kept], labels[kept], count)
        out[asked] = vectors[rows[asked]] @ weights.T + bias
    return out


def _with_names(material: Material) -> Material:
    names: Sequence[str] = [words_of_label(label) for label in material.labels]
    return replace(
        material,
        texts=[*material.texts, *names],
        label_ids=[*material.label_ids, *range(len(names))],
    )
