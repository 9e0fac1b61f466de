"""A model of a benchmark: registered in a folder that is thrown away."""

from __future__ import annotations

from pathlib import Path

from portside.progress import NullProgress
from portside.registry import ModelRegistry
from portside.training.run import Order


def scratch_order(home: Path) -> Order:
    """Train a version named ``benchmark`` below ``home``, without saying how far it is."""
    return Order(
        registry=ModelRegistry(home / "models"),
        name="benchmark",
        runs_dir=home / "runs",
        progress=NullProgress(),
        actor="benchmark",
        reason="benchmark",
    )
