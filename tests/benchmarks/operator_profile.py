"""Where the time of a compiled model goes, by kind of operator, as ONNX Runtime itself tells."""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portside.inference.batched import Batching, run_batches
from portside.inference.engines.runtimes import SLOWER_FUSED, TOKENS_AT_ONCE
from portside.inference.tokens import Tokens

__all__ = ["OUTSIDE", "PRODUCTS", "Profile", "by_kind", "kind_of", "profile"]

PRODUCTS, OUTSIDE = "matrix products", "outside the operators: tokenising, padding, calls"
OTHER = "other"
KINDS: Mapping[str, tuple[str, ...]] = {
    "GELU": ("Gelu", "Erf", "Tanh"),
    "layer norms": ("LayerNormalization", "ReduceMean", "Sqrt", "Pow"),
    "softmax": ("Softmax",),
    "quantising": ("QuantizeLinear", "DynamicQuantizeLinear", "DequantizeLinear", "Cast"),
    "transposes and shapes": (
        "Transpose", "Reshape", "Unsqueeze", "Squeeze", "Concat", "Split", "Slice", "Expand", "Shape",
        "ConstantOfShape", "Tile", "Range", "Flatten",
    ),
    "look-ups": ("Gather", "GatherElements", "GatherND"),
    "sums and scales": ("Add", "Mul", "Sub", "Div", "Where", "Neg", "Equal", "ReduceSum", "Clip", "Max", "Min"),
}  # fmt: skip
MARKS = ("MatMul", "Gemm", "Attention")
"""Of operators that are a product, or hold several: whatever is fused into them counts with them."""
FUSED = {"Gelu": "GELU", "LayerNormalization": "layer norms", "Softmax": "softmax"}
"""Fused operators have these in their names."""


@dataclass(frozen=True)
class Profile:
    """Seconds of one run over some texts, on one core."""

    seconds: Mapping[str, float]
    """By kind, the dearest first; what is left of the whole time is ``OUTSIDE``."""
    whole: float

    def share(self, kind: str) -> float:
        """Of the whole time."""
        return self.seconds.get(kind, 0.0) / self.whole


def profile(file: Path, tokens: Tokens, texts: Sequence[str]) -> Profile:
    """Ask the compiled ``file`` all ``texts`` as it is asked when it serves, but one batch at a time."""
    with tempfile.TemporaryDirectory() as scratch:
        forward = _Profiled(file, Path(scratch) / "profile")
        run_batches(forward, tokens, texts[:64])
        warm = forward.calls
        began = time.perf_counter()
        run_batches(forward, tokens, texts)
        whole = time.perf_counter() - began
        events = json.loads(Path(forward.finish()).read_text(encoding="utf-8"))
    seconds = by_kind(_after(events, warm))
    return Profile({**seconds, OUTSIDE: max(whole - sum(seconds.values()), 0.0)}, whole)


def _after(events: Iterable[Mapping[str, Any]], calls: int) -> list[Mapping[str, Any]]:
    """The operators' events that began after the first ``calls`` runs of the model ended."""
    every = list(events)
    runs = sorted((one["ts"], one["dur"]) for one in every if one.get("name") == "model_run")
    since = sum(runs[calls - 1]) if calls else 0
    return [one for one in every if one.get("cat") == "Node" and one["ts"] >= since]


def by_kind(events: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Seconds of the operators' kernels by kind, the dearest first."""
    found: Counter[str] = Counter()
    for one in events:
        if one["name"].endswith("_kernel_time"):
            found[kind_of(one["args"]["op_name"])] += one["dur"]
    return {kind: microseconds / 1e6 for kind, microseconds in found.most_common()}


def kind_of(operator: str) -> str:
    """The kind of an operator, by its name in the graph."""
    if any(mark in operator for mark in MARKS):
        return PRODUCTS
    for kind, operators in KINDS.items():
        if operator in operators:
            return kind
    return next((kind for mark, kind in FUSED.items() if mark in operator), OTHER)


class _Profiled:
    """The compiled file with the options that it serves with, and the runtime's own clock."""

    def __init__(self, file: Path, prefix: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.enable_profiling = True
        options.profile_file_prefix = str(prefix)
        options.log_severity_level = 3
        self.batching = Batching(TOKENS_AT_ONCE)
        self.calls = 0
        self._session: Any = onnxruntime.InferenceSession(
            file, options, providers=["CPUExecutionProvider"], disabled_optimizers=[SLOWER_FUSED]
        )
        self._names = [one.name for one in self._session.get_inputs()]

    def __call__(self, *inputs: NDArray[np.int64]) -> NDArray[np.float32]:
        self.calls += 1
        found: NDArray[np.float32] = self._session.run(None, dict(zip(self._names, inputs, strict=True)))[0]
        return found

    def finish(self) -> str:
        """The file that the clock's readings are in."""
        path: str = self._session.end_profiling()
        return path
