"""Build the files that compiled back ends run: a network exported to ONNX, its weights made smaller. Imports torch."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

__all__ = ["BUILDERS", "export"]

BLOCK = 32
"""Numbers that share a scale in ``onnx-int8-blocks``: with 128 the answers depended on who shares a batch."""


class _Outputs(nn.Module):
    """Ids and mask to logits and features side by side, (texts, labels + hidden)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        out = self.network(ids, mask)
        return torch.cat([out["logits"], out["features"]], dim=1)


def export(network: nn.Module, path: Path) -> None:
    """Write ``network`` as ONNX in 32-bit floats; any number of texts and tokens can be asked of it."""
    ids = torch.ones((2, 8), dtype=torch.long)
    mask = torch.ones((2, 8), dtype=torch.long)
    mask[1, 5:] = 0  # padded: the general way through the network is the one that must be recorded
    axes = {"ids": {0: "texts", 1: "tokens"}, "mask": {0: "texts", 1: "tokens"}, "out": {0: "texts"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what tracing says of shapes that it was told are dynamic
        torch.onnx.export(
            _Outputs(network).eval(),
            (ids, mask),
            str(path),
            dynamo=False,
            input_names=["ids", "mask"],
            output_names=["out"],
            dynamic_axes=axes,
            opset_version=17,
        )


def _int8(source: Path, target: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    root = logging.getLogger()
    level = root.level
    # It advises a preparation after which it then fails (shape inference of a mask).
    root.setLevel(logging.ERROR)
    try:
        quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=True)
    finally:
        root.setLevel(level)


def _int8_blocks(source: Path, target: Path) -> None:
    import onnx
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    logging.getLogger("onnxruntime.quantization.matmul_nbits_quantizer").setLevel(logging.ERROR)
    # Accuracy level 4: the inputs in 8 bits too, a scale for each row and block of them.
    made = MatMulNBitsQuantizer(onnx.load(source), bits=8, block_size=BLOCK, is_symmetric=True, accuracy_level=4)
    made.process()
    made.model.save_model_to_file(str(target), False)


BUILDERS: Mapping[str, Callable[[Path, Path], None] | None] = {
    "onnx-fp32": None,
    "onnx-int8": _int8,
    "onnx-int8-blocks": _int8_blocks,
    "openvino-bf16": None,
}
"""Makes an engine's file from the exported one; None: it runs that itself."""
