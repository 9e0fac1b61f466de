"""The bi-encoder: one vector a text, length 1, and a batch's ranking loss. Imports torch: import it lazily."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from portside.inference.folder import ModelFile, read_model_file
from portside.inference.network import pool, pretrained_encoder
from portside.inference.pooling import Pooling, pooling_of
from portside.inference.tokens import Tokens
from portside.training.contrastive_loss import masked_ranking_loss

__all__ = ["MatchingNetwork", "load_network"]

LENGTH_BLOCKS = 4
"""Parts of a batch, by length, that are padded by themselves: queries are short, documents long."""


class MatchingNetwork(nn.Module):
    """Token ids and mask, both (texts, tokens), to ``vectors`` (texts, hidden) of length 1.

    With ``masked`` ids and mask are (rows, sides, tokens): a row's query, its document and further documents that are
    not relevant to it; the ``loss`` of the batch comes out. ``masked``: see ``masked_ranking_loss``.
    """

    def __init__(self, encoder: nn.Module, *, temperature: float = 1.0, pooling: Pooling = "mean") -> None:
        super().__init__()
        self.encoder = encoder
        self.pooling: Pooling = pooling
        """How the vectors of a text's tokens become the text's."""
        self._temperature = temperature

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        masked: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> dict[str, Tensor]:
        if masked is None:
            return {"vectors": self._vectors(input_ids, attention_mask)}
        rows, sides, longest = input_ids.shape
        # One pass for all sides of the batch, turned to (sides · rows, tokens).
        ids, mask = (part.transpose(0, 1).reshape(sides * rows, longest) for part in (input_ids, attention_mask))
        vectors = self._in_blocks(ids, mask)
        others = vectors[2 * rows :] if sides > 2 else None
        with torch.autocast(vectors.device.type, enabled=False):
            loss = masked_ranking_loss(
                vectors[:rows], vectors[rows : 2 * rows], masked, temperature=self._temperature, others=others
            )
        return {"loss": loss}

    def _vectors(self, ids: Tensor, mask: Tensor) -> Tensor:
        hidden = self.encoder(input_ids=ids, attention_mask=mask)[0]
        return normalize(pool(hidden, mask, self.pooling), dim=1)

    def _in_blocks(self, ids: Tensor, mask: Tensor) -> Tensor:
        lengths = mask.sum(dim=1)
        order = torch.argsort(lengths, stable=True)
        parts = []
        for places in order.tensor_split(min(LENGTH_BLOCKS, len(order))):
            longest = int(lengths[places].max())
            parts.append(self._vectors(ids[places, :longest], mask[places, :longest]))
        return torch.cat(parts)[torch.argsort(order)]


def load_network(folder: Path) -> tuple[MatchingNetwork, Tokens, ModelFile]:
    """The network in ``folder`` ready to serve, its tokenizer, and what the folder says of itself.

    Raises:
        ModelDamaged: a file is missing, unreadable or does not fit the others.
        ModelError: the folder holds a model for another task or of a newer format.
    """
    file = read_model_file(folder, task="matching")
    tokens = Tokens(folder, max_tokens=file.max_tokens)
    return MatchingNetwork(pretrained_encoder(folder), pooling=pooling_of(folder)).eval(), tokens, file
