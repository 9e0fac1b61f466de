"""Rewriting a quantised graph changes which nodes there are, never what they compute."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from portside.inference.engines.ranges import compute_once, join_products

RANDOM = np.random.default_rng(0)
CONSTANTS: dict[str, NDArray[Any]] = {
    "shrink": np.array([0.5, 2.0, 1.0], dtype=np.float32),
    "shrink again": np.array([0.5, 2.0, 1.0], dtype=np.float32),
    "scale": np.array(0.02, dtype=np.float32),
    "zero": np.array(120, dtype=np.uint8),
    "weight": RANDOM.integers(-127, 127, (3, 4)).astype(np.int8),
    "weight scale": np.array([0.1, 0.2, 0.3, 0.4], dtype=np.float32),
    "weight zero": np.zeros(4, dtype=np.int8),
    "bias": np.array([1.0, -1.0, 0.5, 0.0], dtype=np.float32),
}


def product(place: int, shrink: str, *, bias: bool) -> list[Any]:
    """The nodes that dynamic quantisation with fixed ranges leaves of a linear layer."""
    at = [f"{name} {place}" for name in ("small", "rounded", "whole", "float", "scales", "scaled", "out")]
    small, rounded, whole, floats, scales, scaled, out = at
    nodes = [
        helper.make_node("Mul", ["in", shrink], [small]),
        helper.make_node("QuantizeLinear", [small, "scale", "zero"], [rounded]),
        helper.make_node("MatMulInteger", [rounded, "weight", "zero", "weight zero"], [whole]),
        helper.make_node("Cast", [whole], [floats], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["scale", "weight scale"], [scales]),
        helper.make_node("Mul", [floats, scales], [scaled]),
    ]
    return [
        *nodes,
        helper.make_node("Add", ["bias", scaled], [out]) if bias else helper.make_node("Relu", [scaled], [out]),
    ]


def made() -> Any:
    nodes = [
        helper.make_node("Identity", ["shrink again"], ["copied"]),
        *product(1, "shrink", bias=True),
        *product(2, "copied", bias=True),
        *product(3, "shrink", bias=False),
        helper.make_node("Concat", ["out 1", "out 2", "out 3"], ["out"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "layers",
        [helper.make_tensor_value_info("in", TensorProto.FLOAT, ["texts", 3])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["texts", 12])],
        [numpy_helper.from_array(value, name) for name, value in CONSTANTS.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def ran(model: Any) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    inputs = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
    found: NDArray[np.float32] = session.run(None, {"in": inputs})[0]
    return found


def kinds(model: Any) -> list[str]:
    return [node.op_type for node in model.graph.node]


def test_what_is_read_by_several_layers_is_made_small_and_rounded_once() -> None:
    model, before = made(), ran(made())
    compute_once(model.graph)
    assert kinds(model).count("QuantizeLinear") == 1
    assert "Identity" not in kinds(model)
    np.testing.assert_array_equal(ran(model), before)


def test_a_product_with_its_scale_and_bias_is_one_kernel() -> None:
    model, before = made(), ran(made())
    compute_once(model.graph)
    join_products(model)
    assert kinds(model) == ["Mul", "QuantizeLinear", *["MatMulIntegerToFloat"] * 3, "Relu", "Concat"]
    assert [len(node.input) for node in model.graph.node if node.op_type == "MatMulIntegerToFloat"] == [7, 7, 6]
    np.testing.assert_allclose(ran(model), before, rtol=1e-5, atol=1e-6)
