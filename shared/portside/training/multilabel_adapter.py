"""Multi-label classification for the training loop. Imports torch: import it lazily."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from portside.encoders import EncoderSource
from portside.inference import network as engine
from portside.inference.multilabel import sigmoid
from portside.inference.pooling import pooling_of
from portside.inference.tokens import Tokens
from portside.records import MultiLabelled
from portside.tasks.classification_network import MultiLabelNetwork
from portside.tasks.multilabel import MultiLabelRecipe, best_threshold, truth_of
from portside.training.classification_adapter import LabelledRows, cut_note, pad_rows

__all__ = ["MultiLabelAdapter", "MultiLabelMaterial", "label_temperature", "log_odds"]

TEMPERATURES = tuple(float(value) for value in np.geomspace(0.5, 4.0, 32))
FEWEST = 50
"""Labels given to validation texts below which no temperature is fitted."""


@dataclass(frozen=True)
class MultiLabelMaterial:
    """Texts to train on and to validate on."""

    labels: tuple[str, ...]
    train: Sequence[MultiLabelled]
    valid: Sequence[MultiLabelled]
    validation: str
    """Where the validation texts come from, in words."""


class MultiLabelAdapter:
    """Each text gets any number of the labels."""

    metric = "micro-F1"
    saving_count = 0
    head_start_rows = 0

    def __init__(self, recipe: MultiLabelRecipe, material: MultiLabelMaterial, source: EncoderSource) -> None:
        self._recipe, self._material = recipe, material
        self.tokens = Tokens(source.folder, max_tokens=recipe.max_tokens)
        self.pooling = pooling_of(source.folder)
        texts = [one.text for one in material.train]
        encoded = self.tokens(texts)
        self.cut = len(encoded.cut)
        self.cut_note = cut_note([texts[place] for place in encoded.cut], len(texts), self.tokens)
        self._truth = truth_of(material.train, material.labels)
        self.rows = LabelledRows(encoded.ids, range(len(material.train)))
        self.valid_count = len(material.valid)
        self.threshold = 0.5
        """A label is given from this probability on."""
        self.temperature = 1.0
        self._valid_rows: NDArray[np.float64] | None = None

    def network(self, encoder: nn.Module, hidden: int) -> nn.Module:
        """Encoder, one vector a text, linear head."""
        labels, dropout = len(self._material.labels), self._recipe.dropout
        return MultiLabelNetwork(encoder, hidden, labels, dropout=dropout, pooling=self.pooling)

    def collate(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Ids and mask (rows, tokens), labels (rows, labels)."""
        labels = torch.from_numpy(self._truth[[row["labels"] for row in rows]].astype(np.float32))
        return {**pad_rows(self.tokens, rows), "labels": labels}

    def closed_form(self, network: nn.Module, method: str) -> None:
        """This task knows of no such method: its recipe refuses them."""

    def finish(self, network: nn.Module) -> None:
        """As sure of a given label as the validation texts bear out: the labels stay, their probabilities move."""
        if self._valid_rows is None:
            return
        assert isinstance(network, MultiLabelNetwork)
        truth = truth_of(self._material.valid, self._material.labels)
        self.temperature = label_temperature(self._valid_rows, truth, self.threshold)
        self.threshold = float(sigmoid(log_odds(np.array(self.threshold)) / self.temperature))
        with torch.no_grad():
            network.head.weight.div_(self.temperature)
            network.head.bias.div_(self.temperature)

    def head_start(self, network: nn.Module, precision: str) -> None:
        """This task has none."""

    def probabilities(self, network: nn.Module) -> NDArray[np.float64]:
        """Of the validation texts, shape (texts, labels)."""
        network.eval()
        logits = engine.run(
            lambda ids, mask: network(input_ids=ids, attention_mask=mask)["logits"],
            self.tokens,
            [one.text for one in self._material.valid],
            device=next(network.parameters()).device,
        )
        return sigmoid(logits)

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Micro-F1 at the best threshold for it, that threshold, and the mean loss of a label."""
        found = self.probabilities(network)
        truth = truth_of(self._material.valid, self._material.labels)
        threshold = best_threshold(found, truth)
        self._valid_rows, self.threshold = found, threshold
        given = found >= threshold
        micro = float(2 * (given & truth).sum() / max(given.sum() + truth.sum(), 1))
        likely = np.where(truth, found, 1.0 - found)
        loss = float(-np.log(np.maximum(likely, 1e-12)).mean())
        return {"loss": loss, "score": micro, "micro_f1": micro, "threshold": threshold}


def label_temperature(probabilities: NDArray[np.float64], truth: NDArray[np.bool_], threshold: float) -> float:
    """The divisor of the logits under which it is likeliest that just these given labels are right; 1 where few are.

    Both arrays have shape (texts, labels). Of all labels nearly all are rightly not given, which would decide: what a
    user sees is how sure the model is of those given, so that is what is fitted (Guo et al., "On Calibration of Modern
    Neural Networks", ICML 2017, applied to given labels).
    """
    given = probabilities >= threshold
    if given.sum() < FEWEST:
        return 1.0
    odds, right = log_odds(probabilities[given]), truth[given]

    def surprise(temperature: float) -> float:
        sure = sigmoid(odds / temperature)
        return float(-np.log(np.clip(np.where(right, sure, 1 - sure), 1e-12, 1)).mean())

    return min(TEMPERATURES, key=surprise)


def log_odds(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logits of probabilities."""
    kept = np.clip(probabilities, 1e-12, 1 - 1e-12)
    return np.asarray(np.log(kept) - np.log1p(-kept))
