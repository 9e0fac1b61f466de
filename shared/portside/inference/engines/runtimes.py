"""The libraries that run a compiled file. Each is imported when its engine is loaded."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portside.inference.batched import Batching
from portside.inference.threads import quota_cores, usable_cores

__all__ = ["OnnxEngine", "OpenVinoEngine", "load_engine"]


TOKENS_AT_ONCE = 512
"""Of one batch on one core: what it computes on stays in the core's cache. With 1,024 a text took 3 % longer, with
2,048 12 %; and small batches bound the memory that the runtime keeps for the next one."""
TOKENS_ON_ALL = 1024
"""Of one batch that all cores share."""
SLOWER_FUSED = "SkipLayerNormFusion"
"""The sum and the norm apart took 79 ms where the fused kernel took 89 (int8, 64 texts of 16 tokens, one core)."""


class OnnxEngine:
    """A file run by ONNX Runtime: each call on one core, so that batches and requests run side by side.

    Two cores that share each small matrix product wait for one another: with int8 weights two batches side by side gave
    1,370 texts a second, two cores on each batch 1,020, and a single text took as long.
    """

    def __init__(self, path: Path, *, name: str, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self.name = name
        self.batching = Batching(TOKENS_AT_ONCE, threads or usable_cores())
        self._session: Any = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"], disabled_optimizers=[SLOWER_FUSED]
        )
        self._names = [one.name for one in self._session.get_inputs()]

    def __call__(self, *inputs: NDArray[np.int64]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = self._session.run(None, dict(zip(self._names, inputs, strict=True)))[0]
        return found


class OpenVinoEngine:
    """A file run by OpenVINO in bf16."""

    def __init__(self, path: Path, *, name: str, threads: int) -> None:
        import openvino

        options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "bf16", "PERFORMANCE_HINT": "LATENCY"}
        if limit := threads or quota_cores():  # without one the library knows best: it counts cores, not threads
            options["INFERENCE_NUM_THREADS"] = min(limit, usable_cores())
        self.name = name
        self.batching = Batching(TOKENS_ON_ALL)
        self._model: Any = openvino.Core().compile_model(str(path), "CPU", options)
        # One compiled model has one request at a time.
        self._lock = Lock()

    def __call__(self, *inputs: NDArray[np.int64]) -> NDArray[np.float32]:
        with self._lock:
            return np.array(self._model(list(inputs))[0], dtype=np.float32)


def load_engine(name: str, path: Path, *, threads: int) -> OnnxEngine | OpenVinoEngine:
    """The engine ``name`` on the file at ``path``; ``threads`` 0: as many as the machine has cores.

    Raises:
        ImportError: its library is not installed.
    """
    kind = OpenVinoEngine if name.startswith("openvino") else OnnxEngine
    return kind(path, name=name, threads=threads)
