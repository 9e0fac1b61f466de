"""A second look at each row is taken where there is time for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from portside.progress import RecordingProgress
from portside.registry import ModelVersion
from tests.portside.training.conftest import same_weights

pytestmark = pytest.mark.slow

Train = Callable[..., ModelVersion]


def test_a_budget_that_cuts_the_training_short_leaves_it_out(train: Train) -> None:
    train()  # imports and measures: the budget is of a process that is warm
    progress = RecordingProgress()
    train(name="timed", consistency=1.0, dropout=0.2, epochs=100_000, budget_seconds=15.0, progress=progress)
    assert any("looked at once" in line for line in progress.lines)


def test_without_a_budget_it_is_taken_and_changes_the_weights(train: Train) -> None:
    progress = RecordingProgress()
    twice = train(consistency=1.0, dropout=0.2, progress=progress)
    assert not any("looked at once" in line for line in progress.lines)
    assert same_weights(twice, train(consistency=1.0, dropout=0.2, name="again"))
    assert not same_weights(twice, train(consistency=0.0, dropout=0.2, name="once"))
