"""Near copies of a text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from portside.evaluation.near_duplicates import near_twins, plain_text


def alike(count: int) -> NDArray[np.float32]:
    """Vectors under which each text may be a copy of each other."""
    return np.ones((count, 2), dtype=np.float32) / np.float32(np.sqrt(2))


@pytest.mark.parametrize(
    ("one", "other", "are"),
    [
        ("Has my top up gone through?", "Has my top-up gone through", True),
        ("where is my parcel now", "WHERE is my  parcel, now!", True),
        ("where is my parcel now", "where is my parcle now", True),
        ("where is my parcel now", "cancel my subscription now", False),
        ("thank you", "thank u", False),
        ("请问我的包裹现在到哪里了呢谢谢您", "请问我的包裹现在到哪里了呢，谢谢您！", True),
        ("请问我的包裹现在到哪里了呢谢谢您", "我要取消上个星期下的那一个订单可以吗", False),
    ],
)
def test_near_copies(one: str, other: str, are: bool) -> None:
    assert [(pair.first, pair.second) for pair in near_twins([one, other], alike(2))] == ([(0, 1)] if are else [])
    assert bool(near_twins([one], alike(1), [other], alike(1))) is are


def test_a_copy_is_found_among_others_by_its_meaning() -> None:
    vectors = np.eye(4, dtype=np.float32)
    known = [
        "my card was stolen today",
        "how old do I have to be",
        "where is my parcel now",
        "change my address please",
    ]
    (found,) = near_twins(["where is my parcel now?"], vectors[[2]], known, vectors)
    assert (found.first, found.second, found.likeness) == (0, 2, 1.0)


def test_of_nothing_there_are_no_copies() -> None:
    assert near_twins([], np.zeros((0, 2), dtype=np.float32)) == []
    assert near_twins(["a text that is long enough"], alike(1)) == []


@given(st.lists(st.text(max_size=40), max_size=6))
def test_pairs_are_ordered_and_named_once(texts: list[str]) -> None:
    found = [(pair.first, pair.second) for pair in near_twins(texts, alike(len(texts)))]
    assert all(first < second < len(texts) for first, second in found)
    assert len(set(found)) == len(found)


@given(st.text(max_size=60))
def test_plain_text_is_plain(text: str) -> None:
    assert plain_text(plain_text(text)) == plain_text(text)
