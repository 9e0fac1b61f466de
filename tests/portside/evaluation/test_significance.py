"""McNemar's exact test, by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.errors import UsageError
from portside.evaluation.significance import mcnemar


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
