from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.errors import Busy
from portside.inference.callers import Abandoned, Presence, asked_by
from portside.inference.interfaces import FakeClassifier, FakeEncoder
from portside.inference.micro_batches import Waits
from portside.inference.repeated import LONGEST, Repeated
from portside.inference.shared import BULK, DOCUMENT, IMPORTS, REMEMBERED, Shared, SharedClassifier, SharedEncoder
from portside.records import Prediction

TEXTS = st.sampled_from(["my card", "a parcel", "", "refund me", "card"])


@dataclass
class Version:
    model: str


@given(st.lists(st.lists(TEXTS, max_size=5), min_size=1, max_size=6), st.integers(1, 20))
def test_sharing_and_remembering_change_no_answer(calls: list[list[str]], kept: int) -> None:
    plain = FakeClassifier({"card": "card", "parcel": "parcel"}, ("card", "parcel", "other"))
    shared = SharedClassifier("t", lambda: plain, waits=Waits(workers=2))
    shared.shared._repeated = Repeated(kept)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(shared.predict, calls)) == [plain.predict(call) for call in calls]
    assert len(shared.shared._repeated) <= kept
    assert (shared.labels, shared.model) == (plain.labels, plain.model)


@pytest.mark.parametrize("threads", [1, 3])
def test_no_more_batches_run_side_by_side_than_the_threads_that_were_set(threads: int) -> None:
    at_once: list[int] = []
    running = set[int]()

    def ask(model: Version, texts: list[str]) -> Sequence[str]:
        running.add(threading.get_ident())
        at_once.append(len(running))
        time.sleep(0.05)
        running.discard(threading.get_ident())
        return texts

    one = Version("intents:1")
    shared: Shared[Version, str] = Shared("t", lambda: one, ask, threads=threads)
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda number: shared([f"{number}"]), range(12)))
    assert max(at_once) <= threads


def test_a_version_that_was_compiled_is_asked_anew() -> None:
    first, compiled = Version("intents:1"), Version("intents:1")
    serving, asked = [first], list[Version]()

    def ask(model: Version, texts: list[str]) -> Sequence[str]:
        asked.append(model)
        return texts

    shared: Shared[Version, str] = Shared("t", lambda: serving[-1], ask)
    shared(["a"])
    shared(["a"])
    serving.append(compiled)
    shared(["a"])
    shared(["a"])
    assert [one is compiled for one in asked] == [False, True], "each asked once, then answered from memory"


def test_no_call_mixes_two_versions_and_no_answer_is_another_versions() -> None:
    serving = [Version("intents:1")]

    def ask(model: Version, texts: list[str]) -> Sequence[str]:
        return [f"{model.model} {text}" for text in texts]

    shared: Shared[Version, str] = Shared("t", lambda: serving[-1], ask, waits=Waits(workers=2))
    wrong: list[list[str]] = []

    def call(number: int) -> None:
        if number % 7 == 0:
            serving.append(Version(f"intents:{number}"))
        found = shared(["a", "b", f"{number}", "a"])
        versions = {one.split()[0] for one in found}
        if len(versions) != 1 or [one.split()[1] for one in found] != ["a", "b", f"{number}", "a"]:
            wrong.append(found)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(call, range(400)))
    assert not wrong
    assert shared.waiting == 0


def test_callers_take_turns_and_who_waits_too_long_is_told_so() -> None:
    begun, go_on, batches = threading.Semaphore(0), threading.Event(), list[list[str]]()

    def ask(model: Version, texts: list[str]) -> Sequence[str]:
        batches.append(texts)
        begun.release()
        assert go_on.wait(20)
        return texts

    model = Version("m:1")
    shared: Shared[Version, str] = Shared("t", lambda: model, ask, waits=Waits(workers=1, batch_weight=4))

    def call(who: str, texts: list[str]) -> list[str]:
        with asked_by(who):
            return shared(texts)

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(call, "bulk", ["0"])
        assert begun.acquire(timeout=20)
        many = pool.submit(call, "bulk", ["1", "2", "3", "4"])
        until(lambda: shared.waiting == 2)
        one = pool.submit(call, "a", ["5"])
        until(lambda: shared.waiting == 3)
        with pytest.raises(Busy):
            shared(["6"], timeout=0.01)
        go_on.set()
        assert (first.result(), many.result(), one.result()) == (["0"], ["1", "2", "3", "4"], ["5"])
    assert batches == [["0"], ["1", "5"], ["2", "3"], ["4"]]


def until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.001)


def test_a_text_asked_again_is_not_computed_again() -> None:
    encoder = FakeEncoder(dim=8)
    shared = SharedEncoder("t", lambda: encoder)
    first = shared.encode(["a b", "c", "a b"])
    assert np.array_equal(first, encoder.encode(["a b", "c", "a b"]))
    calls = encoder.calls
    assert np.array_equal(shared.encode(["c", "a b"]), first[[1, 0]])
    assert encoder.calls == calls
    assert (shared.shared.repeats.hits, shared.shared.repeats.misses, shared.shared.repeats.rate) == (2, 2, 0.5)
    assert shared.encode([]).shape == (0, 8)
    encoder.model = "fake-encoder:2"
    shared.encode(["c"])
    assert shared.shared.repeats.misses == 3
    shared.encode(["x" * (LONGEST + 1)] * 2)
    shared.encode(["x" * (LONGEST + 1)])
    assert shared.shared.repeats.misses == 5


@given(st.lists(st.tuples(st.booleans(), st.lists(TEXTS, max_size=5)), min_size=1, max_size=6))
def test_queries_and_documents_are_told_apart_whoever_asks_at_the_same_time(
    calls: list[tuple[bool, list[str]]],
) -> None:
    plain = FakeEncoder(dim=16, query_prefix="query ")
    shared = SharedEncoder("t", lambda: FakeEncoder(dim=16, query_prefix="query "), waits=Waits(workers=2))

    def ask(call: tuple[bool, list[str]]) -> bool:
        looked_for, texts = call
        found = shared.encode_queries(texts) if looked_for else shared.encode(texts)
        return np.array_equal(found, plain.encode_queries(texts) if looked_for else plain.encode(texts))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, calls))
    assert not np.array_equal(shared.encode_queries(["card"]), shared.encode(["card"]))


def test_many_texts_at_once_are_asked_in_even_pieces_and_not_remembered() -> None:
    plain = FakeClassifier({"card": "card"}, ("card", "other"))
    pieces = list[list[str]]()

    @dataclass
    class Noting:
        labels: tuple[str, ...] = plain.labels
        model: str = plain.model

        def predict(self, texts: Sequence[str]) -> list[Prediction]:
            pieces.append(list(texts))
            return plain.predict(texts)

    shared = SharedClassifier("t", Noting)
    texts = [f"{'card ' * (number % 5)}{number}" for number in range(BULK + 1)]
    assert shared.predict(texts) == plain.predict(texts)
    assert shared.shared.repeats.misses == 0
    assert [len(piece) for piece in pieces] == [BULK // 2, BULK // 2 + 1]
    lengths = [len(text) for piece in pieces for text in piece]
    assert lengths == sorted(lengths, reverse=True), "texts of one length share a batch"


class Imports:
    """A model whose imports wait at a gate; what is asked in small calls is answered at once."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Semaphore(0), threading.Event()
        self.pieces: list[str] = []
        self.at_once = self.most = 0
        self.serving = [Version("m:1")]
        self.shared: Shared[Version, str] = Shared("t", lambda: self.serving[-1], self.ask, waits=Waits(workers=2))

    def ask(self, model: Version, texts: list[str]) -> Sequence[str]:
        if len(texts) > REMEMBERED:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            self.pieces.append(texts[0][0])
            self.begun.release()
            assert self.go_on.wait(20)
            self.at_once -= 1
        return [f"{model.model} {text}" for text in texts]

    def call(self, who: str, many: int) -> list[str]:
        return self.shared([f"{who}{number}" for number in range(many)], tenant=who)


def test_imports_take_turns_piece_by_piece_and_hold_up_no_question() -> None:
    one = Imports()
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(one.call, "a", 3 * BULK)
        assert one.begun.acquire(timeout=20)
        second = pool.submit(one.call, "b", 2 * BULK)
        until(lambda: one.shared.waiting == 2)
        one.serving.append(Version("m:2"))
        assert one.call("c", 1) == ["m:2 c0"], "answered while one import runs and another waits"
        one.go_on.set()
        assert first.result() == [f"m:1 a{number}" for number in range(3 * BULK)], "one version, whatever is promoted"
        assert second.result() == [f"m:1 b{number}" for number in range(2 * BULK)]
    assert one.most == 1, "one piece at a time"
    assert one.pieces == ["a", "a", "b", "a", "b"]
    assert one.shared.waiting == 0


def test_an_import_too_many_is_told_to_try_again() -> None:
    one = Imports()
    with ThreadPoolExecutor(IMPORTS) as pool:
        running = [pool.submit(one.call, "a", BULK + 1) for _ in range(IMPORTS)]
        until(lambda: one.shared.waiting == IMPORTS)
        with pytest.raises(Busy, match="Try again"):
            one.call("b", BULK + 1)
        assert one.call("b", 1) == ["m:1 b0"]
        one.go_on.set()
        assert all(len(each.result()) == BULK + 1 for each in running)


def test_an_import_whose_caller_went_away_begins_no_further_piece() -> None:
    one, presence = Imports(), Presence()

    def call() -> list[str]:
        with asked_by("a", presence):
            return one.shared([f"{number}" for number in range(5 * BULK)])

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(call)
        assert one.begun.acquire(timeout=20)
        presence.leave()
        one.go_on.set()
        with pytest.raises(Abandoned):
            asked.result()
    assert len(one.pieces) == 1
    assert one.shared.waiting == 0


@pytest.mark.parametrize("many", [REMEMBERED + 1, BULK + 1])
def test_an_import_does_not_push_repeated_questions_out_of_memory(many: int) -> None:
    encoder = FakeEncoder(dim=8)
    shared = SharedEncoder("t", lambda: encoder)
    shared.shared._repeated = Repeated(REMEMBERED)
    question = shared.encode(["where is my card"])
    passages = [f"passage {number}" for number in range(many)]
    assert np.array_equal(shared.encode(passages), encoder.encode(passages))
    calls = encoder.calls
    assert np.array_equal(shared.encode(["where is my card"]), question)
    assert encoder.calls == calls


def test_a_kept_vector_does_not_keep_its_whole_batch() -> None:
    shared = SharedEncoder("t", FakeEncoder)
    shared.encode(["a", "b"])
    kept = shared.shared._repeated.get(("fake-encoder:1", f"{DOCUMENT}a"))
    assert kept is not None
    assert kept[1].base is None


def test_the_oldest_answer_goes() -> None:
    kept: Repeated[str, int] = Repeated(2)
    kept.put("a", 1)
    kept.put("b", 2)
    assert kept.get("a") == 1
    kept.put("c", 3)
    assert (kept.get("b"), kept.get("a"), kept.get("c"), len(kept)) == (None, 1, 3, 2)
