"""Unlabelled text for the training loop. Imports torch: import it lazily."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from portside.encoders import EncoderSource
from portside.inference.pooling import pooling_of
from portside.inference.prefixes import published_prefixes
from portside.inference.tokens import Tokens
from portside.training.adaptation import AdaptationRecipe
from portside.training.adaptation_network import ContrastiveNetwork, DenoisingNetwork, MaskedNetwork, Vocabulary
from portside.training.classification_adapter import LabelledRows, cut_note, pad_rows

__all__ = ["AdaptationAdapter"]


class AdaptationAdapter:
    """Texts without labels: each is its own target."""

    metric = "minus-loss"
    saving_count = 0
    head_start_rows = 0

    def __init__(
        self, recipe: AdaptationRecipe, texts: Sequence[str], held_out: Sequence[str], source: EncoderSource
    ) -> None:
        self._recipe = recipe
        self.tokens = Tokens(source.folder, max_tokens=recipe.max_tokens)
        self.prefixes = published_prefixes(source)
        """Kept for the trainings that start from the encoder; here texts are read as they are."""
        self.pooling = pooling_of(source.folder)
        encoded = self.tokens(texts)
        self.rows = LabelledRows(encoded.ids, [0] * len(encoded.ids))
        self.cut = len(encoded.cut)
        self.cut_note = cut_note([texts[place] for place in encoded.cut], len(texts), self.tokens)
        self._held_out = sorted(self.tokens(held_out).ids, key=len)
        self.valid_count = len(self._held_out)
        self.loss_before = float("nan")
        """On the held-out texts, of the network as it starts: what is added to the encoder knows nothing yet."""

    def network(self, encoder: nn.Module, hidden: int) -> nn.Module:
        """The encoder with what the method adds to it."""
        network = self._network(encoder, hidden)
        if self.valid_count:
            self.loss_before = self.validate(network)["loss"]
        return network

    def _network(self, encoder: nn.Module, hidden: int) -> nn.Module:
        recipe, tokens = self._recipe, self.tokens
        if recipe.objective == "contrastive":
            return ContrastiveNetwork(encoder, temperature=recipe.temperature, pooling=self.pooling)
        before, after = tokens.frame
        size = len(encoder.get_input_embeddings().weight)  # type: ignore[operator]
        vocabulary = Vocabulary(size, tokens.pad_id, tokens.mask_id, (*before, *after))
        if recipe.objective == "mlm":
            return MaskedNetwork(encoder, hidden, vocabulary, share=recipe.masked)
        longest = tokens.max_tokens
        return DenoisingNetwork(
            encoder, hidden, vocabulary, share=recipe.deleted, longest=longest, pooling=self.pooling
        )

    def collate(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Ids and mask (rows, tokens); the labels say nothing."""
        return {**pad_rows(self.tokens, rows), "labels": torch.zeros(len(rows), dtype=torch.long)}

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Mean loss on the held-out texts, spoilt in the same way at every call."""
        device = next(network.parameters()).device
        size = self._recipe.batch_size
        starts = range(0, len(self._held_out), size)
        # Without dropout the two readings of the contrastive method would be one.
        network.train(self._recipe.objective == "contrastive")
        total = 0.0
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(self._recipe.seed)
            for start in starts:
                rows = [{"input_ids": ids} for ids in self._held_out[start : start + size]]
                batch = {name: value.to(device) for name, value in pad_rows(self.tokens, rows).items()}
                total += len(rows) * network(**batch)["loss"].item()
        network.eval()
        loss = total / len(self._held_out)
        return {"loss": loss, "score": -loss}

    def closed_form(self, network: nn.Module, method: str) -> None:
        """Never asked for: the recipe knows no such method."""

    def finish(self, network: nn.Module) -> None:
        """Nothing is left to do."""

    def head_start(self, network: nn.Module, precision: str) -> None:
        """Never asked for: there is no head to keep."""
