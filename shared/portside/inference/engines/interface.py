"""What a compiled back end is, and the fake that stands in for it in tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["KINDS", "Engine", "EngineKind", "FakeEngine"]


@dataclass(frozen=True)
class EngineKind:
    """A way to compute a network's outputs."""

    name: str
    library: str
    """The module it needs."""
    summary: str


KINDS = (
    EngineKind("onnx-fp32", "onnxruntime", "ONNX Runtime in 32-bit floats"),
    EngineKind("onnx-int8", "onnxruntime", "ONNX Runtime, weights and inputs of matrix products in 8 bits"),
    EngineKind("onnx-int8-blocks", "onnxruntime", "the same with a scale for each 32 numbers: slower, closer"),
    EngineKind("openvino-bf16", "openvino", "OpenVINO in 16-bit floats, where the processor has them"),
)
"""From the closest to the original to the boldest, by library."""


class Engine(Protocol):
    """A network, ready to be asked. Safe to share between threads."""

    @property
    def name(self) -> str:
        """One of ``KINDS``."""
        ...

    def __call__(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Token ids and mask, both (texts, tokens), to outputs (texts, width)."""
        ...


@dataclass(frozen=True)
class FakeEngine:
    """Outputs are how often each of the first ``width`` token ids occurs in a text."""

    width: int
    name: str = "onnx-fp32"

    def __call__(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        one_hot = (ids[:, :, None] == np.arange(self.width)) & mask.astype(bool)[:, :, None]
        return np.asarray(one_hot.sum(axis=1), dtype=np.float32)
