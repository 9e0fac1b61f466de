"""The proof that a saved model reloads: a fresh process must give the same outputs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from portside.errors import ModelError
from portside.said import said

__all__ = ["TOLERANCE", "ReloadCheck", "check_inputs"]

TOLERANCE = 1e-5
"""Largest allowed difference of a probability, or of a part of a vector."""
PATIENCE_SECONDS = 180.0
CHECK_INPUTS = 12
"""Inputs whose outputs a fresh process must repeat."""
Input = TypeVar("Input", str, tuple[str, ...])


def check_inputs(inputs: Iterable[Input]) -> list[Input]:
    """A dozen of all lengths, the longest and the shortest among them."""
    by_length = sorted(set(inputs), key=lambda each: (len(each), each))
    return by_length[:: max(1, len(by_length) // CHECK_INPUTS)] + by_length[-1:]


@dataclass
class ReloadCheck:
    """A process that waits, with everything imported, for the folder to load. Use as a context manager.

    ``start`` may be called early, before the training; ``compare`` starts it where that was not done.
    """

    _child: subprocess.Popen[str] | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.communicate()

    def start(self) -> None:
        """Start the process; it then imports for some seconds and waits."""
        if self._child is None:
            # The child finds the same packages as this process, wherever those came from, and asks no hub.
            surroundings = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "HF_HUB_OFFLINE": "1"}
            self._child = subprocess.Popen(
                [sys.executable, "-m", "portside.inference.reload_check"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=surroundings,
            )

    def compare(
        self, folder: Path, inputs: Sequence[Any], labels: Sequence[str], expected: NDArray[np.float64]
    ) -> None:
        """Load ``folder`` in the fresh process and compare its probabilities for ``inputs``, shape (rows, labels).

        An encoder has no ``labels``; its vectors are compared, shape (rows, width).

        Raises:
            ModelError: it does not load, or answers otherwise.
        """
        self.start()
        answer = self._ask({"folder": str(folder), "inputs": list(inputs)})
        if "error" in answer:
            raise _refused(answer["error"])
        if list(answer["labels"]) != list(labels):
            raise _refused("its labels come back in another order")
        what = "probabilities" if labels else "vectors"
        difference = float(np.abs(np.asarray(answer["probabilities"]) - expected).max())
        if not difference <= TOLERANCE:
            raise _refused(f"{what} differ by {difference:.2g}, allowed are {TOLERANCE:g}")

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._child is not None
        try:
            out, _ = self._child.communicate(json.dumps(question) + "\n", timeout=PATIENCE_SECONDS)
            found: dict[str, Any] = json.loads(out)
            return found
        except subprocess.TimeoutExpired:
            return {"error": said("the fresh process gave no answer within {n} seconds", n=f"{PATIENCE_SECONDS:.0f}")}
        except (ValueError, OSError):
            return {"error": said("the fresh process ended with code {code} and no answer", code=self._child.poll())}


def _refused(seen: str) -> ModelError:
    return ModelError(
        "A model is registered only when a fresh process reloads it to the same outputs",
        seen=seen,
        remedy="Nothing was registered. Check free disk space and memory, then train with --resume",
    )
