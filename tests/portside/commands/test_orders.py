from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from pathlib import Path

import pytest

from portside.commands import adapt, search, train
from portside.commands.orders import UNLESS_GIVEN, order_of
from portside.progress import NullProgress
from portside.said import Said
from portside.settings import Settings

COMMANDS = [
    one.callback
    for group in (train.commands, search.commands, adapt.commands)
    for one in (*group.registered_commands, group.registered_callback)
    if one is not None and one.callback is not None and "reason" in signature(one.callback).parameters
]


def test_each_command_that_trains_is_looked_at() -> None:
    assert len(COMMANDS) >= 9


@pytest.mark.parametrize("command", COMMANDS)
def test_the_usual_reason_can_be_said_in_another_language(command: Callable[..., None], tmp_path: Path) -> None:
    usual = signature(command).parameters["reason"].default
    assert usual in UNLESS_GIVEN
    order = order_of(Settings(home=tmp_path), "model", NullProgress(), reason=usual, promote=None)
    assert isinstance(order.reason, Said)
    assert order.reason == usual


def test_a_reason_of_ones_own_stays_as_it_is(tmp_path: Path) -> None:
    order = order_of(Settings(home=tmp_path), "model", NullProgress(), reason="the {new} price list", promote=None)
    assert order.reason == "the {new} price list"
    assert not isinstance(order.reason, Said)
