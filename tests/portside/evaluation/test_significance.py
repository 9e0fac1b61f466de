"""McNemar's exact test and Holm's correction, by hand."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.errors import UsageError
from portside.evaluation.significance import (
    Estimate,
    bootstrap_macro_f1,
    bootstrap_ratio,
    by_group,
    holm,
    mcnemar,
    paired_ratio,
)


@pytest.mark.parametrize(
    ("only_first", "only_second", "p_better"),
    [(0, 0, 1.0), (0, 1, 1 / 2), (0, 5, 1 / 32), (1, 4, 6 / 32), (5, 0, 1.0), (4, 1, 31 / 32)],
)
def test_by_hand(only_first: int, only_second: int, p_better: float) -> None:
    first = [True] * only_first + [False] * only_second + [True, False]
    second = [False] * only_first + [True] * only_second + [True, False]
    found = mcnemar(first, second)
    assert (found.n, found.only_first, found.only_second) == (len(first), only_first, only_second)
    assert found.p_better == pytest.approx(p_better)


def test_different_is_twice_the_smaller_tail() -> None:
    assert mcnemar([False] * 5, [True] * 5).p_different == pytest.approx(2 / 32)
    assert mcnemar([True], [True]).p_different == 1.0


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60))
def test_exchanging_the_models_exchanges_the_counts(rows: list[tuple[bool, bool]]) -> None:
    one, other = [row[0] for row in rows], [row[1] for row in rows]
    there, back = mcnemar(one, other), mcnemar(other, one)
    assert (there.only_first, there.only_second) == (back.only_second, back.only_first)
    assert there.p_different == back.p_different
    assert 0.0 <= there.p_better <= 1.0


def test_the_rows_must_be_the_same() -> None:
    with pytest.raises(UsageError, match="same rows"):
        mcnemar([True], [])


def test_macro_f1_and_its_interval() -> None:
    # As in the table of scores: a .8, b 2/3, c 0, d 0 (only predicted).
    truth, predicted = np.array([0, 0, 1, 1, 2]), np.array([0, 0, 0, 1, 3])
    found = bootstrap_macro_f1(truth, predicted)
    assert found.value == pytest.approx((0.8 + 2 / 3) / 4)
    assert 0 <= found.low < found.value < found.high <= 1


def test_more_rows_narrow_the_interval_of_macro_f1() -> None:
    random = np.random.default_rng(0)

    def width(rows: int) -> float:
        truth = random.integers(0, 5, rows)
        found = bootstrap_macro_f1(truth, np.where(random.random(rows) < 0.8, truth, random.integers(0, 5, rows)))
        return found.high - found.low

    assert width(4_000) < width(200) / 2


def test_a_model_that_is_always_right_has_no_doubt_left() -> None:
    truth = np.array([0, 1, 2, 1])
    assert bootstrap_macro_f1(truth, truth) == Estimate(1.0, 1.0, 1.0)


def test_rows_of_a_group_are_drawn_together() -> None:
    # One document has a sentence that is right and one that is wrong, the other is half right in itself.
    sums, documents = np.array([[2.0, 2.0], [0.0, 2.0], [2.0, 4.0]]), np.array([7, 7, 3])
    assert by_group(sums, documents).tolist() == [[2.0, 4.0], [2.0, 4.0]]
    assert by_group(sums, None).tolist() == sums.tolist()
    # Whichever documents are drawn, half is right; of sentences all may be wrong, or all right.
    assert bootstrap_ratio(by_group(sums, documents)) == Estimate(0.5, 0.5, 0.5)
    alone = bootstrap_ratio(sums)
    assert (alone.low, alone.high) == (0.0, 1.0)


SUMS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=30)


@given(SUMS, st.integers(2, 6))
def test_copies_of_a_sentence_tell_no_more_than_the_sentence(rows: list[tuple[int, int]], copies: int) -> None:
    sums = np.array([(2.0 * min(pair), float(sum(pair))) for pair in rows])
    less = np.stack([sums[::-1, 0] / 2, sums[:, 1]], axis=1)
    many, fewer = np.repeat(sums, copies, axis=0), np.repeat(less, copies, axis=0)
    groups = np.repeat(np.arange(len(sums)), copies)
    for grouped, single in (
        (bootstrap_ratio(by_group(many, groups)), bootstrap_ratio(sums)),
        (paired_ratio(by_group(fewer, groups), by_group(many, groups)), paired_ratio(less, sums)),
    ):
        assert (grouped.value, grouped.low, grouped.high) == pytest.approx((single.value, single.low, single.high))


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_only_raises_and_keeps_the_order(chances: list[float]) -> None:
    corrected = holm(chances)
    assert all(after >= before for before, after in zip(chances, corrected, strict=True))
    order = np.argsort(chances, kind="stable")
    assert np.all(np.diff(np.array(corrected)[order]) >= 0)


def test_a_hundred_thousand_rows_are_drawn_anew_in_little_memory() -> None:
    values = np.random.default_rng(0).normal(5.0, 2.0, 100_000)
    tracemalloc.start()
    found = bootstrap_ratio(np.stack([values, np.ones_like(values)], axis=1), resamples=200)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6, "200 times 100,000 counts at once would be 160 MB"
    # The interval of a mean: 1.96 standard errors to either side.
    error = 1.96 * values.std() / np.sqrt(len(values))
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((values.mean() - error, values.mean() + error), abs=0.4 * error)
