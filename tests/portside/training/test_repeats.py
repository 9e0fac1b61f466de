"""The same seed gives the same bytes, whatever the task; another seed gives others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from portside.apps import load
from portside.data import Dataset
from portside.data.multilabel import MultiLabelDataset
from portside.data.tagged import TaggedDataset
from portside.progress import NullProgress
from portside.records import MultiLabelled, Tagged
from portside.registry import ModelRegistry
from portside.tasks.spec import find_task
from portside.training.run import Order, train_task


def rows_of(task: str, sentences: Callable[..., Dataset]) -> Any:
    made = sentences(48)
    if task == "classification":
        return made
    if task == "multilabel":
        return MultiLabelDataset(tuple(MultiLabelled(one.text, (one.label,)) for one in made.examples), "m.csv")
    tags = ("O", "O", "O", "B-THING", "O")
    return TaggedDataset(tuple(Tagged(tuple(one.text.split()), tags) for one in made.examples), "t.txt")


@pytest.mark.slow
@pytest.mark.parametrize("task", ["classification", "multilabel", "tagging"])
def test_the_seed_decides_every_byte(
    task: str, sentences: Callable[..., Dataset], tiny_encoder: Path, tmp_path: Path
) -> None:
    registry, spec = ModelRegistry(tmp_path / "models"), find_task(task)
    short = {"max_tokens": 32, "context": 0} if task == "tagging" else {}

    def digest(name: str, seed: int) -> str:
        recipe = spec.recipe(
            encoder=str(tiny_encoder), epochs=2, batch_size=8, micro_batch_size=4, precision="fp32", seed=seed, **short
        )
        order = Order(registry, name, tmp_path / "runs", NullProgress(), "ann", "a test")
        version = train_task(recipe, load(spec.make)(recipe, rows_of(task, sentences)), order)
        return hashlib.sha256((version.folder / "model.safetensors").read_bytes()).hexdigest()

    first = digest("first", 4)
    assert digest("second", 4) == first
    assert digest("other", 5) != first
