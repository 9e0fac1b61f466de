"""A sentence encoder's network: one vector a text, length 1. Imports torch: import it lazily."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn
from torch.nn.functional import normalize

from portside.inference.folder import ModelFile, read_model_file
from portside.inference.network import pool, pretrained_encoder
from portside.inference.pooling import Pooling, pooling_of
from portside.inference.tokens import Tokens

__all__ = ["EncoderNetwork", "load_network"]


class EncoderNetwork(nn.Module):
    """Token ids and mask, both (texts, tokens), to ``vectors`` (texts, hidden) of length 1."""

    def __init__(self, encoder: nn.Module, pooling: Pooling = "mean") -> None:
        super().__init__()
        self.encoder = encoder
        self._pooling: Pooling = pooling

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask)[0]
        return {"vectors": normalize(pool(hidden, attention_mask, self._pooling), dim=1)}


def load_network(folder: Path) -> tuple[EncoderNetwork, Tokens, ModelFile]:
    """The network in ``folder`` ready to serve, its tokenizer, and what the folder says of itself.

    Raises:
        ModelDamaged: a file is missing, unreadable or does not fit the others.
        ModelError: the folder holds a model for another task or of a newer format.
    """
    file = read_model_file(folder, task="encoder")
    network = EncoderNetwork(pretrained_encoder(folder), pooling_of(folder)).eval()
    return network, Tokens(folder, max_tokens=file.max_tokens), file
