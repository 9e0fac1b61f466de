"""What a card says of how a training went."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from portside.encoders import EncoderSource
from portside.tasks.classification import ClassificationRecipe
from portside.training.card import training_card
from portside.training.fit import Fitted
from portside.training.plan import Plan
from portside.training.trainer import Best


def test_speed_is_that_of_the_training_whose_steps_are_told() -> None:
    plan = Plan(50, 50, 25, 25, 0.1, 5.0, limited=False)
    fitted = Fitted(nn.Identity(), {}, plan, "fp32", Best(), 50, "finished", 10.0, None, earlier_seconds=30.0)
    source = EncoderSource("folder", "tiny", Path(), "abc", "")
    found = training_card(ClassificationRecipe(batch_size=8), source, fitted, None, task="classification", own={})
    training = found["training"]
    assert (training["seconds"], training["steps"], training["epochs"]) == (40.0, 50, 2.0)
    assert training["texts_per_second"] == 40.0
    assert "looks_once" not in training


def test_a_second_look_that_was_left_out_is_told() -> None:
    plan = Plan(50, 50, 25, 25, 0.1, 5.0, limited=True, looks_once=True)
    fitted = Fitted(nn.Identity(), {}, plan, "fp32", Best(), 50, "finished", 10.0, None)
    source = EncoderSource("folder", "tiny", Path(), "abc", "")
    found = training_card(ClassificationRecipe(), source, fitted, None, task="classification", own={})
    assert found["training"]["looks_once"] is True
