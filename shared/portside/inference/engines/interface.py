"""What a compiled back end is, and the fake that stands in for it in tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["KINDS", "ORIGINAL", "TORCH_BF16", "Engine", "EngineKind", "FakeEngine"]


@dataclass(frozen=True)
class EngineKind:
    """A way to compute a network's outputs."""

    name: str
    library: str
    """The module it needs."""
    summary: str


ORIGINAL = "original"
"""The network as it was trained: what serves where no engine does."""
TORCH_BF16 = "torch-bf16"
"""The one that needs no file: torch runs the original with matrix products in 16-bit floats."""
KINDS = (
    EngineKind(TORCH_BF16, "torch", "torch with matrix products in 16-bit floats"),
    EngineKind("onnx-fp32", "onnxruntime", "ONNX Runtime in 32-bit floats"),
    EngineKind("onnx-int8", "onnxruntime", "ONNX Runtime, weights and inputs of matrix products in 8 bits"),
    EngineKind("onnx-int8-ranges", "onnxruntime", "the same with ranges of the inputs fixed on the model's own texts"),
    EngineKind("onnx-int8-blocks", "onnxruntime", "the same with a scale for each 32 inputs: slower, closer"),
    EngineKind("openvino-bf16", "openvino", "OpenVINO in 16-bit floats, where the processor has them"),
)
"""From the closest to the original to the boldest, by library."""


class Engine(Protocol):
    """A network, ready to be asked. Safe to share between threads."""

    @property
    def name(self) -> str:
        """One of ``KINDS``."""
        ...

    def __call__(self, *inputs: NDArray[np.int64]) -> NDArray[np.float32]:
        """Token ids, mask and what else the network reads, all (texts, tokens), to (texts, width) or (texts, tokens,
        width).
        """
        ...


@dataclass(frozen=True)
class FakeEngine:
    """Outputs are how often each of the first ``width`` token ids occurs in a text."""

    width: int
    name: str = "onnx-fp32"

    def __call__(self, *inputs: NDArray[np.int64]) -> NDArray[np.float32]:
        ids, mask = inputs
        one_hot = (ids[:, :, None] == np.arange(self.width)) & mask.astype(bool)[:, :, None]
        return np.asarray(one_hot.sum(axis=1), dtype=np.float32)
