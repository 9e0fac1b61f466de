"""What the rows that a classifier keeps promise of its answers. No network is loaded: their logits lie beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from portside.evaluation.risk import RiskPromise

__all__ = ["KeptPromise", "promise_on_kept"]


@dataclass(frozen=True)
class KeptPromise:
    """A promise, and of whom it was shown."""

    promise: RiskPromise
    by_model: bool
    """Whether the model itself answered the rows; else networks that each learned from a part of them."""


def promise_on_kept(folder: Path, *, risk: float, familiar: bool = False) -> KeptPromise | None:
    """The promise of the version in ``folder`` that at most a share ``risk`` is wrong; None where it keeps no rows.

    ``familiar``: only of texts like those it learned from, where it notices which are not. Else all rows count, and the
    promise is of all texts.

    Raises:
        ModelError: the folder holds no classifier.
        UsageError: ``risk`` is no share between 0 and 1.
    """
    import numpy as np

    from portside.evaluation.held_out import load_held_out
    from portside.evaluation.risk import promise_risk
    from portside.inference.classifier import chances
    from portside.inference.folder import read_model_file
    from portside.inference.outside_gate import read_gate
    from portside.training.seen import load_seen

    options = read_model_file(folder, task="classification").options
    held = load_held_out(folder)
    if held is None:
        return None
    logits, truth = held.logits, held.truth
    gate, seen = read_gate(options), load_seen(folder)
    if held.by_model and seen is not None:
        # A user's own validation file may hold texts that stand in training, too.
        fresh = np.array([not seen(text) for text in held.texts], dtype=bool)
        logits, truth = logits[fresh], truth[fresh]
    if familiar and gate is not None:
        alike = ~gate.outside(logits)
        logits, truth = logits[alike], truth[alike]
    confidence, right = chances(logits, gate).max(axis=1), logits.argmax(axis=1) == truth
    return KeptPromise(promise_risk(confidence, right, risk=risk), held.by_model)
