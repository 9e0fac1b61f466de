from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from portside.inference.batching import plan_batches


def test_like_lengths_share_a_batch() -> None:
    assert plan_batches([1, 9, 2, 8], tokens=18) == [[1, 3], [2, 0]]


def test_a_long_text_stands_alone() -> None:
    assert plan_batches([50, 1, 1], tokens=20) == [[0], [1, 2]]


@given(st.lists(st.integers(0, 500), max_size=200), st.integers(1, 600), st.integers(1, 20))
def test_each_text_once_and_within_limits(lengths: list[int], tokens: int, rows: int) -> None:
    batches = plan_batches(lengths, tokens=tokens, rows=rows)
    assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) <= rows
        assert len(batch) == 1 or len(batch) * max(lengths[place] for place in batch) <= tokens
