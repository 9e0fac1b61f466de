"""BERT's forward pass in plain torch, for serving.

Importing transformers' model code costs three times as long as importing torch, at each start of a command, a
page or a job. The parameters are named as transformers names them, so both read the same files; every model version is
checked at registration to give the same outputs through this code as it gave in training.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Bert", "can_run"]


def can_run(config: dict[str, Any]) -> bool:
    """Whether this code computes what the architecture in ``config`` means."""
    return (
        config.get("model_type") == "bert"
        and config.get("hidden_act", "gelu") == "gelu"
        and config.get("position_embedding_type", "absolute") == "absolute"
        and not config.get("is_decoder")
        and not config.get("add_cross_attention")
    )


class Bert(nn.Module):
    """Token ids and mask, both (batch, tokens), to hidden states (batch, tokens, hidden)."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        self.embeddings = _Embeddings(config)
        self.encoder = nn.Module()
        self.encoder.layer = nn.ModuleList(_Layer(config) for _ in range(config["num_hidden_layers"]))

    def get_input_embeddings(self) -> nn.Embedding:
        """The vectors of the vocabulary, as transformers names them."""
        return self.embeddings.word_embeddings

    def forward(
        self, input_ids: Tensor | None = None, attention_mask: Tensor | None = None, inputs_embeds: Tensor | None = None
    ) -> tuple[Tensor]:
        """``inputs_embeds``, shape (batch, tokens, hidden), stands for the ids: word vectors and what was added."""
        if inputs_embeds is None:
            assert input_ids is not None
            inputs_embeds = self.get_input_embeddings()(input_ids)
        if attention_mask is None:
            attention_mask = torch.ones(inputs_embeds.shape[:2], dtype=torch.bool, device=inputs_embeds.device)
        # (batch, 1, 1, tokens): True where there is a token to attend to; None where nothing is padded.
        mask = None if bool(attention_mask.all()) else attention_mask.bool()[:, None, None, :]
        hidden = self.embeddings(inputs_embeds)
        for layer in cast(nn.ModuleList, self.encoder.layer):
            hidden = layer(hidden, mask)
        return (hidden,)


class _Embeddings(nn.Module):
    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        size = config["hidden_size"]
        self.word_embeddings = nn.Embedding(config["vocab_size"], size)
        self.position_embeddings = nn.Embedding(config["max_position_embeddings"], size)
        self.token_type_embeddings = nn.Embedding(config.get("type_vocab_size", 2), size)
        self.LayerNorm = nn.LayerNorm(size, eps=config.get("layer_norm_eps", 1e-12))

    def forward(self, words: Tensor) -> Tensor:
        # One text at a time: every token is of type 0, positions count from 0.
        positions = self.position_embeddings.weight[: words.shape[1]]
        summed = words + self.token_type_embeddings.weight[0] + positions
        return cast(Tensor, self.LayerNorm(summed))


class _Attention(nn.Module):
    def __init__(self, size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(size, size)
        self.key = nn.Linear(size, size)
        self.value = nn.Linear(size, size)

    def forward(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        rows, tokens, size = hidden.shape
        split = (rows, tokens, self.heads, size // self.heads)
        query, key, value = (part(hidden).view(split).transpose(1, 2) for part in (self.query, self.key, self.value))
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return mixed.transpose(1, 2).reshape(rows, tokens, size)


class _Output(nn.Module):
    def __init__(self, inner: int, size: int, eps: float) -> None:
        super().__init__()
        self.dense = nn.Linear(inner, size)
        self.LayerNorm = nn.LayerNorm(size, eps=eps)

    def forward(self, inner: Tensor, residual: Tensor) -> Tensor:
        return cast(Tensor, self.LayerNorm(self.dense(inner) + residual))


class _Layer(nn.Module):
    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        size, inner, eps = config["hidden_size"], config["intermediate_size"], config.get("layer_norm_eps", 1e-12)
        self.attention = nn.Module()
        self.attention.self = _Attention(size, config["num_attention_heads"])
        self.attention.output = _Output(size, size, eps)
        self.intermediate = nn.Module()
        self.intermediate.dense = nn.Linear(size, inner)
        self.output = _Output(inner, size, eps)

    def forward(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        attended = self.attention.output(self.attention.self(hidden, mask), hidden)  # type: ignore[operator]
        wide = functional.gelu(self.intermediate.dense(attended))  # type: ignore[operator]
        return cast(Tensor, self.output(wide, attended))
