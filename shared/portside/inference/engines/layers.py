"""BERT's layer once more, arranged for products in 8 bits: what it computes is the same. Imports torch.

What an engine would do between the products is moved into their weights, where it costs nothing: the scale of the
attention's scores and the evening-out of its outputs are in the weights before them, and columns that stay in 32 bits
are a product of their own from the beginning, so that none has to be picked out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["OUTLIERS", "SMALLEST", "STRENGTH", "WIDE_STRENGTH", "SmoothLayer", "evening"]

STRENGTH, WIDE_STRENGTH = 0.8, 0.5
"""How far a column's size is moved into the weights; of layers that are wider inside than outside, less."""
OUTLIERS = 32
"""Largest columns of a wide layer, which stay in 32 bits: one in forty-eight of the bundled encoder's."""
SMALLEST = 1e-5
MASKED = -10_000.0
"""Added to the score of a padding token: its weight is then 0 in 32-bit floats."""


def evening(largest: Tensor, heaviest: Tensor, strength: float) -> Tensor:
    """By what each column is divided, and its weights multiplied, that all are alike in size; all of shape (in,).

    Of each column the largest absolute value seen and the largest weight that it meets.
    """
    weights = heaviest.clamp(min=SMALLEST)
    return (largest.clamp(min=SMALLEST) ** strength / weights ** (1 - strength)).clamp(min=SMALLEST)


class SmoothLayer(nn.Module):
    """The same layer; ``largest`` has of the inputs of each of its products the largest absolute values seen."""

    def __init__(self, layer: nn.Module, largest: Mapping[str, Tensor]) -> None:
        super().__init__()
        made: Any = layer
        self.heads: int = made.attention.self.heads
        self.attended_norm, self.norm = made.attention.output.LayerNorm, made.output.LayerNorm
        with torch.no_grad():
            self._attention(made.attention, largest["attention.self.query"], largest["attention.output.dense"])
            self._wide(
                made.intermediate.dense, made.output.dense, largest["intermediate.dense"], largest["output.dense"]
            )

    def _attention(self, part: Any, read: Tensor, mixed: Tensor) -> None:
        query, key, value, out = part.self.query, part.self.key, part.self.value, part.output.dense
        heaviest = torch.stack([_heaviest(one) for one in (query, key, value)]).amax(dim=0)
        grow, scale = evening(read, heaviest, STRENGTH), evening(mixed, _heaviest(out), STRENGTH)
        per_head = (query.out_features // self.heads) ** -0.5
        self.register_buffer("read_shrink", 1 / grow)
        self.query = _linear(query.weight * per_head * grow, query.bias * per_head)
        self.key = _linear(key.weight * grow, key.bias)
        self.value = _linear(value.weight / scale[:, None] * grow, value.bias / scale)
        self.mixed = _linear(out.weight * scale, out.bias)

    def _wide(self, first: nn.Linear, second: nn.Linear, narrow: Tensor, wide: Tensor) -> None:
        grow = evening(narrow, _heaviest(first), STRENGTH)
        order = wide.argsort(descending=True)
        taken = min(OUTLIERS, len(order) // 2)
        few, rest = order[:taken].sort().values, order[taken:].sort().values
        scale = evening(wide[rest], _heaviest(second)[rest], WIDE_STRENGTH)
        self.register_buffer("narrow_shrink", 1 / grow)
        self.widen = _linear(first.weight[rest] * grow, first.bias[rest])
        self.widen_few = _linear(first.weight[few] * grow, first.bias[few])
        self.register_buffer("wide_shrink", 1 / scale)
        self.narrow = _linear(second.weight[:, rest] * scale, second.bias)
        self.register_buffer("outlier_weight", second.weight[:, few].t().contiguous())

    def forward(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        """As the layer that it was made of."""
        own: Any = self
        attended = self.attended_norm(self.mixed(self._mix(hidden * own.read_shrink, mask)) + hidden)
        narrow = attended * own.narrow_shrink
        wide = self.narrow(functional.gelu(self.widen(narrow)) * own.wide_shrink)
        outliers = torch.matmul(functional.gelu(self.widen_few(narrow)), own.outlier_weight)
        return cast(Tensor, self.norm(wide + outliers + attended))

    def _mix(self, read: Tensor, mask: Tensor | None) -> Tensor:
        query, key, value = (_shaped(part(read), self.heads, -1) for part in (self.query, self.key, self.value))
        scores = torch.matmul(query.transpose(1, 2), key.permute(0, 2, 3, 1))
        if mask is not None:
            scores = scores + (~mask).to(scores.dtype) * MASKED
        return _shaped(torch.matmul(scores.softmax(dim=-1), value.transpose(1, 2)).transpose(1, 2), -1)


class _Shaped(torch.autograd.Function):
    """A tensor (texts, tokens, …) with what follows the tokens in another shape, -1: whatever is left.

    Exported it is one node: a shape that torch records is computed anew from the sizes of each batch, in some eighty
    small steps, which cost a single text of fourteen tokens 5 % of its time.
    """

    @staticmethod
    def forward(_context: Any, values: Tensor, *after: int) -> Tensor:
        return values.reshape(*values.shape[:2], *after)

    @staticmethod
    def symbolic(graph: Any, values: Any, *after: int) -> Any:
        """In ONNX a size of 0 means: as it is. torch writes such a shape only if it has a -1 too."""
        return graph.op("Reshape", values, graph.op("Constant", value_t=torch.tensor([0, 0, *after])))


def _shaped(values: Tensor, *after: int) -> Tensor:
    apply: Any = _Shaped.apply
    return cast(Tensor, apply(values, *after))


def _heaviest(linear: nn.Linear) -> Tensor:
    return linear.weight.detach().abs().amax(dim=0)


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    made = nn.Linear(weight.shape[1], weight.shape[0])
    made.weight, made.bias = nn.Parameter(weight.detach().clone()), nn.Parameter(bias.detach().clone())
    return made
