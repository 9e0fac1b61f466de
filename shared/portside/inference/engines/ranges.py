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
from portside.inference.bert import Bert
from portside.inference.engines.layers import OUTLIERS, SMALLEST, STRENGTH, WIDE_STRENGTH, SmoothLayer, evening
from portside.inference.engines.subject import Subject
from portside.inference.network import as_forward

__all__ = ["SmoothLinear", "fix_ranges", "outlier_products", "smoothed"]

ROWS = 128
"""Rows on which ranges are taken."""


class SmoothLinear(nn.Module):
    """The same linear layer, its inputs (…, in) made alike in size before the product."""

    def __init__(self, linear: nn.Linear, largest: Tensor, heaviest: Tensor) -> None:
        """Of each input the largest absolute value seen and the largest weight that it meets, both of shape (in,)."""
        super().__init__()
        wide = linear.in_features > linear.out_features
        kept = largest.topk(min(OUTLIERS, linear.in_features)).indices.sort().values if wide else None
        weight = linear.weight.detach()
        strength = WIDE_STRENGTH if wide else STRENGTH
        scale = evening(largest, heaviest, strength)
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
    """A copy of the network that computes the same in 32-bit floats: with ``SmoothLayer`` in its encoder where that is
    our own ``Bert``, else with ``SmoothLinear``.
    """
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
    if isinstance(encoder, Bert):
        _smooth_layers(encoder, largest)
        return network.eval()
    for name, part in linears.items():
        if name in largest:
            parent, _, last = name.rpartition(".")
            # Layers that read the same inputs make them alike in the same way: they are scaled and rounded once.
            beside = [other for key, other in linears.items() if key in largest and _same(largest[key], largest[name])]
            heaviest = torch.stack([one.weight.detach().abs().amax(dim=0) for one in beside]).amax(dim=0)
            setattr(encoder.get_submodule(parent), last, SmoothLinear(part, largest[name], heaviest))
    return network.eval()


def _smooth_layers(encoder: Bert, largest: dict[str, Tensor]) -> None:
    layers: Any = encoder.encoder.layer
    for place, layer in enumerate(layers):
        start = f"encoder.layer.{place}."
        seen = {name.removeprefix(start): most for name, most in largest.items() if name.startswith(start)}
        layers[place] = SmoothLayer(layer, seen)


def _same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and bool(torch.equal(one, other))


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
        step, zero = _rounding(*ranges[node.input[0]])
        model.graph.initializer.append(numpy_helper.from_array(np.array(step), node.output[1]))
        model.graph.initializer.append(numpy_helper.from_array(np.array(zero), node.output[2]))
        asked = [node.input[0], node.output[1], node.output[2]]
        nodes.append(helper.make_node("QuantizeLinear", asked, [node.output[0]], name=node.name))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    compute_once(model.graph)
    join_products(model)
    # The sizes that the export noted of its values hinder the runtime in using their memory again: 5 % of its time.
    del model.graph.value_info[:]
    onnx.save(model, str(target))


def _rounding(low: float, high: float) -> tuple[np.float32, np.uint8]:
    step = np.float32((high - low) / 255 or SMALLEST)
    return step, np.uint8(np.clip(round(-low / float(step)), 0, 255))


def compute_once(graph: Any) -> None:
    """Take out nodes that compute what another does: the same operation on the same inputs."""
    first: dict[tuple[bytes, ...], str] = {}
    same: dict[str, str] = {}  # a name -> the one that holds the same
    for one in graph.initializer:
        content = (one.raw_data or one.SerializeToString(), str((one.dims, one.data_type)).encode())
        same[one.name] = first.setdefault(content, one.name) if one.raw_data else one.name
    known: dict[tuple[Any, ...], Any] = {}
    asked = {one.name for one in graph.output}
    kept = []
    for node in graph.node:
        inputs = [same.get(name, name) for name in node.input]
        del node.input[:]
        node.input.extend(inputs)
        if node.op_type == "Identity" and node.output[0] not in asked:
            same[node.output[0]] = inputs[0]
            continue
        key = (node.op_type, *inputs, *sorted(one.SerializeToString() for one in node.attribute))
        twin = known.setdefault(key, node)
        if twin is node or node.op_type not in ("Mul", "QuantizeLinear"):
            kept.append(node)
        else:
            same.update(zip(node.output, twin.output, strict=True))
    del graph.node[:]
    graph.node.extend(kept)


def join_products(model: Any) -> None:
    """Put the runtime's one kernel for a product, its scale and its bias in place of the four nodes that they are.

    It would do so itself if the scales were not constants, which it multiplies first.
    """
    from onnx import helper

    graph = model.graph
    made = {name: node for node in graph.node for name in node.output}
    used: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            used.setdefault(name, []).append(node)
    biases = {one.name for one in graph.initializer if len(one.dims) == 1}
    joined: dict[int, Any] = {}  # the last of the nodes that go -> what comes in their place
    gone: set[int] = set()
    for product in (node for node in graph.node if node.op_type == "MatMulInteger"):
        cast = used[product.output[0]][0]
        scaled = used[cast.output[0]][0]
        scales = made[next(name for name in scaled.input if name != cast.output[0])]
        inputs, zeros = list(product.input[:2]), list(product.input[2:])
        asked, parts = [*inputs, *scales.input, *zeros], [product, cast, scales, scaled]
        follows = used.get(scaled.output[0], [])
        bias = [name for name in follows[0].input if name in biases] if len(follows) == 1 else []
        if bias and follows[0].op_type == "Add":
            asked.append(bias[0])
            parts.append(follows[0])
        gone |= {id(part) for part in parts}
        outputs = list(parts[-1].output)
        joined[id(parts[-1])] = helper.make_node(
            "MatMulIntegerToFloat", asked, outputs, name=product.name, domain="com.microsoft"
        )
    kept = [joined.get(id(node), node) for node in graph.node if id(node) in joined or id(node) not in gone]
    del graph.node[:]
    graph.node.extend(kept)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))


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
