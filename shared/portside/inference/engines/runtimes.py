"""The libraries that run a compiled file. Each is imported when its engine is loaded."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["OnnxEngine", "OpenVinoEngine", "load_engine"]


class OnnxEngine:
    """A file run by ONNX Runtime."""

    def __init__(self, path: Path, *, name: str, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Threads that spin while they wait take the cores from whatever else the machine does.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self.name = name
        self._session: Any = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def __call__(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = self._session.run(None, {"ids": ids, "mask": mask})[0]
        return found


class OpenVinoEngine:
    """A file run by OpenVINO in bf16."""

    def __init__(self, path: Path, *, name: str, threads: int) -> None:
        import openvino

        options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "bf16", "PERFORMANCE_HINT": "LATENCY"}
        if threads:
            options["INFERENCE_NUM_THREADS"] = threads
        self.name = name
        self._model: Any = openvino.Core().compile_model(str(path), "CPU", options)
        # One compiled model has one request at a time.
        self._lock = Lock()

    def __call__(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        with self._lock:
            return np.array(self._model([ids, mask])[0], dtype=np.float32)


def load_engine(name: str, path: Path, *, threads: int) -> OnnxEngine | OpenVinoEngine:
    """The engine ``name`` on the file at ``path``; ``threads`` 0: as many as the machine has cores.

    Raises:
        ImportError: its library is not installed.
    """
    kind = OpenVinoEngine if name.startswith("openvino") else OnnxEngine
    return kind(path, name=name, threads=threads)
