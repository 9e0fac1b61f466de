from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.errors import Busy
from portside.inference.callers import Abandoned, Presence
from portside.inference.micro_batches import MicroBatches, Waits


class Gate:
    """Answers are twice what was asked; batches are noted, and wait while the gate is shut."""

    def __init__(self, *, opened: bool = False) -> None:
        self.batches: list[list[int]] = []
        self._open = threading.Event()
        self.begun = threading.Semaphore(0)
        if opened:
            self._open.set()

    def open(self) -> None:
        self._open.set()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.begun.release()
        assert self._open.wait(20)
        if -1 in items:
            raise ValueError("minus one")
        return [2 * item for item in items]


def until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.001)


@given(
    st.lists(st.lists(st.integers(0, 50), max_size=6), min_size=1, max_size=8),
    st.integers(1, 12),
    st.integers(1, 3),
    st.sampled_from([0.0, 0.001]),
)
def test_everyone_gets_their_own_answers_in_their_order(
    calls: list[list[int]], weight: int, workers: int, gather: float
) -> None:
    gate = Gate(opened=True)
    waits = Waits(batch_weight=weight, workers=workers, gather_seconds=gather)
    ask = MicroBatches(gate, waits=waits, weigh=lambda item: 1 + item % 3)
    with ThreadPoolExecutor(len(calls)) as pool:
        found = list(pool.map(lambda call: ask(call[1], tenant=str(call[0] % 3)), enumerate(calls)))
    assert found == [[2 * item for item in call] for call in calls]
    assert sorted(item for batch in gate.batches for item in batch) == sorted(item for call in calls for item in call)
    assert all(len(batch) == 1 or sum(1 + item % 3 for item in batch) <= weight for batch in gate.batches)
    assert (ask.waiting, ask._running, dict(ask._queues)) == (0, 0, {})


def test_what_waits_is_answered_together_and_tenants_take_turns() -> None:
    gate = Gate()
    ask = MicroBatches(gate, waits=Waits(batch_weight=4))
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(ask, [1])
        assert gate.begun.acquire(timeout=20)
        many = pool.submit(ask, list(range(10, 20)), tenant="bulk")
        until(lambda: ask.waiting == 2)
        one = pool.submit(ask, [7], tenant="a")
        until(lambda: ask.waiting == 3)
        other = pool.submit(ask, [8], tenant="b")
        until(lambda: ask.waiting == 4)
        gate.open()
        assert (first.result(), one.result(), other.result()) == ([2], [14], [16])
        assert many.result() == [2 * item for item in range(10, 20)]
    assert gate.batches == [[1], [10, 7, 8, 11], [12, 13, 14, 15], [16, 17, 18, 19]]


def test_too_many_are_told_to_try_again() -> None:
    gate = Gate()
    ask = MicroBatches(gate, waits=Waits(callers=2))
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(ask, [place]) for place in (1, 2)]
        until(lambda: ask.waiting == 2)
        with pytest.raises(Busy, match="Try again"):
            ask([3])
        gate.open()
        assert [one.result() for one in waiting] == [[2], [4]]
    assert ask([3]) == [6]


def test_who_gives_up_takes_the_question_back() -> None:
    gate = Gate()
    ask = MicroBatches(gate)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask, [1])
        assert gate.begun.acquire(timeout=20)
        with pytest.raises(Busy, match="time"):
            ask([2], timeout=0.02)
        gate.open()
        assert first.result() == [2]
    assert gate.batches == [[1]]
    assert ask([], timeout=0) == []


class FakeClock:
    """Goes on when it is told to; ``reads`` says how often somebody looked."""

    def __init__(self) -> None:
        self.now, self.reads = 0.0, 0

    def __call__(self) -> float:
        self.reads += 1
        return self.now


def test_a_small_import_under_load_waits_as_long_as_it_gets_on() -> None:
    clock = FakeClock()

    def slowly(items: Sequence[int]) -> list[int]:
        # Whoever waits meanwhile has looked at the clock before it goes on.
        before, patience = clock.reads, monotonic() + 2
        while clock.reads == before and monotonic() < patience:
            sleep(0.002)
        clock.now += 12
        return [2 * item for item in items]

    ask = MicroBatches(slowly, waits=Waits(batch_weight=2), seconds=clock)
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(ask, [1, 2, 3, 4, 5], tenant=tenant, timeout=30) for tenant in "ab"]
        assert [one.result() for one in asked] == [[2, 4, 6, 8, 10]] * 2
    assert clock.now >= 60, "twice as long as a question waits that gets no answer"


def test_an_error_reaches_those_of_its_batch_and_no_others() -> None:
    gate = Gate()
    ask = MicroBatches(gate, waits=Waits(batch_weight=2))
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(ask, [5])
        assert gate.begun.acquire(timeout=20)
        bad = pool.submit(ask, [-1, 1])
        until(lambda: ask.waiting == 2)
        good = pool.submit(ask, [9, 9], tenant="z")
        until(lambda: ask.waiting == 3)
        gate.open()
        assert first.result() == [10]
        with pytest.raises(ValueError, match="minus one"):
            bad.result()
        # It shared a batch with the bad one.
        with pytest.raises(ValueError, match="minus one"):
            good.result()
    assert ask([3, 4]) == [6, 8]
    assert (ask.waiting, dict(ask._queues)) == (0, {})


def test_a_wrong_number_of_answers_is_a_defect() -> None:
    ask: MicroBatches[int, int] = MicroBatches(lambda items: [])
    with pytest.raises(RuntimeError, match="0 answers to 1"):
        ask([1])


def test_who_goes_away_leaves_the_queue_at_once_and_is_not_computed() -> None:
    gate, presence = Gate(), Presence()
    ask = MicroBatches(gate)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(ask, [1])
        assert gate.begun.acquire(timeout=20)
        gone = pool.submit(ask, [2, 3], tenant="gone", presence=presence)
        until(lambda: ask.waiting == 2)
        stays = pool.submit(ask, [4], presence=Presence())
        until(lambda: ask.waiting == 3)
        presence.leave()
        with pytest.raises(Abandoned):
            gone.result(20)
        assert not gate._open.is_set(), "nobody had to be answered before"
        gate.open()
        assert (first.result(), stays.result()) == ([2], [8])
        with pytest.raises(Abandoned):
            ask([5], presence=presence)
    assert gate.batches == [[1], [4]]
    assert (ask.waiting, ask._running, dict(ask._queues)) == (0, 0, {})


def test_who_goes_away_while_running_the_batch_of_others_leaves_the_queue_too() -> None:
    gate, presence = Gate(), Presence()
    ask = MicroBatches(gate, waits=Waits(batch_weight=2))
    with ThreadPoolExecutor(1) as pool:
        # Of its own four items two are in the batch that it runs; the others still wait.
        runs = pool.submit(ask, [1, 2, 3, 4], presence=presence)
        assert gate.begun.acquire(timeout=20)
        presence.leave()
        assert not ask._queues
        gate.open()
        with pytest.raises(Abandoned):
            runs.result(20)
    assert gate.batches == [[1, 2]]


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.integers(1, 3))
def test_whoever_stays_is_answered_whoever_goes(leaves: list[bool], workers: int) -> None:
    ask = MicroBatches(Gate(opened=True), waits=Waits(batch_weight=2, workers=workers))
    present = [Presence() for _ in leaves]

    def call(place: int) -> list[int] | None:
        if leaves[place]:
            threading.Thread(target=present[place].leave).start()
        try:
            return ask([place, place], tenant=str(place % 2), presence=present[place])
        except Abandoned:
            return None

    with ThreadPoolExecutor(len(leaves)) as pool:
        found = list(pool.map(call, range(len(leaves))))
    for place, (answer, left) in enumerate(zip(found, leaves, strict=True)):
        assert answer == [2 * place] * 2 or (left and answer is None)
    assert (ask.waiting, ask._running, dict(ask._queues)) == (0, 0, {})
