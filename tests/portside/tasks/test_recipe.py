"""Which settings of a recipe go together."""

from __future__ import annotations

from typing import Any

import pytest

from portside.errors import UsageError
from portside.tasks.recipe import FINE_TUNING, TrainingRecipe
from portside.tasks.spec import TaskSpec, find_tasks
from portside.training.head_start import gentler


@pytest.mark.parametrize("method", ["full", "prototype", "zero-shot"])
@pytest.mark.parametrize(
    "setting",
    [{"lora_rank": 4}, {"lora_alpha": 8}, {"lora_dropout": 0.3}, {"lora_lr": 0.1}, {"lora_layers": "attention"}],
)
def test_settings_of_adapters_are_refused_without_one(method: str, setting: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"{next(iter(setting))} must be left out with method {method}"):
        TrainingRecipe(method=method, **setting)
    assert TrainingRecipe(method="lora", **setting)


@pytest.mark.parametrize("task", find_tasks(), ids=lambda task: task.name)
def test_every_task_knows_every_way_of_fine_tuning(task: TaskSpec) -> None:
    for method in FINE_TUNING:
        recipe = task.recipe(method=method)
        assert recipe.inner_lr == (recipe.encoder_lr if method == "full" else recipe.lora_lr)
    with pytest.raises(UsageError, match="its learning rate is lora_lr"):
        task.recipe(method="lora", encoder_lr=0.5)


@pytest.mark.parametrize(
    "setting", [{"lora_rank": 0}, {"lora_alpha": 0}, {"lora_dropout": 1.0}, {"lora_layers": "some"}]
)
def test_settings_of_adapters_have_ranges(setting: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(setting))):
        TrainingRecipe(method="lora", **setting)


@pytest.mark.parametrize("method", FINE_TUNING)
def test_a_gentler_recipe_has_half_the_rates_that_are_used(method: str) -> None:
    recipe = TrainingRecipe(method=method)
    found = gentler(recipe, looks_twice=False)
    assert (found.inner_lr, found.head_lr) == (recipe.inner_lr / 2, recipe.head_lr / 2)


def test_an_encoder_that_looks_twice_bears_its_full_rate() -> None:
    found = gentler(TrainingRecipe(), looks_twice=True)
    assert (found.encoder_lr, found.head_lr) == (TrainingRecipe.encoder_lr, TrainingRecipe.head_lr / 2)
