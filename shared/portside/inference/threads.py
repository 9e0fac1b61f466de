"""How models use the processor's threads. Call ``prepare_threads`` before torch is imported."""

from __future__ import annotations

import os
import sys

__all__ = ["prepare_threads", "usable_cores"]

SPIN_COUNT = "1000"
"""Turns of an empty loop, some microseconds, in which the next operation usually comes."""


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def prepare_threads() -> None:
    """Let idle worker threads sleep after a moment rather than spin; what is set already stays.

    Spinning threads fight over the cores with everything else that runs: on a busy 2-core machine a training step
    took 5 s with spinning and 0.45 s with sleeping threads. But to wake a thread for each small operation takes time
    too. Texts a second in training, with nobody, one and two others wanting a core: 121, 87, 66 without spinning; 144,
    75, 76 with the short spin chosen here; 150, 42, 54 with ten times that. The OpenMP library reads the variables
    once, when torch loads it: afterwards this has no effect.
    """
    if "torch" not in sys.modules and "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        os.environ.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)
