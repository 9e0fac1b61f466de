"""Build the files that compiled back ends run: a network exported to ONNX, its weights made smaller. Imports torch."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from portside.inference.engines.ranges import fix_ranges, outlier_products, smoothed
from portside.inference.engines.subject import Subject

__all__ = ["BUILDERS", "export"]

BLOCK = 32
"""Numbers that share a scale in ``onnx-int8-blocks``: with 128 the answers depended on who shares a batch."""


class _Outputs(nn.Module):
    """Some of a network's outputs side by side."""

    def __init__(self, network: nn.Module, outputs: Sequence[str]) -> None:
        super().__init__()
        self.network, self.outputs = network, tuple(outputs)

    def forward(self, *inputs: Tensor) -> Tensor:
        out = self.network(*inputs)
        return torch.cat([out[name] for name in self.outputs], dim=-1)


def export(subject: Subject, path: Path) -> None:
    """Write the network as ONNX in 32-bit floats; any number of texts and tokens can be asked of it."""
    subject.network.to("cpu")
    asked = [torch.ones((2, 8), dtype=torch.long) for _ in subject.inputs]
    asked[1][1, 5:] = 0  # padded: the general way through the network is the one that must be recorded
    axes = {name: {0: "texts", 1: "tokens"} for name in subject.inputs}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what tracing says of shapes that it was told are dynamic
        torch.onnx.export(
            _Outputs(subject.network, subject.outputs).eval(),
            tuple(asked),
            str(path),
            dynamo=False,
            input_names=list(subject.inputs),
            output_names=["out"],
            dynamic_axes={**axes, "out": {0: "texts", 1: "tokens"} if subject.per_token else {0: "texts"}},
            opset_version=17,
        )


def _int8(subject: Subject, source: Path, target: Path) -> None:
    _quantise(source, target)


def _int8_ranges(subject: Subject, source: Path, target: Path) -> None:
    smooth, quantised = target.with_suffix(".smooth"), target.with_suffix(".dynamic")
    export(replace(subject, network=smoothed(subject)), smooth)
    _quantise(smooth, quantised, op_types_to_quantize=["MatMul"], nodes_to_exclude=outlier_products(smooth))
    fix_ranges(subject, smooth, quantised, target)


def _quantise(source: Path, target: Path, **options: list[str]) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    root = logging.getLogger()
    level = root.level
    # It advises a preparation after which it then fails (shape inference of a mask).
    root.setLevel(logging.ERROR)
    try:
        quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=True, **options)
    finally:
        root.setLevel(level)


def _int8_blocks(subject: Subject, source: Path, target: Path) -> None:
    import onnx
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    logging.getLogger("onnxruntime.quantization.matmul_nbits_quantizer").setLevel(logging.ERROR)
    # Accuracy level 4: the inputs in 8 bits too, a scale for each row and block of them.
    made = MatMulNBitsQuantizer(onnx.load(source), bits=8, block_size=BLOCK, is_symmetric=True, accuracy_level=4)
    made.process()
    made.model.save_model_to_file(str(target), False)


# What runs in torch is not here: it needs no file.
BUILDERS: Mapping[str, Callable[[Subject, Path, Path], None] | None] = {
    "onnx-fp32": None,
    "onnx-int8": _int8,
    "onnx-int8-ranges": _int8_ranges,
    "onnx-int8-blocks": _int8_blocks,
    "openvino-bf16": None,
}
"""Makes an engine's file from the exported one; None: it runs that itself."""
