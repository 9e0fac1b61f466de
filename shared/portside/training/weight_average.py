"""Several trainings of one recipe, a seed each, as one network with the mean of their weights.

All start from the same pretrained weights and end near enough to one another that their mean answers about as well as
they do together, at the price of one (Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models
improves accuracy without increasing inference time", ICML 2022). Imports torch: import it lazily.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from portside.encoders import EncoderSource
from portside.tasks.recipe import TrainingRecipe
from portside.training.adapter import TaskAdapter
from portside.training.fit import Fitted, finished, fit, train
from portside.training.plan import BudgetTooShort
from portside.training.surroundings import Surroundings

__all__ = ["SEED_STEP", "fit_averaged", "mean_weights"]

SEED_STEP = 1_000
"""Between the seeds of the trainings: those of seed 0 share none with those of seed 1."""


def fit_averaged(
    recipe: TrainingRecipe, source: EncoderSource, prepare: Callable[[], TaskAdapter], around: Surroundings
) -> tuple[Fitted, TaskAdapter]:
    """Train ``recipe.trainings`` times, or as often as there is time for, then measure and finish their mean. A budget
    that is too short for several is given to one.

    Raises:
        Cancelled, ModelError, UsageError: as of ``fit``; the budget must leave room for one training.
    """
    count = recipe.trainings
    made: list[tuple[Fitted, TaskAdapter]] = []
    for number in range(count):
        left, rest = around.remaining(), count - number
        kept = 0.0 if left is None else left * (rest - 1) / rest
        inner = around.part(f"training-{number + 1}", number / count, 1 / count, kept=kept)
        around.progress.log(f"Training {number + 1} of {count}, whose weights are averaged")
        try:
            made.append(train(replace(recipe, seed=recipe.seed + SEED_STEP * number), source, prepare, inner))
        except BudgetTooShort as error:
            if not made:
                around.progress.log(f"The time budget leaves no room for {count} trainings: one gets all of it")
                return fit(recipe, source, prepare, around)
            around.progress.log(f"The time budget allows {number} of {count} trainings: {error.seen}")
            break
    fitted, adapter = made[0]
    fitted.network.load_state_dict(mean_weights([one.network.state_dict() for one, _ in made]))
    earlier = sum(one.seconds for one, _ in made[1:])
    return finished(replace(fitted, earlier_seconds=earlier), adapter), adapter


def mean_weights(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each tensor of numbers, of its own type; what only counts or points is the first one's."""
    return {
        name: torch.stack([state[name] for state in states]).mean(dim=0) if first.is_floating_point() else first
        for name, first in states[0].items()
    }
