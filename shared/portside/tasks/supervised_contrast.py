"""Texts of one label are to be nearer to each other than to those of other labels. Imports torch: import it lazily.

Source: Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020 (the sum over partners outside the logarithm);
beside a classifier's own loss on a handful of texts a label as in Zhang et al., "Few-Shot Intent Detection via
Contrastive Pre-Training and Fine-Tuning", EMNLP 2021.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["TEMPERATURE", "supervised_contrast"]

TEMPERATURE = 0.1
"""What cosines are divided by."""
ITSELF = -1e4
"""Likeness of a text to itself: its share of the softmax is 0."""


def supervised_contrast(vectors: Tensor, labels: Tensor, *, temperature: float = TEMPERATURE) -> Tensor:
    """Cross-entropy, in nats, of each text's partners, those with its label, among all other texts of the batch.

    ``vectors`` has shape (texts, hidden), of any length, ``labels`` (texts,). The mean over the texts that have a
    partner; 0 where none has.
    """
    with torch.autocast(vectors.device.type, enabled=False):
        unit = functional.normalize(vectors.float(), dim=1)
        itself = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
        likeness = (unit @ unit.T / temperature).masked_fill(itself, ITSELF)
        partner = (labels[:, None] == labels[None, :]) & ~itself
        lost = -functional.log_softmax(likeness, dim=1) * partner
        partners = partner.sum(dim=1)
        each = lost.sum(dim=1) / partners.clamp(min=1)
        return each.sum() / (partners > 0).sum().clamp(min=1)
