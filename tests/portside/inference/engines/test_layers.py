"""A layer arranged for products in 8 bits computes what the network's own layer does."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from portside.inference.bert import Bert
from portside.inference.engines.layers import OUTLIERS, SmoothLayer, evening

SIZE, INNER = 24, 96
CONFIG = {
    "vocab_size": 50,
    "hidden_size": SIZE,
    "intermediate_size": INNER,
    "num_hidden_layers": 1,
    "num_attention_heads": 3,
    "max_position_embeddings": 16,
}
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], dtype=torch.bool)[:, None, None, :]


@pytest.fixture
def layer() -> nn.Module:
    torch.manual_seed(3)
    found: nn.Module = Bert(CONFIG).encoder.layer[0]  # type: ignore[index]
    return found.eval()


def seen(layer: nn.Module, hidden: Tensor) -> dict[str, Tensor]:
    """The largest inputs of each of the layer's products."""
    largest: dict[str, Tensor] = {}
    hooks = [
        part.register_forward_pre_hook(
            lambda _part, inputs, name=name: largest.update({name: inputs[0].abs().flatten(0, -2).amax(dim=0)})
        )
        for name, part in layer.named_modules()
        if isinstance(part, nn.Linear)
    ]
    layer(hidden, None)
    for hook in hooks:
        hook.remove()
    return largest


@pytest.mark.parametrize("mask", [None, MASK])
@torch.no_grad()
def test_it_computes_the_same(layer: nn.Module, mask: Tensor | None) -> None:
    hidden = torch.randn(2, 5, SIZE)
    hidden[..., 7] *= 40  # one large column, as encoders have
    made = SmoothLayer(layer, seen(layer, hidden))
    for given in (hidden, torch.randn(2, 5, SIZE)):
        found, expected = made(given, mask), layer(given, mask)
        real = slice(None) if mask is None else slice(3)
        torch.testing.assert_close(found[:, real], expected[:, real], rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_what_a_product_reads_is_alike_in_size_and_its_largest_columns_stay_apart(layer: nn.Module) -> None:
    hidden = torch.randn(2, 5, SIZE)
    hidden[..., 7] *= 40
    largest = seen(layer, hidden)
    made = SmoothLayer(layer, largest)
    read = largest["attention.self.query"] * made.read_shrink
    before = largest["attention.self.query"]
    assert read.max() / read.median() < before.max() / before.median() / 4
    assert (made.widen_few.out_features, made.widen.out_features) == (OUTLIERS, INNER - OUTLIERS)
    few = set(largest["output.dense"].topk(OUTLIERS).indices.tolist())
    dense: Tensor = layer.output.dense.weight  # type: ignore[union-attr]
    torch.testing.assert_close(made.outlier_weight, dense[:, sorted(few)].t())


def test_columns_that_nothing_was_seen_in_are_left_finite() -> None:
    found = evening(torch.tensor([0.0, 1.0]), torch.tensor([0.0, 1.0]), 0.8)
    assert torch.isfinite(found).all()
    assert (found > 0).all()
