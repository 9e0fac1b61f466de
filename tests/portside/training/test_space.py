from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.commands.search import space_of
from portside.errors import UsageError
from portside.tasks.classification import ClassificationRecipe, Method
from portside.tasks.spec import TaskSpec, find_tasks
from portside.training.space import Choice, Dimension, Range, default_space, first_values, parse_dimension

RECIPE = ClassificationRecipe()


@pytest.mark.parametrize(
    ("setting", "found"),
    [
        ("encoder_lr=1e-5..5e-4:log", Range(1e-5, 5e-4, log=True)),
        ("dropout=0..0.3", Range(0.0, 0.3)),
        ("epochs=3..10", Range(3, 10)),
        ("batch_size=16,32,64", Choice((16, 32, 64))),
        ("batch_size=16", Choice((16,))),
        ("class_weights=true,false", Choice((True, False))),
        ("method=full, prototype", Choice(("full", "prototype"))),
    ],
)
def test_words_that_mean_a_space(setting: str, found: Dimension) -> None:
    key, dimension = parse_dimension(setting, RECIPE)
    assert (key, dimension) == (setting.partition("=")[0], found)
    if isinstance(found, Range):
        assert isinstance(dimension, Range)
        assert dimension.whole == isinstance(found.low, int)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("encoder_lr", "KEY=VALUES"),
        ("colour=red,blue", "encoder_lr"),
        ("seed=1,2", "same for all trials"),
        ("encoder=a,b", "same for all trials"),
        ("encoder_lr=fast..slow", "encoder_lr=1e-5..5e-4:log"),
        ("encoder_lr=", "encoder_lr=1e-5..5e-4:log"),
        ("encoder_lr=1e-4..1e-5", "smaller number"),
        ("encoder_lr=1e-4..1e-4", "smaller number"),
        ("encoder_lr=-1..1", "encoder_lr"),
        ("dropout=0..0.3:log", "above 0"),
        ("dropout=0..1.5", "dropout = 1.5"),
        ("dropout=0.1,0.1", "once"),
        ("dropout=0..0.3:cubic", "range"),
        ("batch_size=16,32:log", "range"),
        ("method=full..prototype", "a,b,c"),
        ("method=full,magic", "range or some values"),
        ("class_weights=false..true", "numbers"),
    ],
)
def test_words_that_do_not_are_refused_with_advice(setting: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_dimension(setting, RECIPE)
    assert says in str(caught.value)


@given(st.floats(1e-6, 1e-2), st.floats(1.1, 1e3), st.booleans())
def test_a_space_is_read_as_it_is_written(low: float, times: float, log: bool) -> None:
    one = Range(low, low * times, log)
    assert parse_dimension(f"encoder_lr={one}", RECIPE) == ("encoder_lr", one)


@pytest.mark.parametrize("task", find_tasks(), ids=lambda task: task.name)
def test_the_default_space_lies_around_the_recipe_of_every_task(task: TaskSpec) -> None:
    recipe = task.recipe()
    space = default_space(recipe)
    assert {"encoder_lr", "head_lr", "batch_size", "dropout"} <= space.keys() <= {one.name for one in fields(recipe)}
    assert first_values(space, recipe) == {name: getattr(recipe, name) for name in space}
    for name, dimension in space.items():
        ends = dimension.values if isinstance(dimension, Choice) else (dimension.low, dimension.high)
        for value in ends:
            replace(recipe, **{name: value})  # the recipe takes it


def test_an_adapters_rate_takes_the_place_of_the_encoders() -> None:
    assert {"lora_lr", "encoder_lr"} & default_space(replace(RECIPE, method="lora")).keys() == {"lora_lr"}


@pytest.mark.parametrize("method", ["prototype", "zero-shot"])
def test_a_computed_head_leaves_nothing_to_search(method: Method) -> None:
    with pytest.raises(UsageError, match=method):
        default_space(ClassificationRecipe(method=method))


def test_batches_that_memory_was_limited_to_stay_whole() -> None:
    assert default_space(replace(RECIPE, micro_batch_size=32))["batch_size"] == Choice((32, 64))
    assert "weight_decay" not in default_space(replace(RECIPE, weight_decay=0.0))


@pytest.mark.parametrize(
    ("dimension", "value", "nearest"),
    [
        (Range(1e-5, 1e-4, log=True), 2e-4, 1e-4),
        (Range(1e-5, 1e-4, log=True), 5e-5, 5e-5),
        (Range(2, 10), None, 6),
        (Range(1, 100, log=True), None, 10),
        (Choice((16, 64)), 32, 16),
        (Choice((16, 64)), 50, 64),
        (Choice(("full", "prototype")), "zero-shot", "full"),
        (Choice((3, 5)), None, 3),
    ],
)
def test_the_first_trial_is_as_near_the_recipe_as_the_space_allows(
    dimension: Dimension, value: float | None, nearest: object
) -> None:
    assert dimension.nearest(value) == nearest


def test_what_is_fixed_is_not_searched() -> None:
    space = space_of(RECIPE, ["dropout=0.2", "epochs=3"], ["head_lr=1e-3,1e-2"])
    assert space.keys() == {"encoder_lr", "head_lr", "batch_size", "weight_decay"}
    assert space["head_lr"] == Choice((1e-3, 1e-2))
    with pytest.raises(UsageError, match="dropout"):
        space_of(RECIPE, ["dropout=0.2"], ["dropout=0..0.1"])
