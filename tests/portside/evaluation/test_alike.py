"""Rows in groups that are alike are judged as the fewer independent ones that tell as much: by hand, and by chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from portside.evaluation.alike import part_and_rest
from portside.evaluation.significance import SIGNIFICANT
from portside.evaluation.slices import compare_slices


def by_hand(table: list[list[int]]) -> float:
    return float(fisher_exact(np.array(table), alternative="less").pvalue)


def test_groups_that_are_right_or_wrong_as_one_count_once() -> None:
    # 12 groups of 5 rows: 2 of the 4 in the part are wrong as a whole, and 1 of the other 8.
    groups = np.repeat(np.arange(12), 5)
    right, part = ~np.isin(groups, [0, 1, 4]), groups < 4
    found = part_and_rest(right, part, groups)
    assert (found.rows, found.right, found.other_rows, found.other_right) == pytest.approx((4, 2, 8, 7))
    assert found.p_worse == pytest.approx(by_hand([[2, 2], [7, 1]]))
    alone = part_and_rest(right, part, None)
    assert alone.p_worse == pytest.approx(by_hand([[10, 10], [35, 5]]))
    assert alone.p_worse < 0.01 < SIGNIFICANT < found.p_worse


def test_a_part_of_one_group_is_one_row_where_the_others_are_right_or_wrong_as_one() -> None:
    groups = np.repeat(np.arange(20), 10)
    right, part = ~np.isin(groups, [0, 7]), groups == 0
    # Of 20 groups 2 are wrong, one of them the part.
    assert part_and_rest(right, part, groups).p_worse == pytest.approx(2 / 20)
    assert part_and_rest(right, part, None).p_worse < 1e-6


def test_few_groups_of_a_part_that_happen_to_differ_little_are_held_by_how_alike_the_others_are() -> None:
    # Both groups of the part have 2 of 5 right: by themselves they would pass for 10 independent rows.
    part, groups = np.arange(210) < 10, np.repeat(np.arange(42), 5)
    right = np.concatenate([np.tile([True, True, False, False, False], 2), np.tile(np.repeat([True, False], 5), 20)])
    found = part_and_rest(right, part, groups)
    assert found.other_rows == pytest.approx(40)
    assert found.rows < 2.5


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_groups_of_one_row_change_nothing(rows: list[tuple[bool, bool]]) -> None:
    right, part = np.array([[True, True], [False, False], *rows]).T
    part[:2] = True, False
    alone = part_and_rest(right, part, None)
    assert part_and_rest(right, part, np.arange(len(right))).p_worse == pytest.approx(alone.p_worse)
    table = [[(part & right).sum(), (part & ~right).sum()], [(~part & right).sum(), (~part & ~right).sum()]]
    assert alone.p_worse == pytest.approx(by_hand(table))


def test_parts_that_are_no_worse_are_called_so_as_seldom_as_is_promised() -> None:
    random, called, alone = np.random.default_rng(0), 0, 0
    for _ in range(200):
        groups = np.repeat(np.arange(120), 1 + random.poisson(1.5, 120))
        luck, of_group = random.random((2, len(groups)))
        right = np.where(random.random(len(groups)) < 0.7, of_group[groups], luck) < 0.8
        part = (random.random(120) < 0.2)[groups]
        called += part_and_rest(right, part, groups).p_worse < SIGNIFICANT
        alone += part_and_rest(right, part, None).p_worse < SIGNIFICANT
    assert called <= 200 * SIGNIFICANT < alone


def test_a_slice_of_groups_that_is_worse_is_named_and_its_interval_is_that_of_fewer_rows() -> None:
    random = np.random.default_rng(1)
    groups, right = np.repeat(np.arange(200), 3), random.random(600) < 0.9
    bad, fine = groups < 30, groups % 2 == 0
    right[bad] = random.random(90) < 0.55
    first, second = compare_slices(right, {"fine": fine, "bad": bad}, groups)
    assert (first.name, first.worse, second.worse) == ("bad", True, False)
    alike = np.repeat(right[::3], 3)
    apart, together = compare_slices(alike, {"bad": bad})[0], compare_slices(alike, {"bad": bad}, groups)[0]
    assert (together.accuracy, together.n, together.rest) == (apart.accuracy, apart.n, apart.rest)
    assert together.high - together.low > 1.5 * (apart.high - apart.low)
