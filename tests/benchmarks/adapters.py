"""Adapters against fine-tuning all weights: BANKING77, three epochs, on validation rows kept aside from training."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from portside.console import table
from portside.data import load_examples
from portside.training.classification import ClassificationRecipe, make_task
from portside.training.run import train_task
from tests.benchmarks.apart import apart, peak_megabytes
from tests.benchmarks.scratch import scratch_order

EPOCHS = 3
TRIALS: tuple[dict[str, Any], ...] = (
    {},
    {"method": "lora"},
    {"method": "lora", "lora_lr": 1e-3},
    {"method": "lora", "lora_lr": 4e-3},
    {"method": "lora", "lora_layers": "attention", "lora_lr": 4e-3},
    {"method": "lora", "lora_rank": 4, "lora_alpha": 8},
    {"method": "lora", "lora_rank": 16, "lora_alpha": 32},
    {"method": "lora", "lora_dropout": 0.05},
    {"method": "dora"},
)
HEAD = ["recipe", "validation accuracy %", "95 %", "n", "trained weights", "samples/s", "peak MB", "version MB"]


def run(data: Path, seeds: int) -> None:
    """Train each trial ``seeds`` times and print a line for each training."""
    rows: list[list[Any]] = []
    for seed in range(seeds):
        for trial in TRIALS:
            # A process of its own: the most memory that one training ever held cannot be told apart otherwise.
            rows.append(apart(_once, data, trial, seed))
            table(HEAD, rows)  # so far: the rest takes a while


def _once(data: Path, trial: dict[str, Any], seed: int) -> list[Any]:
    dataset = load_examples(data / "support" / "banking77" / "train.csv")
    recipe = ClassificationRecipe(epochs=EPOCHS, seed=seed, **trial)
    with tempfile.TemporaryDirectory() as home:
        version = train_task(recipe, make_task(recipe, dataset), scratch_order(Path(home)))
        size = sum(path.stat().st_size for path in version.folder.iterdir())
    found = version.validation
    low, high = found["accuracy_ci95"]
    return [
        " ".join(f"{key}={value}" for key, value in trial.items()) or "full",
        f"{100 * found['accuracy']:.2f}",
        f"{100 * low:.1f}-{100 * high:.1f}",
        found["n"],
        f"{version.card['adapter']['trained_parameters']:,}" if recipe.adapts else "all",
        version.card["training"]["texts_per_second"],
        f"{peak_megabytes():.0f}",
        f"{size / 1e6:.1f}",
    ]
