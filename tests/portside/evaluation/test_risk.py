from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.errors import UsageError
from portside.evaluation.risk import promise_risk, promise_texts, risk_coverage, rows_needed, together


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


def test_of_several_answers_a_text_counts_once_and_wrong_as_soon_as_one_is() -> None:
    # 200 texts, each with a sure and right answer, and one less sure that is wrong in half of them.
    confidence = np.tile([0.9, 0.5], 200)
    right = np.tile([True, True, True, False], 100)
    found = promise_texts(confidence, right, np.repeat(np.arange(200), 2), risk=0.05)
    assert (found.threshold, found.kept, found.wrong, found.n) == (0.9, 0.5, 0.0, 200)
    assert "at most 5 % of the texts that get any have a wrong one" in found.sentence("names")


def test_with_one_answer_a_text_both_promises_are_the_same() -> None:
    random = np.random.default_rng(3)
    confidence = random.beta(4, 1, 600)
    right = random.random(600) < confidence
    one, other = promise_risk(confidence, right, risk=0.1), promise_texts(confidence, right, np.arange(600), risk=0.1)
    assert one.threshold is not None
    assert (one.threshold, one.answered, one.wrong) == (other.threshold, other.kept, other.wrong)


def test_many_answers_of_few_texts_are_no_promise() -> None:
    # A thousand answers, all right: but of ten texts.
    found = promise_texts(np.ones(1000), np.ones(1000, dtype=bool), np.arange(1000) % 10, risk=0.05)
    assert found.threshold is None
    assert "10 texts that get any are too few, it takes at least 118" in found.sentence("names")
    none = promise_texts(np.zeros(0), np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64), risk=0.05)
    assert (none.threshold, none.n) == (None, 0)


def test_the_promise_holds_for_texts_whose_answers_go_wrong_together() -> None:
    """All five answers to a text are right or wrong at once; counted one by one they would promise too much."""
    random, broken, naive, made = np.random.default_rng(11), 0, 0, 0
    whose = np.repeat(np.arange(300), 5)
    for _ in range(300):
        sure = random.beta(4, 1, 300)
        wrong = random.random(300) >= sure
        confidence, right = np.repeat(sure, 5), ~np.repeat(wrong, 5)
        for promise in (
            promise_texts(confidence, right, whose, risk=0.1, delta=0.1),
            promise_risk(confidence, right, risk=0.1, delta=0.1),
        ):
            t = promise.threshold
            # The mean of 1 - c over c >= t, c from Beta(4, 1).
            missed = t is not None and 1 - 0.8 * (1 - t**5) / (1 - t**4) > 0.1
            if hasattr(promise, "kept"):
                broken, made = broken + missed, made + (t is not None)
            else:
                naive += missed
    assert made > 30
    assert broken <= 0.1 * 300 + 2 * np.sqrt(300 * 0.1 * 0.9) < naive


def test_promises_of_several_shares_are_less_certain_together_than_each_alone() -> None:
    confidence, right = np.linspace(0.2, 1.0, 2_000), np.ones(2_000, dtype=bool)
    all_made = [promise_risk(confidence, right, risk=risk) for risk in (0.02, 0.05, 0.1)]
    # Three times 5 % of failing.
    said = "Each of these promises by itself is certain to 95 %; that all of them hold at once is certain to 85 %"
    assert together(all_made) == f"{said} at least."
    # 250 rows are too few for 2 %, which was tried all the same.
    two_made = [promise_risk(confidence[:250], right[:250], risk=risk) for risk in (0.02, 0.05, 0.1)]
    assert [one.threshold is None for one in two_made] == [True, False, False]
    assert together(two_made) == f"{said} at least."
    assert together([two_made[0], two_made[2]]) is None
    assert together(all_made[:1]) is None


def test_a_promise_may_fail_where_the_promise_of_fewer_mistakes_holds() -> None:
    """Failing is not nested: the sum is what can be said of all together."""
    random, failed = np.random.default_rng(3), np.zeros((600, 2), dtype=bool)
    for draw in range(600):
        confidence = random.beta(4, 1, 300)
        right = random.random(300) < confidence
        for place, risk in enumerate((0.05, 0.1)):
            t = promise_risk(confidence, right, risk=risk, delta=0.2).threshold
            failed[draw, place] = t is not None and 1 - 0.8 * (1 - t**5) / (1 - t**4) > risk
    assert (failed[:, 0] & ~failed[:, 1]).any()
    assert (failed[:, 1] & ~failed[:, 0]).any()
    assert failed.any(axis=1).mean() <= 2 * 0.2


def test_rows_needed_of_a_share_too_small_to_be_taken_from_one() -> None:
    assert rows_needed(1e-17, 0.05) > 1e17
