"""Matrix products in 8 bits whose inputs' ranges are fixed beforehand, on the model's own texts. Imports torch.

The usual 8-bit engine takes the range of each batch anew: a few large numbers make all others coarse, and a text's
answer depends on which texts share its batch. Here the large columns are made smaller and their weights larger
(the product is the same), the largest of the wide layers stay in 32 bits, and every range is a constant.
Source of the first: Xiao et al., "SmoothQuant", ICML 2023; of the second: Dettmers et al., "LLM.int8()", NeurIPS 2022.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from portside.inference.batched import Forward
from portside.inference.engines.subject import Subject
from portside.inference.network import as_forward

__all__ = ["SmoothLinear", "fix_ranges", "outlier_products", "smoothed"]

STRENGTH, WIDE_STRENGTH = 0.8, 0.5
"""How far a column's size is moved into the weights; of layers that are wider inside than outside, less."""
OUTLIERS = 32
"""Largest columns of a wide layer, which stay in 32 bits: one in forty-eight of the bundled encoder's."""
ROWS = 128
"""Rows on which ranges are taken."""
SMALLEST = 1e-5


class SmoothLinear(nn.Module):
    """The same linear layer, its inputs (…, in) made alike in size before the product."""

    def __init__(self, linear: nn.Linear, largest: Tensor) -> None:
        """``largest``: of each input, the largest absolute value seen, shape (in,)."""
        super().__init__()
        wide = linear.in_features > linear.out_features
        kept = largest.topk(min(OUTLIERS, linear.in_features)).indices.sort().values if wide else None
        weight = linear.weight.detach()
        strength = WIDE_STRENGTH if wide else STRENGTH
        weights = weight.abs().amax(dim=0).clamp(min=SMALLEST)
        scale = (largest.clamp(min=SMALLEST) ** strength / weights ** (1 - strength)).clamp(min=SMALLEST)
        shrink, grown = 1 / scale, weight * scale
        if kept is not None:
            shrink[kept], grown[:, kept] = 0.0, 0.0
            self.register_buffer("outlier_weight", weight[:, kept].t().contiguous())
        self.kept = kept
        self.register_buffer("shrink", shrink)
        self.weight, self.bias = nn.Parameter(grown), linear.bias

    def forward(self, inputs: Tensor) -> Tensor:
        shrink: Any = self.shrink
        out = nn.functional.linear(inputs * shrink, self.weight, self.bias)
        if self.kept is None:
            return out
        outliers: Any = self.outlier_weight
        return out + torch.matmul(inputs.index_select(-1, self.kept), outliers)


def smoothed(subject: Subject) -> nn.Module:
    """A copy of the network with ``SmoothLinear`` in its encoder; it computes the same in 32-bit floats."""
    largest: dict[str, Tensor] = {}

    def watch(name: str, _layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen = inputs[0].detach().abs().flatten(0, -2).amax(dim=0)
        largest[name] = torch.maximum(largest[name], seen) if name in largest else seen

    network = copy.deepcopy(subject.network).to("cpu").eval()
    encoder: Any = network.encoder
    linears = {name: part for name, part in encoder.named_modules() if isinstance(part, nn.Linear)}
    hooks = [part.register_forward_pre_hook(partial(watch, name)) for name, part in linears.items()]
    subject.ask(as_forward(network, subject.outputs, device=torch.device("cpu")), _sample(subject))
    for hook in hooks:
        hook.remove()
    for name, part in linears.items():
        if name in largest:
            parent, _, last = name.rpartition(".")
            setattr(encoder.get_submodule(parent), last, SmoothLinear(part, largest[name]))
    return network.eval()


def outlier_products(exported: Path) -> list[str]:
    """The products of a ``smoothed`` network that stay in 32 bits, by the names of their nodes."""
    import onnx

    graph = onnx.load(exported).graph
    few = {one.name for one in graph.initializer if len(one.dims) == 2 and one.dims[0] <= OUTLIERS}
    return [node.name for node in graph.node if node.op_type == "MatMul" and node.input[1] in few]


def fix_ranges(subject: Subject, exported: Path, quantised: Path, target: Path) -> None:
    """Write ``quantised`` to ``target`` with constants for the ranges that it takes of each batch."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(quantised)
    taken = [node for node in model.graph.node if node.op_type == "DynamicQuantizeLinear"]
    ranges = _ranges(subject, exported, sorted({node.input[0] for node in taken}))
    nodes = []
    for node in model.graph.node:
        if node.op_type != "DynamicQuantizeLinear":
            nodes.append(node)
            continue
        low, high = ranges[node.input[0]]
        step = np.float32((high - low) / 255 or SMALLEST)
        zero = np.uint8(np.clip(round(-low / float(step)), 0, 255))
        model.graph.initializer.append(numpy_helper.from_array(np.array(step), node.output[1]))
        model.graph.initializer.append(numpy_helper.from_array(np.array(zero), node.output[2]))
        asked = [node.input[0], node.output[1], node.output[2]]
        nodes.append(helper.make_node("QuantizeLinear", asked, [node.output[0]], name=node.name))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, str(target))


def _ranges(subject: Subject, exported: Path, names: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Of each named value in the exported network the least and the largest number, 0 among them."""
    import onnx
    import onnxruntime
    from onnx import helper

    model = onnx.load(exported)
    model.graph.output.extend(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names)
    options = onnxruntime.SessionOptions()
    # What the runtime would fuse would not be there to be seen.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found = dict.fromkeys(names, (0.0, 0.0))

    def forward(*inputs: NDArray[np.int64]) -> NDArray[np.float32]:
        given = dict(zip(subject.inputs, inputs, strict=True))
        out, *values = session.run(["out", *names], given)
        for name, value in zip(names, values, strict=True):
            low, high = found[name]
            found[name] = min(low, float(value.min())), max(high, float(value.max()))
        return np.asarray(out, dtype=np.float32)

    watched: Forward = forward
    subject.ask(watched, _sample(subject))
    return found


def _sample(subject: Subject) -> list[int]:
    taken = min(subject.rows, ROWS)
    return [place * subject.rows // taken for place in range(taken)]
