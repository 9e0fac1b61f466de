"""The classification network: encoder, one vector a text, dropout, linear head. Imports torch: import it lazily."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from portside.encoders import hidden_size
from portside.inference.folder import ModelFile, read_model_file
from portside.inference.network import empty_encoder, pool
from portside.inference.pooling import Pooling, pooling_of
from portside.inference.tokens import Tokens
from portside.tasks.consistency import disagreement, doubled
from portside.tasks.network_folder import fill
from portside.tasks.supervised_contrast import supervised_contrast

__all__ = ["ClassificationNetwork", "MultiLabelNetwork", "load_multilabel_network", "load_network"]


class ClassificationNetwork(nn.Module):
    """Token ids and mask, both (batch, tokens), to logits (batch, labels) and the features (batch, hidden) they are
    computed from; with ``labels`` also the loss.
    """

    def __init__(
        self,
        encoder: nn.Module,
        hidden: int,
        labels: int,
        *,
        dropout: float = 0.0,
        weights: Sequence[float] | None = None,
        smoothing: float = 0.0,
        consistency: float = 0.0,
        contrast: float = 0.0,
        pooling: Pooling = "mean",
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooling: Pooling = pooling
        """How the vectors of a text's tokens become the text's."""
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, labels)
        self._smoothing = smoothing
        self.consistency = consistency
        """Weight of the disagreement between two passes while it is trained; 0: one pass."""
        self._contrast = contrast
        self._weights = None if weights is None else torch.tensor(weights, dtype=torch.float32)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        twice = labels is not None and self.training and self.consistency > 0
        if labels is not None and twice:
            input_ids, attention_mask, labels = doubled(input_ids, attention_mask, labels)
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask)[0]
        meaning = pool(hidden, attention_mask, self.pooling)
        pooled = self.dropout(meaning)
        # The head is small and decides the last digits: 32-bit floats also where the encoder runs in bf16.
        with torch.autocast(pooled.device.type, enabled=False):
            logits = self.head(pooled)
            out = {"logits": logits, "features": pooled}
            if labels is not None:
                out["loss"] = self._loss(logits, labels)
                if self.training and self._contrast:
                    out["loss"] = out["loss"] + self._contrast * supervised_contrast(meaning, labels)
            if twice:
                out["loss"] = out["loss"] + self.consistency * disagreement(logits).mean()
        return out

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        losses = functional.cross_entropy(logits, labels, reduction="none", label_smoothing=self._smoothing)
        if self._weights is not None:
            # A plain mean, not torch's mean over weights: that one depends on how a batch is cut into parts.
            losses = losses * self._weights.to(losses.device)[labels]
        return losses.mean()


class MultiLabelNetwork(ClassificationNetwork):
    """The same with a yes or no for each label: ``labels`` has shape (batch, labels), 0 or 1."""

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        # The sum over labels, so that the step for one label does not shrink with how many others there are.
        losses = functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype), reduction="none")
        return losses.sum(dim=1).mean()


def load_network(folder: Path) -> tuple[ClassificationNetwork, Tokens, ModelFile]:
    """The network in ``folder`` ready to serve, its tokenizer, and what the folder says of itself.

    Raises:
        ModelDamaged: a file is missing, unreadable or does not fit the others.
        ModelError: the folder holds a model for another task or of a newer format.
    """
    return _load(folder, ClassificationNetwork, "classification")


def load_multilabel_network(folder: Path) -> tuple[ClassificationNetwork, Tokens, ModelFile]:
    """Like ``load_network``, of a model that gives several labels."""
    return _load(folder, MultiLabelNetwork, "multilabel")


def _load(
    folder: Path, kind: type[ClassificationNetwork], task: str
) -> tuple[ClassificationNetwork, Tokens, ModelFile]:
    file = read_model_file(folder, task=task)
    tokens = Tokens(folder, max_tokens=file.max_tokens)
    width, pooling = hidden_size(tokens.config), pooling_of(folder)
    network = kind(empty_encoder(folder), width, len(file.labels), pooling=pooling)
    fill(network, folder)
    return network.eval(), tokens, file
