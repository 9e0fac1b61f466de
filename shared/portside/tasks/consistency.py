"""Two passes over the same rows must agree: dropout differs, the answer should not. Imports torch: import it lazily.

Source: Wu et al., "R-Drop: Regularized Dropout for Neural Networks", NeurIPS 2021.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["disagreement", "doubled"]


def doubled(*arrays: Tensor) -> tuple[Tensor, ...]:
    """Each array (rows, …) twice over, (2 rows, …): one forward pass then holds two with different dropout."""
    return tuple(torch.cat([array, array]) for array in arrays)


def disagreement(logits: Tensor) -> Tensor:
    """Symmetric Kullback-Leibler divergence (rows, …), in nats, of the two halves of ``logits`` (2 rows, …, labels)."""
    one, other = (functional.log_softmax(half, dim=-1) for half in logits.chunk(2))
    forth = functional.kl_div(one, other, log_target=True, reduction="none").sum(dim=-1)
    back = functional.kl_div(other, one, log_target=True, reduction="none").sum(dim=-1)
    return (forth + back) / 2
