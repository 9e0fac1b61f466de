"""Few texts a label: a linear probe that knows the labels' names, then gentle fine-tuning with contrast between labels.

The probe is a logistic regression on the frozen encoder's vectors, in which each label's name is one more text of that
label; fine-tuning goes on from there with every label as rival of every text, and softened targets (Kumar et al.,
"Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution", ICLR 2022; the names as texts: Luo
et al., "Don't Miss the Labels", Findings of ACL 2021). Where texts are few, those of a label are drawn together
meanwhile and those of others apart (``supervised_contrast``). Imports torch: import it lazily.
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
from portside.training.head_start import Head, start_head
from portside.training.material import Material

__all__ = ["FewShotAdapter", "logistic_head"]

STRENGTH = 30.0
"""Inverse regularisation on vectors whose mean length is 1; from 10 to 100 little changes on rows that were kept aside
from BANKING77's training file."""
SMOOTHING = 0.05
"""Share of each target that all labels have in common."""
SOFTENED = 0.5
"""The probe is surer than it is right; softened, it leaves fine-tuning something to say."""


class FewShotAdapter(ClassificationAdapter):
    """Each text gets one of the labels, learned from a handful of texts of each and its name."""

    def __init__(
        self,
        recipe: ClassificationRecipe,
        material: Material,
        source: EncoderSource,
        *,
        temperature: float | None = None,
    ) -> None:
        self._labelled = material
        super().__init__(recipe, _with_names(material), source, temperature=temperature)
        self.metric = "accuracy"

    def network(self, encoder: nn.Module, hidden: int) -> nn.Module:
        """Encoder, one vector a text, linear head; trained on softened targets."""
        recipe, labels = self._recipe, len(self._labelled.labels)
        return ClassificationNetwork(
            encoder,
            hidden,
            labels,
            dropout=recipe.dropout,
            smoothing=SMOOTHING,
            consistency=recipe.agreement,
            contrast=recipe.contrast_of(len(self._labelled.texts), labels),
            pooling=self.pooling,
        )

    def head_start(self, network: nn.Module, precision: str) -> None:
        """The linear probe."""
        assert isinstance(network, ClassificationNetwork)
        seed = self._recipe.seed
        start_head(network, self.tokens, self._material, seed=seed, precision=precision, fit=_softened_head)


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


def _with_names(material: Material) -> Material:
    names: Sequence[str] = [words_of_label(label) for label in material.labels]
    return replace(
        material,
        texts=[*material.texts, *names],
        label_ids=[*material.label_ids, *range(len(names))],
    )
