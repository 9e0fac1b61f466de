from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from portside.data import Dataset
from portside.progress import NullProgress, Progress
from portside.records import Example
from portside.registry import ModelRegistry, ModelVersion
from portside.tasks.classification import ClassificationRecipe

Train = Callable[..., ModelVersion]


def same_weights(one: ModelVersion, other: ModelVersion) -> bool:
    """Whether two versions hold the same, to the last bit."""
    first, second = (load_file(version.folder / "model.safetensors") for version in (one, other))
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


@pytest.fixture
def sentences() -> Callable[..., Dataset]:
    """Makes rows of three labels that a word gives away."""
    return make_sentences


def make_sentences(rows: int, *, start: int = 0) -> Dataset:
    """Rows of three labels that a word gives away, with numbers around it."""
    words = {"card": "card", "parcel": "parcel", "refund": "money"}
    labels = sorted(words)
    return Dataset.of(
        [
            Example(f"where is my {words[labels[number % 3]]} {number * 7919 % 1000}", labels[number % 3])
            for number in range(start, start + rows)
        ],
        source="sentences.csv",
    )


@pytest.fixture
def recipe(tiny_encoder: Path) -> ClassificationRecipe:
    """Two short epochs on the tiny encoder."""
    return ClassificationRecipe(
        encoder=str(tiny_encoder), epochs=2, batch_size=8, encoder_lr=1e-3, head_lr=1e-2, precision="fp32"
    )


@pytest.fixture
def train(recipe: ClassificationRecipe, registry: ModelRegistry, tmp_path: Path) -> Train:
    """``train_task`` of a classifier with everything given but what the test is about."""
    from portside.training.classification import make_task
    from portside.training.run import Order, train_task

    def run(
        dataset: Dataset | None = None,
        *,
        valid: Dataset | None = None,
        progress: Progress | None = None,
        **changes: Any,
    ) -> ModelVersion:
        given = replace(recipe, **{key: changes.pop(key) for key in list(changes) if hasattr(recipe, key)})
        order = Order(registry, "intents", tmp_path / "runs", progress or NullProgress(), "ann", "a test")
        task = make_task(given, make_sentences(60) if dataset is None else dataset, valid)
        return train_task(given, task, replace(order, **changes))

    return run
