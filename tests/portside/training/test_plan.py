from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.errors import UsageError
from portside.training.plan import Clockwork, parse_budget, plan_run, rate_multiplier


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1h", 3600), ("1h30m", 5400), ("1h 5s", 3605)]
)
def test_budgets(text: str, seconds: float) -> None:
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0m", "ten", "10x", "-5", "1.5h", "m"])
def test_what_is_no_budget(text: str) -> None:
    with pytest.raises(UsageError, match="10m"):
        parse_budget(text)


def test_without_limit_the_recipe_is_followed() -> None:
    plan = plan_run(rows=100, batch_size=32, epochs=5, step_seconds=0.5, validate_seconds=1.0, seconds=None)
    # 4 steps an epoch; 5 epochs; a validation after each epoch
    assert (plan.steps, plan.steps_per_epoch, plan.validate_every, plan.limited) == (20, 4, 4, False)
    assert plan.expected_seconds == pytest.approx(20 * 0.5 + 5 * 1.0)


def test_many_epochs_are_validated_ten_times() -> None:
    plan = plan_run(rows=32, batch_size=32, epochs=100, step_seconds=0.1, validate_seconds=0.1, seconds=None)
    assert plan.validate_every == 10


def test_a_budget_cuts_the_steps_and_says_so() -> None:
    plan = plan_run(rows=3200, batch_size=32, epochs=5, step_seconds=0.5, validate_seconds=2.0, seconds=60)
    assert plan.limited
    assert 90 <= plan.expected_steps <= 60 / 0.5
    assert plan.expected_seconds <= 60 * 0.96
    assert plan.seconds == pytest.approx(60 * 0.96 - 2.0)  # the last validation comes after the updates
    assert plan.steps == 2 * plan.expected_steps  # faster steps than measured use up the time
    assert "budget" in plan.sentence


@pytest.mark.parametrize("seconds", [-3.0, 0.0, 3.9])
def test_a_budget_without_room_for_a_few_steps_is_refused(seconds: float) -> None:
    with pytest.raises(UsageError, match="--budget"):
        plan_run(rows=3200, batch_size=32, epochs=5, step_seconds=0.5, validate_seconds=2.0, seconds=seconds)


@given(
    rows=st.integers(1, 100_000),
    epochs=st.integers(1, 30),
    step=st.floats(0.001, 10),
    validate=st.floats(0, 10),
    seconds=st.floats(1, 10_000),
)
def test_a_plan_keeps_to_its_time(rows: int, epochs: int, step: float, validate: float, seconds: float) -> None:
    try:
        plan = plan_run(
            rows=rows, batch_size=32, epochs=epochs, step_seconds=step, validate_seconds=validate, seconds=seconds
        )
    except UsageError:
        return
    assert 1 <= plan.expected_steps <= plan.steps <= epochs * plan.steps_per_epoch
    assert 1 <= plan.validate_every <= plan.expected_steps
    # Only the shortest runs may overdraw, and only by a validation.
    assert plan.expected_seconds <= seconds or plan.expected_steps <= 8
    assert plan.seconds is not None
    assert 0 < plan.seconds < seconds


@pytest.mark.parametrize(("done", "rate"), [(0.0, 0.0), (0.05, 0.5), (0.1, 1.0), (0.55, 0.5), (1.0, 0.0), (1.2, 0.0)])
def test_the_rate_rises_and_falls(done: float, rate: float) -> None:
    assert rate_multiplier(done, 0.1) == pytest.approx(rate)


def test_without_warmup_the_rate_starts_at_its_peak() -> None:
    assert rate_multiplier(0.0, 0.0) == 1.0


@pytest.mark.parametrize(
    ("step", "elapsed", "done"),
    [(0, 0, 0.0), (50, 20, 0.5), (50, 80, 0.8), (100, 20, 1.0), (10, 500, 1.0)],
)
def test_the_clock_overtakes_the_steps_on_a_slow_machine(step: int, elapsed: float, done: float) -> None:
    assert Clockwork(steps=100, seconds=100.0).done(step, elapsed) == pytest.approx(done)


def test_without_budget_the_clock_does_not_matter() -> None:
    assert Clockwork(steps=100, seconds=None).done(50, 1e9) == 0.5
