"""From where on the sentiment model may be relied upon, by the rows that were kept aside when it was trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from portside.errors import ModelError
from portside.evaluation.risk import RiskPromise
from portside.registry import ModelRegistry

__all__ = ["RISK", "Sureness", "promise_of", "sureness_reader"]

RISK = 0.05
"""Share of the headlines relied upon that may be read wrongly."""


@dataclass(frozen=True)
class Sureness:
    """What can be promised of one version."""

    model: str
    promise: RiskPromise | None
    """None: it keeps no rows that it answered without having learned from them."""


def promise_of(folder: Path) -> RiskPromise | None:
    """The promise of the version in ``folder``, for texts like those that it learned from; no network is loaded.

    Raises:
        ModelError: the folder holds no classifier.
    """
    from portside.evaluation.held_out import load_held_out
    from portside.evaluation.risk import promise_risk
    from portside.inference.classifier import softmax
    from portside.inference.folder import read_model_file
    from portside.inference.outside_gate import read_gate

    held = load_held_out(folder)
    if held is None or not held.by_model:
        return None
    gate = read_gate(read_model_file(folder, task="classification").options)
    logits, truth = held.logits, held.truth
    if gate is not None:
        familiar = ~gate.outside(logits)
        logits, truth = logits[familiar], truth[familiar]
    return promise_risk(softmax(logits).max(axis=1), logits.argmax(axis=1) == truth, risk=RISK)


def sureness_reader(registry: ModelRegistry, name: str) -> Callable[[], Sureness | None]:
    """Gives what can be promised of the version of ``name`` that serves; None while there is none."""

    @lru_cache(maxsize=8)  # a version never changes
    def read(model: str, folder: Path) -> Sureness | None:
        try:
            return Sureness(model, promise_of(folder))
        except ModelError:
            return None

    def serving() -> Sureness | None:
        try:
            version = registry.resolve(name)
        except ModelError:
            return None
        return read(version.ref, version.folder)

    return serving
