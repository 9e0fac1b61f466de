from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.evaluation.intervals import wilson, wilson_of_groups


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [  # R: binom::binom.confint(hits, n, methods = "wilson")
        (8, 10, 0.4901625, 0.9433178),
        (0, 10, 0.0, 0.2775328),
        (10, 10, 0.7224672, 1.0),
        (500, 1000, 0.4690697, 0.5309303),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilson(hits: int, n: int, low: float, high: float) -> None:
    assert wilson(hits, n) == pytest.approx((low, high), abs=1e-6)


def test_wilson_of_groups_by_hand() -> None:
    # Two groups of three are wholly right, two wholly wrong: as much as four rows tell.
    right, groups = np.repeat([True, True, False, False], 3), np.repeat([0, 1, 2, 3], 3)
    assert wilson_of_groups(right, groups) == pytest.approx(wilson(2, 4))
    # In each group one of two: the groups are not alike in this, and nobody gains by it.
    assert wilson_of_groups(np.array([True, False] * 4), np.repeat([0, 1, 2, 3], 2)) == pytest.approx(wilson(4, 8))
    # All right in groups of 3 and 1: (3 * 3 + 1 * 1) / 4 = 2.5 rows tell as much as one.
    assert wilson_of_groups(np.ones(4, dtype=bool), np.array([0, 0, 0, 1])) == pytest.approx(wilson(1.6, 1.6))
    assert wilson_of_groups(np.array([True, False]), None) == wilson(1, 2)
    assert wilson_of_groups(np.array([], dtype=bool), np.array([], dtype=int)) == (0.0, 1.0)


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(1, 6))
def test_copies_of_a_row_tell_no_more_than_the_row(rows: list[bool], copies: int) -> None:
    right = np.repeat(rows, copies)
    low, high = wilson_of_groups(right, np.repeat(np.arange(len(rows)), copies))
    assert (low, high) == pytest.approx(wilson(sum(rows), len(rows)))
