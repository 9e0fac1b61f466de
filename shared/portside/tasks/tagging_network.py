"""The tagging network: encoder, dropout, linear head on each word's first token. Imports torch: import it lazily."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from portside.encoders import hidden_size
from portside.inference.folder import ModelFile, read_model_file
from portside.inference.network import empty_encoder
from portside.inference.tokens import Tokens
from portside.tasks.consistency import disagreement, doubled
from portside.tasks.network_folder import fill
from portside.tasks.tagging import CASES

__all__ = ["IGNORED", "TaggingNetwork", "load_network"]

IGNORED = -100
"""Stands for the tag where none is asked for: special tokens, padding, a word's further tokens."""


class TaggingNetwork(nn.Module):
    """Ids, mask and cases, all (batch, tokens), to logits (batch, tokens, tags); with ``labels`` also the loss."""

    def __init__(
        self,
        encoder: nn.Module,
        hidden: int,
        tags: int,
        *,
        case: bool,
        dropout: float = 0.0,
        consistency: float = 0.0,
    ) -> None:
        super().__init__()
        self.consistency = consistency
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, tags)
        self.case = nn.Embedding(len(CASES), hidden) if case else None
        if self.case is not None:
            # Nothing is added at first: the encoder begins with what it was pretrained on.
            nn.init.zeros_(self.case.weight)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, cases: Tensor, labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        twice = labels is not None and self.training and self.consistency > 0
        if labels is not None and twice:
            input_ids, attention_mask, cases, labels = doubled(input_ids, attention_mask, cases, labels)
        if self.case is None:
            hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask)[0]
        else:
            words = self.encoder.get_input_embeddings()(input_ids) + self.case(cases)  # type: ignore[operator]
            hidden = self.encoder(inputs_embeds=words, attention_mask=attention_mask)[0]
        hidden = self.dropout(hidden.to(torch.float32))
        with torch.autocast(hidden.device.type, enabled=False):
            logits = self.head(hidden)
            out = {"logits": logits}
            if labels is not None:
                out["loss"] = _loss(logits, labels)
            if labels is not None and twice:
                apart = _word_mean(disagreement(logits), labels.chunk(2)[0] != IGNORED)
                out["loss"] = out["loss"] + self.consistency * apart
        return out


def _loss(logits: Tensor, labels: Tensor) -> Tensor:
    losses = functional.cross_entropy(logits.transpose(1, 2), labels, ignore_index=IGNORED, reduction="none")
    return _word_mean(losses, labels != IGNORED)


def _word_mean(values: Tensor, words: Tensor) -> Tensor:
    # The mean over words of each window, then over windows: it does not depend on how a batch is cut into parts.
    return ((values * words).sum(dim=1) / words.sum(dim=1).clamp(min=1)).mean()


def load_network(folder: Path) -> tuple[TaggingNetwork, Tokens, ModelFile]:
    """The network in ``folder`` ready to serve, its tokenizer, and what the folder says of itself.

    Raises:
        ModelDamaged: a file is missing, unreadable or does not fit the others.
        ModelError: the folder holds a model for another task or of a newer format.
    """
    file = read_model_file(folder, task="tagging")
    tokens = Tokens(folder, max_tokens=file.max_tokens)
    case = bool(file.options.get("case_feature"))
    network = TaggingNetwork(empty_encoder(folder), hidden_size(tokens.config), len(file.labels), case=case)
    fill(network, folder)
    return network.eval(), tokens, file
