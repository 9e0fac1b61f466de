"""Multiple-negatives ranking: the other pairs of a batch are the negatives. Imports torch: import it lazily.

Source: Henderson et al., "Efficient Natural Language Response Suggestion for Smart Reply", 2017, in both directions as
in Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

__all__ = ["masked_ranking_loss"]

MASKED = -1e4
"""Likeness of what does not take part: its share of the softmax is 0."""


def masked_ranking_loss(
    anchors: Tensor, partners: Tensor, masked: Tensor, *, temperature: float, others: Tensor | None = None
) -> Tensor:
    """Cross-entropy of each anchor's partner among all partners of the batch, and the other way round, averaged.

    ``anchors`` and ``partners`` have shape (batch, dim) and length 1; ``masked``, shape (batch, batch), is True where
    a partner is no negative of an anchor. ``others``, shape (others, dim), are further negatives of every anchor;
    ``masked`` then has shape (batch, batch + others).
    """
    batch = len(anchors)
    candidates = partners if others is None else torch.cat([partners, others])
    likeness = (anchors @ candidates.T / temperature).masked_fill(masked, MASKED)
    target = torch.arange(batch, device=anchors.device)
    return (cross_entropy(likeness, target) + cross_entropy(likeness[:, :batch].T, target)) / 2
