"""Networks that teach an encoder from unlabelled text, one a method. Imports torch: import it lazily.

Each takes whole texts, ids and mask of shape (batch, tokens), and gives a loss. What they add to the encoder is thrown
away afterwards. The encoder's word vectors serve as output layer too, but learn as input only: the gradient of an
output layer over the whole vocabulary would move every one of them at each step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from portside.inference.network import pool
from portside.inference.pooling import Pooling
from portside.training.corruption import delete_tokens, hide_tokens

__all__ = ["ContrastiveNetwork", "DenoisingNetwork", "MaskedNetwork", "Vocabulary", "contrastive_loss", "mean_by_text"]

HEAD_WIDTH = 64
"""Of one attention head of the decoder, where the hidden size allows."""


@dataclass(frozen=True)
class Vocabulary:
    """The token ids that are no words."""

    size: int
    pad_id: int
    mask_id: int
    """The unknown token where the tokenizer has no mask."""
    special_ids: tuple[int, ...]
    """Those put around every text."""

    def fixed(self, ids: Tensor) -> Tensor:
        """True where a special token stands, of the shape of ``ids``."""
        return torch.isin(ids, torch.tensor(self.special_ids, dtype=ids.dtype, device=ids.device))


class _Learner(nn.Module):
    """An encoder with what it needs to learn; parameters outside ``encoder`` get the head's learning rate."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def encode(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Hidden states, shape (batch, tokens, hidden)."""
        return cast(Tensor, self.encoder(input_ids=ids, attention_mask=mask)[0])

    def words(self) -> Tensor:
        """The encoder's word vectors, shape (vocabulary, hidden), without gradient."""
        encoder = cast(Any, self.encoder)
        return cast(Tensor, encoder.get_input_embeddings().weight.detach())


class ContrastiveNetwork(_Learner):
    """A text read twice with different dropout must be nearer to itself than to the other texts of its batch.

    Source: Gao et al., "SimCSE", EMNLP 2021 (unsupervised). ``dropout`` above 0 in the encoder is what differs.
    """

    def __init__(self, encoder: nn.Module, *, temperature: float, pooling: Pooling = "mean") -> None:
        super().__init__(encoder)
        self._temperature = temperature
        self._pooling: Pooling = pooling

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        ids, mask = torch.cat([input_ids, input_ids]), torch.cat([attention_mask, attention_mask])
        first, second = pool(self.encode(ids, mask), mask, self._pooling).chunk(2)
        return {"loss": contrastive_loss(first, second, temperature=self._temperature)}


class DenoisingNetwork(_Learner):
    """A small decoder must say a text again from the vector of what deletion left of it.

    Source: Wang et al., "TSDAE", Findings of EMNLP 2021. There the decoder is as large as the encoder and shares its
    weights; here it is one layer, which sees of the text nothing but the words before and, added to each, the vector.
    """

    def __init__(
        self,
        encoder: nn.Module,
        hidden: int,
        vocabulary: Vocabulary,
        *,
        share: float,
        longest: int,
        pooling: Pooling = "mean",
    ) -> None:
        super().__init__(encoder)
        self._vocabulary, self._share = vocabulary, share
        self._pooling: Pooling = pooling
        self.positions = nn.Embedding(longest, hidden)
        self.sentence = nn.Linear(hidden, hidden)
        self.norm = nn.LayerNorm(hidden)
        heads = max(1, hidden // HEAD_WIDTH)
        self.block = nn.TransformerEncoderLayer(
            hidden, heads if hidden % heads == 0 else 1, 2 * hidden, dropout=0.0, activation="gelu", batch_first=True
        )
        self.bias = nn.Parameter(torch.zeros(vocabulary.size))

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        known = self._vocabulary
        fixed = known.fixed(input_ids)
        left = delete_tokens(input_ids, attention_mask, fixed, share=self._share, pad_id=known.pad_id)
        sentence = self.sentence(pool(self.encode(*left), left[1], self._pooling))
        before, asked = input_ids[:, :-1], attention_mask[:, 1:].bool()
        places = torch.arange(before.shape[1], device=before.device)
        words = self.words()
        seen = functional.embedding(before, words) + self.positions(places) + sentence.unsqueeze(1)
        causal = nn.Transformer.generate_square_subsequent_mask(before.shape[1], device=before.device)
        hidden = self.block(self.norm(seen), src_mask=causal, is_causal=True)
        logits = functional.linear(hidden[asked], words, self.bias)
        losses = functional.cross_entropy(logits, input_ids[:, 1:][asked], reduction="none")
        return {"loss": mean_by_text(losses, asked)}


class MaskedNetwork(_Learner):
    """Hidden tokens must be guessed from those around them. Source: Devlin et al., "BERT", NAACL 2019."""

    def __init__(self, encoder: nn.Module, hidden: int, vocabulary: Vocabulary, *, share: float) -> None:
        super().__init__(encoder)
        self._vocabulary, self._share = vocabulary, share
        self.transform = nn.Sequential(nn.Linear(hidden, hidden), nn.GELU(), nn.LayerNorm(hidden))
        self.bias = nn.Parameter(torch.zeros(vocabulary.size))

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        known = self._vocabulary
        fixed = known.fixed(input_ids)
        spoilt, chosen = hide_tokens(
            input_ids, attention_mask, fixed, share=self._share, mask_id=known.mask_id, vocabulary=known.size
        )
        hidden = self.transform(self.encode(spoilt, attention_mask)[chosen])
        logits = functional.linear(hidden, self.words(), self.bias)
        losses = functional.cross_entropy(logits, input_ids[chosen], reduction="none")
        return {"loss": mean_by_text(losses, chosen)}


def contrastive_loss(first: Tensor, second: Tensor, *, temperature: float) -> Tensor:
    """Cross-entropy of finding each row's partner among all rows of ``second`` by cosine; both are (batch, hidden)."""
    likeness = functional.normalize(first, dim=1) @ functional.normalize(second, dim=1).T
    return functional.cross_entropy(likeness / temperature, torch.arange(len(first), device=first.device))


def mean_by_text(losses: Tensor, asked: Tensor) -> Tensor:
    """Mean over each text's tokens, then over texts: it does not depend on how a batch is cut into parts.

    ``losses`` has one entry for each True of ``asked``, shape (batch, tokens), row by row.
    """
    texts = torch.arange(len(asked), device=asked.device).unsqueeze(1).expand_as(asked)[asked]
    counts = asked.sum(dim=1)
    sums = torch.zeros(len(asked), device=losses.device, dtype=losses.dtype).index_add(0, texts, losses)
    return sums.sum() if not bool(counts.any()) else (sums / counts.clamp(min=1)).sum() / len(asked)
