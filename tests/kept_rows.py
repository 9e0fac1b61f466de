"""A classifier's folder with rows that were kept aside, for tests of what these promise."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from portside.evaluation.held_out import HeldOut, save_held_out
from portside.inference.folder import ModelFile, write_model_file
from portside.inference.outside_gate import fit_energy_gate

LABELS = ("negative", "neutral", "positive")


def kept_rows(folder: Path, n: int, *, wrong: int = 0, by_model: bool = True, gate: bool = False) -> None:
    """A model's folder with rows it did not learn from: sure and right but for ``wrong`` unfamiliar ones."""
    truth = np.arange(n) % 3
    logits = np.full((n, 3), -4.0, dtype=np.float32)
    logits[np.arange(n), truth] = 4.0
    logits[:wrong] = np.float32(-9.0)
    logits[np.arange(wrong), (truth[:wrong] + 1) % 3] = -1.0  # as sure as the others, at a much lower energy
    options = fit_energy_gate(logits) if gate else None
    write_model_file(folder, ModelFile("classification", 64, LABELS, options.to_options() if options else {}))
    held = HeldOut([f"text {place}" for place in range(n)], truth, logits, by_model)
    save_held_out(folder, held, LABELS)
