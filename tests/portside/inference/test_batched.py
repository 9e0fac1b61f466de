"""Sorting, batching and threads are for speed: they never change an answer, nor whose it is."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from portside.inference.batched import Batching, each_batch, run_batches
from portside.inference.engines.interface import FakeEngine
from portside.inference.tokens import Tokens

WIDTH = 128
TEXTS = st.lists(st.text(alphabet="abc .?é", max_size=40), min_size=1, max_size=40)
HOW = st.builds(Batching, tokens=st.integers(1, 120), workers=st.integers(1, 4))


class CountingEngine:
    """A ``FakeEngine`` that says how it likes to be asked, and notes the shapes of what it was asked."""

    def __init__(self, batching: Batching) -> None:
        self.batching = batching
        self.shapes: list[tuple[int, ...]] = []
        self._engine, self._lock = FakeEngine(WIDTH), Lock()

    def __call__(self, *inputs: NDArray[np.int64]) -> NDArray[np.float32]:
        with self._lock:
            self.shapes.append(inputs[0].shape)
        return self._engine(*inputs)


@given(texts=TEXTS, how=HOW)
def test_each_text_gets_its_own_answer_in_its_place(tiny_encoder: Path, texts: list[str], how: Batching) -> None:
    tokens = Tokens(tiny_encoder, max_tokens=24)
    engine, told = CountingEngine(how), list[int]()
    found = run_batches(engine, tokens, texts, report=told.append)
    alone = [FakeEngine(WIDTH)(*tokens.pad(tokens([text]).ids))[0] for text in texts]
    assert np.array_equal(found, np.stack(alone))
    assert (told == sorted(told), told[-1]) == (True, len(texts))
    assert all(rows == 1 or rows * width <= how.tokens for rows, width in engine.shapes)


@given(lengths=st.lists(st.integers(0, 60), max_size=60), how=HOW)
def test_each_place_comes_once_with_its_own_rows_longest_first(lengths: list[int], how: Batching) -> None:
    class Echo:
        batching = how

        def __call__(self, *inputs: NDArray[np.int64]) -> NDArray[np.float32]:
            return inputs[0].astype(np.float32)

    batches = list(each_batch(Echo(), lengths, lambda places: [np.array([[one, lengths[one]] for one in places])]))
    places = [place for batch, _ in batches for place in batch]
    assert sorted(places) == list(range(len(lengths)))
    assert [lengths[place] for place in places] == sorted(lengths, reverse=True)
    for batch, rows in batches:
        assert rows.tolist() == [[place, lengths[place]] for place in batch]


def test_who_stops_early_may_and_an_error_comes_through_in_its_turn() -> None:
    class Broken:
        batching = Batching(tokens=1, workers=3)

        def __call__(self, *inputs: NDArray[np.int64]) -> NDArray[np.float32]:
            if inputs[0][0] == 3:
                raise ValueError("three")
            return inputs[0].astype(np.float32)

    asked = each_batch(Broken(), [9, 8, 7, 6, 5], lambda places: [np.array(places)])
    assert next(asked)[0] == [0]
    asked.close()  # type: ignore[attr-defined]
    seen: list[int] = []
    with pytest.raises(ValueError, match="three"):
        seen.extend(
            place
            for places, _ in each_batch(Broken(), [9, 8, 7, 6, 5], lambda places: [np.array(places)])
            for place in places
        )
    assert seen == [0, 1, 2]


@pytest.mark.parametrize("tokens", [1, 1_000])
def test_all_callers_of_all_models_together_compute_on_no_more_cores_than_there_are(tokens: int) -> None:
    lock, running, most = Lock(), [0], [0]

    class Busy:
        batching = Batching(tokens=tokens, workers=2)

        def __call__(self, *inputs: NDArray[np.int64]) -> NDArray[np.float32]:
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            time.sleep(0.01)
            with lock:
                running[0] -= 1
            return np.zeros((len(inputs[0]), 1), dtype=np.float32)

    def call(_number: int) -> int:
        return sum(len(places) for places, _ in each_batch(Busy(), [1] * 6, lambda places: [np.array(places)]))

    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(call, range(5))) == [6] * 5
    assert most == [2]
