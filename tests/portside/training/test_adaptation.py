"""An encoder adapted to unlabelled text: it is registered, repeats and resumes, and trainings start from it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from portside.data.texts import Texts, unique_texts
from portside.encoders import resolve_encoder
from portside.errors import Cancelled, UsageError
from portside.inference.encoder import load_encoder
from portside.inference.folder import read_model_file
from portside.progress import NullProgress, RecordingProgress
from portside.registry import ModelRegistry, ModelVersion
from portside.tasks.spec import find_tasks
from portside.training.adaptation import OBJECTIVES, AdaptationRecipe, adapt_encoder, default_passes
from portside.training.run import Order

Adapt = Callable[..., ModelVersion]


def texts(count: int = 120) -> Texts:
    words = ("card", "parcel", "refund", "money")
    return unique_texts(
        [f"where is my {words[number % 4]} {number * 7919 % 1000}" for number in range(count)], "texts.txt"
    )


@pytest.fixture
def adapt(tiny_encoder: Path, registry: ModelRegistry, tmp_path: Path) -> Adapt:
    """``adapt_encoder`` with everything given but what the test is about."""
    recipe = AdaptationRecipe(
        encoder=str(tiny_encoder), epochs=2, batch_size=8, encoder_lr=1e-3, head_lr=1e-2, precision="fp32"
    )

    def run(*, name: str = "words", progress: Any = None, resume: bool = False, **changes: Any) -> ModelVersion:
        progress = progress or NullProgress()
        order = Order(registry, name, tmp_path / "runs", progress, "ann", "a test", resume=resume)
        return adapt_encoder(replace(recipe, **changes), texts(), order)

    return run


def weights(folder: Path) -> dict[str, Any]:
    return dict(load_file(folder / "model.safetensors"))


def same(one: Path, other: Path) -> bool:
    first, second = weights(one), weights(other)
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.slow
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_method_learns_and_gives_an_encoder(adapt: Adapt, objective: str, tiny_encoder: Path) -> None:
    version = adapt(objective=objective, epochs=4)
    card = version.card
    assert (card["task"], card["method"]) == ("encoder", objective)
    assert (
        read_model_file(version.folder, task="encoder").max_tokens
        == read_model_file(tiny_encoder, task="encoder").max_tokens
    )
    assert weights(version.folder).keys() == weights(tiny_encoder).keys()
    assert not same(version.folder, tiny_encoder)
    found = card["metrics"]["validation"]
    assert 0 < found["loss"] < found["loss_before"]
    assert found["n"] + card["data"]["trained_on"] == len(texts().texts) == 120
    assert card["encoder"]["sha256"] == resolve_encoder(str(tiny_encoder)).sha256
    assert load_encoder(version.folder).encode(["where is my card"]).shape == (1, 32)


@pytest.mark.slow
def test_a_stopped_adaptation_registers_nothing_and_resumes_to_the_same_weights(
    adapt: Adapt, registry: ModelRegistry
) -> None:
    with pytest.raises(Cancelled):
        adapt(progress=RecordingProgress(cancel_at=0.4))
    assert registry.names() == []
    with pytest.raises(UsageError, match=r"objective \(mlm then, tsdae now\)"):
        adapt(objective="tsdae", resume=True)
    progress = RecordingProgress()
    resumed = adapt(resume=True, progress=progress)
    assert any("Resuming from checkpoint-" in line for line in progress.lines)
    assert same(resumed.folder, adapt(name="other").folder)


@pytest.mark.slow
def test_a_training_starts_from_the_registered_name(
    adapt: Adapt, train: Callable[..., ModelVersion], registry: ModelRegistry
) -> None:
    adapted = adapt(epochs=1)
    version = train(encoder="words", epochs=1)
    assert version.card["encoder"]["name"] == "words:1"
    assert version.card["encoder"]["kind"] == "registered"
    assert version.card["encoder"]["sha256"] == resolve_encoder(str(adapted.folder)).sha256
    with pytest.raises(UsageError, match="encoder"):
        train(name="words", epochs=1)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"objective": "poetry"}, "mlm, tsdae, contrastive"),
        ({"deleted": 1.0}, "deleted"),
        ({"masked": 0.0}, "masked"),
        ({"temperature": 0.0}, "temperature"),
        ({"objective": "contrastive", "micro_batch_size": 8}, "micro_batch_size"),
        ({"objective": "contrastive", "dropout": 0.0}, "dropout"),
        ({"objective": "contrastive", "batch_size": 1}, "batch_size"),
        ({"method": "prototype"}, "method"),
    ],
)
def test_a_recipe_that_teaches_nothing_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        AdaptationRecipe(**wrong)
    assert words in str(caught.value)


@pytest.mark.parametrize(("count", "passes"), [(100, 10), (640, 10), (3_200, 2), (6_400, 1), (1_000_000, 1)])
def test_few_texts_are_read_several_times(count: int, passes: int) -> None:
    assert default_passes(count, 32) == passes
    assert passes == 10 or passes * math.ceil(count / 32) >= 200


def test_an_adaptation_is_no_task_of_train() -> None:
    assert "encoder" not in [task.name for task in find_tasks()]
