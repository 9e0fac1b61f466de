"""The machine's peak of matrix products by number type: what a network that is nothing but products would reach."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np

__all__ = ["measured_peaks"]

SIZE = 2048
"""Of the square matrices: large enough to fill every unit, small enough for the caches."""
ROUNDS = 8


def measured_peaks() -> Mapping[str, float]:
    """Billions of operations a second (a product and a sum are two) on all cores, by type: fp32, bf16, int8."""
    import torch

    ones = torch.randn(SIZE, SIZE)
    halves = ones.bfloat16()
    return {"fp32": _peak(lambda: ones @ ones), "bf16": _peak(lambda: halves @ halves), "int8": _peak(_int8())}


def _peak(product: Callable[[], object]) -> float:
    product()
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        product()
        seconds.append(time.perf_counter() - began)
    return 2 * SIZE**3 / min(seconds) / 1e9


def _int8() -> Callable[[], object]:
    import onnxruntime
    from onnx import TensorProto, helper

    names = ("a", "b")
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "b"], ["c"])],
        "product",
        [
            helper.make_tensor_value_info("a", TensorProto.UINT8, [SIZE, SIZE]),
        ],
        [helper.make_tensor_value_info("c", TensorProto.INT32, [SIZE, SIZE])],
        [helper.make_tensor("b", TensorProto.INT8, [SIZE, SIZE], np.ones(SIZE * SIZE, dtype=np.int8))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    left = np.ones((SIZE, SIZE), dtype=np.uint8)
    return lambda: session.run(None, {names[0]: left})
