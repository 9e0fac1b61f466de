from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.errors import UsageError
from portside.evaluation.risk import promise_risk, risk_coverage, rows_needed


@pytest.mark.parametrize(
    ("risk", "delta", "rows"), [(0.05, 0.05, 59), (0.1, 0.1, 22), (0.5, 0.5, 1), (0.02, 0.05, 149)]
)
def test_rows_without_mistake_that_a_promise_takes(risk: float, delta: float, rows: int) -> None:
    # The least n with (1 - risk)^n <= delta.
    assert rows_needed(risk, delta) == rows
    assert (1 - risk) ** rows <= delta < (1 - risk) ** (rows - 1)


def test_always_right_answers_everything() -> None:
    found = promise_risk(np.linspace(0.2, 1.0, 200), np.ones(200, dtype=bool), risk=0.05)
    assert (found.threshold, found.answered, found.wrong) == (0.2, 1.0, 0.0)
    assert "answers 100 % of texts like these, at most 5 % wrong" in found.sentence


def test_too_few_rows_make_no_promise_but_say_how_many_it_takes() -> None:
    found = promise_risk(np.ones(100), np.ones(100, dtype=bool), risk=0.05)
    assert found.threshold is None
    assert "100 labelled rows are too few, it takes at least 118" in found.sentence


def test_a_model_that_is_wrong_where_it_is_surest_gets_no_promise() -> None:
    found = promise_risk(np.linspace(0, 1, 400), np.arange(400) < 300, risk=0.05)
    assert found.threshold is None
    assert "wrong too often even where it is surest" in found.sentence


def test_equally_sure_answers_are_given_together() -> None:
    # 300 at .9, all right; 100 at .5, all wrong: no threshold between may be taken.
    confidence = np.repeat([0.9, 0.5], [300, 100])
    found = promise_risk(confidence, confidence == 0.9, risk=0.05)
    assert (found.threshold, found.answered, found.wrong) == (0.9, 0.75, 0.0)


@pytest.mark.parametrize("risk", [0.0, 1.0, 5.0])
def test_a_risk_that_is_no_share_is_advice(risk: float) -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        promise_risk(np.ones(10), np.ones(10, dtype=bool), risk=risk)


@pytest.mark.parametrize("risk", [0.05, 0.1])
def test_the_promise_holds_as_often_as_it_says(risk: float) -> None:
    """Draws from a world where the truth is known: P(right | confidence) = confidence."""
    random, broken = np.random.default_rng(7), 0
    for _ in range(400):
        confidence = random.beta(4, 1, 600)
        found = promise_risk(confidence, random.random(600) < confidence, risk=risk, delta=0.1)
        if found.threshold is not None:
            # The mean of 1 - c over c >= t, c from Beta(4, 1).
            t = found.threshold
            truth = 1 - 0.8 * (1 - t**5) / (1 - t**4)
            broken += truth > risk
    assert broken <= 0.1 * 400 + 2 * np.sqrt(400 * 0.1 * 0.9)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=300), st.sampled_from([0.1, 0.3]))
def test_the_rows_themselves_never_show_more_mistakes_than_promised(
    rows: list[tuple[float, bool]], risk: float
) -> None:
    confidence, right = np.array([one for one, _ in rows]), np.array([one for _, one in rows])
    found = promise_risk(confidence, right, risk=risk, delta=0.3)
    assert found.wrong <= risk
    assert (found.threshold is None) == (found.answered == 0)
    curve = risk_coverage(confidence, right)
    assert curve.answered[-1] == 1.0
    assert curve.wrong[-1] == pytest.approx(1 - right.mean())


def test_risk_coverage_by_hand() -> None:
    curve = risk_coverage(np.array([0.6, 0.9, 0.8, 0.7]), np.array([False, True, False, True]))
    assert list(curve.answered) == [0.25, 0.5, 0.75, 1.0]
    assert list(curve.wrong) == pytest.approx([0, 1 / 2, 1 / 3, 1 / 2])
    assert curve.area == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)
