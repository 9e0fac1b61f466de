"""Which recipes a search tries: fields of the recipe with the values they may take. Pure decisions."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from portside.errors import UsageError
from portside.tasks.recipe import TrainingRecipe

__all__ = [
    "Choice",
    "Dimension",
    "Range",
    "Space",
    "Value",
    "default_space",
    "first_values",
    "parse_dimension",
    "with_values",
]

Value = str | int | float | bool
NOT_SEARCHED = ("encoder", "seed", "budget_seconds", "descriptions")
"""Trials that differ in these cannot be compared: they are what a search holds fixed."""
RATE_FACTOR = 4.0
"""Learning rates are tried from a quarter of the recipe's to four times it."""
DECAY_FACTOR = 10.0
LARGEST_DROPOUT = 0.3


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, both included; whole ones where both are."""

    low: int | float
    high: int | float
    log: bool = False
    """Equal ratios are equally likely, rather than equal differences: for rates, which matter by their size."""

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are meant."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def __str__(self) -> str:
        return f"{self.low}..{self.high}{':log' if self.log else ''}"

    def nearest(self, value: Value | None) -> Value:
        """The number of this range that is next to ``value``; the middle where there is none."""
        if value is None:
            middle = math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2
            return round(middle) if self.whole else middle
        number = value if isinstance(value, int | float) else self.low
        return min(max(number, self.low), self.high)


@dataclass(frozen=True)
class Choice:
    """One of some values, in no order."""

    values: tuple[Value, ...]

    def __str__(self) -> str:
        return ",".join(str(value) for value in self.values)

    def nearest(self, value: Value | None) -> Value:
        """``value`` where it is one of them; else the next number, or the first."""
        if value in self.values:
            return next(one for one in self.values if one == value)
        numbers = [one for one in self.values if isinstance(one, int | float) and isinstance(value, int | float)]
        return min(numbers, key=lambda one: abs(one - float(value or 0)), default=self.values[0])


Dimension = Range | Choice
Space = Mapping[str, Dimension]
"""Field of the recipe -> the values it may take."""


def default_space(recipe: TrainingRecipe, fixed: Collection[str] = ()) -> dict[str, Dimension]:
    """What is worth trying around ``recipe``, whatever the task, without the fields that the user ``fixed``.

    The number of epochs is not among it: it follows from the size of the data, training stops when it gains no more,
    and the best weights on the way are kept. ``epochs=3..10`` beside the others searches it too.

    Raises:
        UsageError: the recipe's method computes the head, and nothing of this changes it.
    """
    if recipe.computes:
        raise UsageError(
            "Only a method that trains has something to search",
            seen=f"method = {recipe.method}",
            remedy="Leave --set method out, or train that method once with portside train",
        )
    rates = {
        name: Range(getattr(recipe, name) / RATE_FACTOR, getattr(recipe, name) * RATE_FACTOR, log=True)
        for name in ("lora_lr" if recipe.adapts else "encoder_lr", "head_lr")
    }
    decay, size, micro = recipe.weight_decay, recipe.batch_size, recipe.micro_batch_size or 1
    sizes = [each for each in (size // 2, size, 2 * size) if each and each % micro == 0]
    space: dict[str, Dimension] = {
        **rates,
        "dropout": Range(0.0, max(LARGEST_DROPOUT, recipe.dropout)),
        "batch_size": Choice(tuple(sizes)),
    }
    if decay > 0:
        space["weight_decay"] = Range(decay / DECAY_FACTOR, min(decay * DECAY_FACTOR, 0.5), log=True)
    return {name: dimension for name, dimension in space.items() if name not in fixed}


def first_values(space: Space, recipe: TrainingRecipe) -> dict[str, Value]:
    """What the first trial takes: the recipe's own values, as far as ``space`` has them."""
    return {name: dimension.nearest(getattr(recipe, name)) for name, dimension in space.items()}


def with_values(recipe: TrainingRecipe, values: Mapping[str, Value]) -> TrainingRecipe:
    """``recipe`` with some fields changed.

    Raises:
        UsageError: the recipe does not take a value.
    """
    fields_of_any_type: dict[str, Any] = dict(values)
    return replace(recipe, **fields_of_any_type)


def parse_dimension(setting: str, recipe: TrainingRecipe) -> tuple[str, Dimension]:
    """The field and the values that ``encoder_lr=1e-5..5e-4:log`` or ``batch_size=16,32,64`` mean.

    Raises:
        UsageError: it means neither, the recipe has no such field, or a value is not one of the field's.
    """
    key, separator, text = setting.partition("=")
    known = sorted({field.name for field in fields(recipe)} - set(NOT_SEARCHED))
    if not separator or key not in known:
        why = f"; {key} is the same for all trials" if key in NOT_SEARCHED else ""
        raise UsageError(
            f"--space takes KEY=VALUES of the recipe{why}", seen=setting, remedy=f"Keys: {', '.join(known)}"
        )
    words, _, scale = text.partition(":")
    if scale not in ("", "log") or (scale and ".." not in words):
        raise _unclear(setting)
    if ".." not in words:
        return key, _choice(setting, [_value(recipe, key, word.strip(), setting) for word in words.split(",")])
    low, high = (_value(recipe, key, word.strip(), setting) for word in words.split("..", 1))
    return key, _range(setting, low, high, log=scale == "log")


def _choice(setting: str, values: Sequence[Value]) -> Choice:
    if len(set(values)) != len(values):
        raise UsageError("Each value of --space is named once", seen=setting, remedy="Leave the repeated one out")
    return Choice(tuple(values))


def _range(setting: str, low: Value, high: Value, *, log: bool) -> Range:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (low, high))
    if not numbers or isinstance(low, str) or isinstance(high, str):
        raise UsageError("A range of --space has numbers at its ends", seen=setting, remedy="Name values: a,b,c")
    if not low < high:
        raise UsageError("A range of --space begins with the smaller number", seen=setting, remedy="Write 1..5")
    if log and low <= 0:
        raise UsageError("A :log range of --space lies above 0", seen=setting, remedy="Begin above 0 or leave :log out")
    return Range(low, high, log)


def _value(recipe: TrainingRecipe, key: str, word: str, setting: str) -> Value:
    """``word`` as the recipe's field has it; the recipe itself says whether it may be."""
    from pydantic import TypeAdapter, ValidationError

    try:
        made = TypeAdapter(type(recipe)).validate_python({**asdict(recipe), key: word})
    except (ValidationError, ValueError) as error:
        raise _unclear(setting) from error
    value: Value = getattr(made, key)
    return value


def _unclear(setting: str) -> UsageError:
    return UsageError(
        "--space takes a range or some values of the field's kind",
        seen=setting,
        remedy="Write encoder_lr=1e-5..5e-4:log, dropout=0..0.3 or batch_size=16,32,64",
    )
