"""Spoiling texts on purpose, so that there is something to learn from them without labels. Imports torch.

Random numbers come from torch's own state, as those of dropout do: a resumed training draws the same ones.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["delete_tokens", "hide_tokens"]

HIDDEN, SWAPPED = 0.8, 0.1
"""Of the tokens to be guessed: how many show the mask, how many another token; the rest stand as they are."""


def delete_tokens(ids: Tensor, mask: Tensor, fixed: Tensor, *, share: float, pad_id: int) -> tuple[Tensor, Tensor]:
    """Leave out each token with probability ``share``; what is left moves together, in its order.

    All arguments have shape (batch, tokens); ``fixed`` is True where a token always stays. Every text keeps at least
    one of the others. Returns ids and mask, both (batch, longest text that is left). Source: Wang et al., "TSDAE",
    Findings of EMNLP 2021.
    """
    real = mask.bool()
    free = real & ~fixed
    chance = torch.rand(ids.shape, device=ids.device).masked_fill(~free, -1.0)
    luckiest = chance == chance.amax(dim=1, keepdim=True)
    keep = (free & ((chance >= share) | luckiest)) | (real & fixed)
    order = torch.argsort((~keep).to(torch.uint8), dim=1, stable=True)
    kept = keep.gather(1, order)
    longest = int(kept.sum(dim=1).max())
    left = ids.gather(1, order).masked_fill(~kept, pad_id)
    return left[:, :longest], kept[:, :longest].to(mask.dtype)


def hide_tokens(
    ids: Tensor, mask: Tensor, fixed: Tensor, *, share: float, mask_id: int, vocabulary: int
) -> tuple[Tensor, Tensor]:
    """Choose each token with probability ``share``, at least one a text, and spoil most of those chosen.

    All arguments have shape (batch, tokens); ``fixed`` is True where a token is never chosen. Returns the spoilt ids
    and which places were chosen. Source: Devlin et al., "BERT", NAACL 2019: of those chosen 80 % show the mask, 10 %
    a random token, 10 % themselves.
    """
    free = mask.bool() & ~fixed
    chance = torch.rand(ids.shape, device=ids.device).masked_fill(~free, 2.0)
    chosen = free & ((chance < share) | (chance == chance.amin(dim=1, keepdim=True)))
    kind = torch.rand(ids.shape, device=ids.device)
    others = torch.randint(vocabulary, ids.shape, device=ids.device)
    spoilt = torch.where(chosen & (kind < HIDDEN), torch.full_like(ids, mask_id), ids)
    spoilt = torch.where(chosen & (kind >= 1.0 - SWAPPED), others, spoilt)
    return spoilt, chosen
