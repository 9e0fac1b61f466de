"""A model of a benchmark: trained, compiled, registered in a folder that is thrown away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from portside.data import load_examples
from portside.evaluation.held_out import held_out_file
from portside.inference.engines.store import place_of
from portside.progress import NullProgress
from portside.registry import ModelRegistry, ModelVersion
from portside.training.run import Order

if TYPE_CHECKING:
    from portside.inference.engines.compile import Compilation


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


def compiled(version: ModelVersion) -> Compilation:
    """Compile a classifier on the rows that were kept beside it; the best engine serves from then on."""
    from portside.inference.engines.compile import compile_model
    from portside.inference.engines.subjects.classification import subject

    kept = held_out_file(version.folder)
    assert kept is not None
    return compile_model(subject(version, load_examples(kept, role="test")), place_of(version.folder))
