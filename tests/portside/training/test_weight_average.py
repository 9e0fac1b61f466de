from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from portside.errors import Cancelled, UsageError
from portside.inference.classifier import load_classifier
from portside.progress import RecordingProgress
from portside.registry import ModelVersion
from portside.tasks.classification import ClassificationRecipe
from portside.tasks.tagging import TaggingRecipe
from portside.training.weight_average import SEED_STEP, mean_weights
from tests.portside.training.conftest import Train, make_sentences, same_weights


def test_the_mean_by_hand() -> None:
    first = {"weight": torch.tensor([1.0, 4.0]), "places": torch.tensor([0, 1])}
    second = {"weight": torch.tensor([3.0, -4.0]), "places": torch.tensor([0, 1])}
    found = mean_weights([first, second])
    assert found["weight"].tolist() == [2.0, 0.0]
    assert found["places"].tolist() == [0, 1], "positions are no weights"
    assert first["weight"].tolist() == [1.0, 4.0], "what was given stays"


@pytest.mark.parametrize("method", ["lora", "prototype", "zero-shot"])
def test_a_method_without_weights_to_average_is_refused(method: str) -> None:
    with pytest.raises(UsageError, match="trainings"):
        ClassificationRecipe(method=method, trainings=2)


def test_none_is_no_number_of_trainings() -> None:
    with pytest.raises(UsageError, match="trainings"):
        TaggingRecipe(trainings=0)


def inside(version: ModelVersion) -> dict[str, np.ndarray]:
    """The encoder's weights: the head's are divided by a temperature at the end."""
    weights = load_file(version.folder / "model.safetensors")
    return {name: value for name, value in weights.items() if "encoder" in name and value.dtype == np.float32}


@pytest.mark.slow
def test_the_encoder_is_the_mean_of_those_of_each_seed(train: Train) -> None:
    valid = make_sentences(30, start=500)
    averaged = train(valid=valid, trainings=2, seed=3)
    one, other = (inside(train(valid=valid, seed=seed)) for seed in (3, 3 + SEED_STEP))
    found = inside(averaged)
    assert found
    assert any(not np.array_equal(one[name], other[name]) for name in one)
    for name, value in found.items():
        assert value == pytest.approx((one[name] + other[name]) / 2, abs=1e-6), name
    told = load_classifier(averaged).predict(valid.texts)
    right = np.mean([a.label == b.label for a, b in zip(told, valid.examples, strict=True)])
    assert averaged.card["metrics"]["validation"]["accuracy"] == pytest.approx(right)
    assert averaged.card["recipe"]["trainings"] == 2


@pytest.mark.slow
def test_cancelled_in_its_second_training_it_goes_on_to_the_same_weights(train: Train) -> None:
    with pytest.raises(Cancelled):
        train(trainings=2, progress=RecordingProgress(cancel_at=0.8))
    progress = RecordingProgress()
    resumed = train(trainings=2, resume=True, progress=progress)
    assert any("Resuming from checkpoint-" in line for line in progress.lines)
    assert same_weights(resumed, train(trainings=2, name="other"))


@pytest.mark.slow
def test_progress_only_rises(train: Train) -> None:
    progress = RecordingProgress()
    train(trainings=3, progress=progress)
    shares = [done / total for done, total, message in progress.updates if total and "step" in message]
    assert shares == sorted(shares)
    assert shares[-1] > 0.9
    assert sum("whose weights are averaged" in line for line in progress.lines) == 3


@pytest.mark.slow
def test_each_training_gets_its_part_of_the_budget(train: Train) -> None:
    train()  # imports and measures: the budget is of a process that is warm
    progress = RecordingProgress()
    version = train(name="timed", epochs=100_000, budget_seconds=24.0, trainings=2, progress=progress)
    assert sum("budget allows about" in line for line in progress.lines) == 2
    assert version.card["training"]["seconds"] < 26.4


@pytest.mark.slow
def test_a_budget_that_is_too_short_for_several_is_given_to_one(train: Train) -> None:
    train()
    progress = RecordingProgress()
    train(name="timed", budget_seconds=12.0, trainings=40, progress=progress)
    assert any("no room for 40 trainings" in line for line in progress.lines)
