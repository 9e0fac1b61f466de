"""Classification for the training loop. Imports torch: import it lazily."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset as TorchDataset

from portside.encoders import EncoderSource
from portside.evaluation.classification import score_labels
from portside.inference import network as engine
from portside.inference.pooling import pooling_of
from portside.inference.tokens import Tokens
from portside.tasks.classification import ClassificationRecipe, class_weights
from portside.tasks.classification_network import ClassificationNetwork
from portside.training.closed_form import LEAST, best_temperature, label_statistics, set_head, zero_shot_head
from portside.training.discriminant import LabelStatistics, linear_discriminant
from portside.training.head_start import MOST_ROWS, start_head
from portside.training.material import Material

__all__ = ["ClassificationAdapter", "LabelledRows", "cut_note", "logits_of", "pad_rows", "scores_of"]

PAD_MULTIPLE = 8
FEWEST_TO_CALIBRATE = 30
"""Validation rows below which their likeliest temperature is a matter of luck."""
LEAST_TEMPERATURE = 0.5
"""However right a network was on its validation rows, it gets no surer than that: they are few."""


class LabelledRows(TorchDataset[dict[str, Any]]):
    """Token ids with their label id, as the Trainer asks for them."""

    def __init__(self, ids: Sequence[Sequence[int]], label_ids: Sequence[int]) -> None:
        self.ids = ids
        self.label_ids = label_ids
        self.lengths = [len(row) for row in ids]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, place: int) -> dict[str, Any]:
        return {"input_ids": self.ids[place], "labels": self.label_ids[place]}


def pad_rows(tokens: Tokens, rows: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
    """Ids and mask of one batch, both (rows, longest row), padded to the longest of this batch only."""
    ids, mask = tokens.pad([row["input_ids"] for row in rows], multiple=PAD_MULTIPLE)
    return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}


def cut_note(cut: Sequence[str], of: int, tokens: Tokens) -> str:
    """What the person who trains should know of texts that are longer than is read; empty where none is."""
    if not cut:
        return ""
    longest = f"the longest has {max(map(len, cut)):,} characters"
    return (
        f"Of {len(cut):,} of {of:,} training texts only the first {tokens.max_tokens} tokens are read ({longest}); "
        "--set max_tokens=N reads more, up to what the encoder can"
    )


class ClassificationAdapter:
    """Each text gets one of the labels."""

    saving_count = 0

    def __init__(
        self,
        recipe: ClassificationRecipe,
        material: Material,
        source: EncoderSource,
        *,
        temperature: float | None = None,
    ) -> None:
        """``temperature``: what logits have to be divided by, where earlier trainings have told; None: validation rows
        tell.
        """
        self._recipe, self._material, self._known_temperature = recipe, material, temperature
        self.metric = "macro-F1" if recipe.class_weights else "accuracy"
        self.tokens = Tokens(source.folder, max_tokens=recipe.max_tokens)
        self.pooling = pooling_of(source.folder)
        texts = material.texts
        encoded = self.tokens(texts)
        self.rows = LabelledRows(encoded.ids, material.label_ids)
        self.cut = len(encoded.cut)
        self.cut_note = cut_note([texts[place] for place in encoded.cut], len(texts), self.tokens)
        self.valid_count = len(material.valid_texts)
        self.valid_logits: NDArray[np.float32] | None = None
        self.temperature = 1.0
        self.statistics: LabelStatistics | None = None
        """What the head was computed from; None for one that was trained."""
        self.head_start_rows = min(len(material.texts), MOST_ROWS)

    def network(self, encoder: nn.Module, hidden: int) -> nn.Module:
        """Encoder, one vector a text, linear head."""
        recipe, material = self._recipe, self._material
        weights = class_weights(material.label_ids, len(material.labels)) if recipe.class_weights else None
        return ClassificationNetwork(
            encoder,
            hidden,
            len(material.labels),
            dropout=recipe.dropout,
            weights=weights,
            consistency=recipe.agreement,
            pooling=self.pooling,
        )

    def collate(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Ids and mask (rows, tokens), labels (rows,)."""
        labels = torch.tensor([row["labels"] for row in rows], dtype=torch.long)
        return {**pad_rows(self.tokens, rows), "labels": labels}

    def closed_form(self, network: nn.Module, method: str) -> None:
        """Means of the labels' texts, or of their names and descriptions."""
        assert isinstance(network, ClassificationNetwork)
        if method == "zero-shot":
            head = zero_shot_head(network, self.tokens, self._material.labels, self._material.descriptions)
        else:
            texts, ids = self._material.texts, self._material.label_ids
            self.statistics = label_statistics(network, self.tokens, texts, ids, len(self._material.labels))
            head = self.statistics.head()
        self.temperature = set_head(network, self.tokens, self._material, head, least=LEAST[method])

    def head_start(self, network: nn.Module, precision: str) -> None:
        """A linear discriminant on the frozen encoder."""
        assert isinstance(network, ClassificationNetwork)
        seed = self._recipe.seed
        start_head(network, self.tokens, self._material, seed=seed, precision=precision, fit=linear_discriminant)

    def finish(self, network: nn.Module) -> None:
        """As sure of itself as the validation rows, or those of earlier trainings, bear out."""
        if self._known_temperature is not None:
            self.cool(network, self._known_temperature)
            return
        if self.valid_logits is None or len(self.valid_logits) < FEWEST_TO_CALIBRATE:
            return
        truth = np.asarray(self._material.valid_ids, dtype=np.int64)
        self.cool(network, best_temperature(self.valid_logits.astype(np.float64), truth, LEAST_TEMPERATURE))

    def cool(self, network: nn.Module, temperature: float) -> None:
        """Divide the logits by ``temperature``: the labels stay, the probabilities move (Guo et al., ICML 2017)."""
        assert isinstance(network, ClassificationNetwork)
        with torch.no_grad():
            network.head.weight.div_(temperature)
            network.head.bias.div_(temperature)
        self.temperature *= temperature
        if self.valid_logits is not None:
            self.valid_logits = self.valid_logits / np.float32(temperature)

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Loss, accuracy and macro-F1 on the validation rows; the score is one of the two."""
        network.eval()
        self.valid_logits = logits = logits_of(network, self.tokens, self._material.valid_texts)
        found = scores_of(logits, self._material.valid_ids, self._material.labels)
        return {**found, "score": found["macro_f1" if self._recipe.class_weights else "accuracy"]}


def logits_of(network: nn.Module, tokens: Tokens, texts: Sequence[str]) -> NDArray[np.float32]:
    """Shape (texts, labels); the network is in evaluation mode."""
    return engine.run(
        lambda ids, mask: network(input_ids=ids, attention_mask=mask)["logits"],
        tokens,
        texts,
        device=next(network.parameters()).device,
    )


def scores_of(
    logits: NDArray[np.float32], truth: Sequence[int] | NDArray[np.int64], labels: Sequence[str]
) -> dict[str, float]:
    """Loss, accuracy and macro-F1 of ``logits``, shape (texts, labels); ``truth`` are places in ``labels``."""
    right = np.asarray(truth)
    loss = functional.cross_entropy(torch.from_numpy(logits), torch.from_numpy(right)).item()
    found = logits.argmax(axis=1)
    scores = score_labels([labels[place] for place in right], [labels[place] for place in found])
    macro_f1 = sum(score.f1 for score in scores.values()) / len(scores)
    return {"loss": loss, "accuracy": float((found == right).mean()), "macro_f1": macro_f1}
