from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from portside.training.order import LengthGrouped


@given(st.lists(st.integers(1, 60), max_size=300), st.integers(1, 9), st.integers(0, 3))
def test_each_row_once_an_epoch(lengths: list[int], batch: int, epoch: int) -> None:
    order = LengthGrouped(lengths, batch, seed=1)
    order.epoch = epoch
    assert sorted(order) == list(range(len(lengths)))


def test_batches_hold_texts_of_like_length() -> None:
    lengths = [place % 50 + 1 for place in range(1_000)]
    places = list(LengthGrouped(lengths, 10, seed=0))
    spreads = [
        max(lengths[place] for place in batch) - min(lengths[place] for place in batch)
        for batch in (places[start : start + 10] for start in range(0, 1_000, 10))
    ]
    assert sum(spreads) / len(spreads) < 2
    means = [lengths[places[start]] for start in range(0, 1_000, 10)]
    assert means not in (sorted(means), sorted(means, reverse=True))


def test_the_short_batch_comes_last() -> None:
    lengths = [1, 2, 3, 4, 5, 6, 100]
    places = list(LengthGrouped(lengths, 3, seed=5))
    for start in (0, 3):
        batch = sorted(lengths[place] for place in places[start : start + 3])
        assert batch in ([1, 2, 3], [4, 5, 6])


def test_epochs_differ_and_repeat() -> None:
    order = LengthGrouped([1] * 50, 5, seed=0)
    first = list(order)
    order.epoch = 1
    assert list(order) != first
    order.epoch = 0
    assert list(order) == first
    assert list(LengthGrouped([1] * 50, 5, seed=1)) != first
