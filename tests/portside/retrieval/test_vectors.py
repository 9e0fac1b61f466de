"""The vector index finds exactly what a table of vectors would, whatever was done to it before."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from numpy.typing import NDArray

from portside.errors import UsageError
from portside.retrieval import vectors as module
from portside.retrieval.finder_choice import Sizes
from portside.retrieval.vectors import VectorIndex

DIM = 3
KEYS = [f"k{number}" for number in range(12)]
numbers = st.integers(-4, 4).map(float)
rows = st.dictionaries(st.sampled_from(KEYS), st.tuples(numbers, numbers, numbers), min_size=0, max_size=8)


def matrix(values: object) -> NDArray[np.float32]:
    return np.array(list(values), dtype=np.float32).reshape(-1, DIM)  # type: ignore[call-overload]


class AgainstBruteForce(RuleBasedStateMachine):
    """Every sequence of writes leaves the index equal to a plain dictionary of vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.index = VectorIndex(DIM)
        self.model: dict[str, tuple[float, float, float]] = {}

    @rule(batch=rows)
    def add(self, batch: dict[str, tuple[float, float, float]]) -> None:
        before = self.index.ids()
        if set(batch) & set(self.model):
            with pytest.raises(UsageError, match="must be new"):
                self.index.add(list(batch), matrix(batch.values()))
            assert self.index.ids() == before
        else:
            self.index.add(list(batch), matrix(batch.values()))
            self.model |= batch

    @rule(batch=rows)
    def update(self, batch: dict[str, tuple[float, float, float]]) -> None:
        self.index.update(list(batch), matrix(batch.values()))
        self.model |= batch

    @rule(keys=st.lists(st.sampled_from([*KEYS, "unknown"]), max_size=6))
    def delete(self, keys: list[str]) -> None:
        assert self.index.delete(keys) == len(set(keys) & set(self.model))
        for key in keys:
            self.model.pop(key, None)

    @rule(query=st.tuples(numbers, numbers, numbers), k=st.integers(1, 15))
    def search(self, query: tuple[float, float, float], k: int) -> None:
        (hits,) = self.index.search(matrix([query]), k)
        true = {key: float(np.dot(vector, query)) for key, vector in self.model.items()}
        assert [hit.score for hit in hits] == sorted(true.values(), reverse=True)[:k]
        assert all(hit.score == true[hit.id] for hit in hits)
        assert len({hit.id for hit in hits}) == len(hits)

    @invariant()
    def holds_what_was_written(self) -> None:
        assert len(self.index) == len(self.model)
        assert set(self.index.ids()) == set(self.model)
        assert all((key in self.index) == (key in self.model) for key in KEYS)
        np.testing.assert_array_equal(self.index.vectors_of(list(self.model)), matrix(self.model.values()))


class AgainstBruteForceInSmallSegments(AgainstBruteForce):
    """The same with segments that are never merged for being small, so that many are searched."""

    def __init__(self) -> None:
        super().__init__()
        self._small = module.SMALL_SEGMENT
        module.SMALL_SEGMENT = 1

    def teardown(self) -> None:
        module.SMALL_SEGMENT = self._small


class AgainstBruteForceSpedUp(AgainstBruteForce):
    """The same while a graph is built of the rows now and then, and all of it comes back from disk."""

    @rule()
    def speed_up(self) -> None:
        self.index.speed_up(sizes=Sizes(flat=2))

    @rule()
    def come_back_from_disk(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.index.save(Path(folder) / "index")
            self.index = VectorIndex.load(Path(folder) / "index")


TestAgainstBruteForce = AgainstBruteForce.TestCase
TestAgainstBruteForceInSmallSegments = AgainstBruteForceInSmallSegments.TestCase
TestAgainstBruteForce.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestAgainstBruteForceInSmallSegments.settings = TestAgainstBruteForce.settings
TestAgainstBruteForceSpedUp = AgainstBruteForceSpedUp.TestCase
TestAgainstBruteForceSpedUp.settings = TestAgainstBruteForce.settings


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), dead=st.integers(0, 500))
def test_deleted_rows_are_never_found(seed: int, dead: int) -> None:
    data = np.random.default_rng(seed).standard_normal((600, 8)).astype(np.float32)
    names = [str(number) for number in range(600)]
    index = VectorIndex(8)
    index.add(names[:400], data[:400])
    index.add(names[400:], data[400:])
    index.delete(names[:dead])
    expected = np.sort(data[dead:] @ data[:5].T, axis=0)[::-1][:10].T
    hits = index.search(data[:5], 10)
    assert all(int(hit.id) >= dead for line in hits for hit in line)
    np.testing.assert_allclose([[hit.score for hit in line] for line in hits], expected, atol=1e-4)


def test_many_single_writes_leave_few_segments() -> None:
    index = VectorIndex(2)
    data = np.random.default_rng(1).standard_normal((5_000, 2)).astype(np.float32)
    index.add([f"start{number}" for number in range(4_000)], data[:4_000])
    for number in range(1_000):
        index.add([str(number)], data[number : number + 1])
    assert len(index.state.segments) <= 3
    assert len(index) == 5_000


@pytest.mark.parametrize(
    ("ids", "vectors", "message"),
    [
        (["a"], np.zeros((1, 3)), "shape"),
        (["a"], np.zeros(2), "shape"),
        (["a", "b"], np.zeros((1, 2)), "one vector"),
        (["a", "a"], np.zeros((2, 2)), "only once"),
        (["a"], np.array([[np.nan, 0.0]]), "finite"),
    ],
)
def test_refuses_what_does_not_fit_and_stays_as_it_was(
    ids: list[str], vectors: NDArray[np.float32], message: str
) -> None:
    index = VectorIndex(2)
    index.add(["there"], np.ones((1, 2), dtype=np.float32))
    for write in (index.add, index.update):
        with pytest.raises(UsageError, match=message):
            write(ids, vectors)
    assert index.ids() == ("there",)


def test_refuses_a_search_for_nothing() -> None:
    index = VectorIndex(2)
    with pytest.raises(UsageError, match="at least 1"):
        index.search(np.zeros((1, 2), dtype=np.float32), 0)
    with pytest.raises(UsageError, match="must be in the index"):
        index.vectors_of(["nobody"])
    assert index.search(np.zeros((0, 2), dtype=np.float32), 3) == []
    assert index.search(np.zeros((2, 2), dtype=np.float32), 3) == [[], []]


def test_comes_back_from_disk_as_it_was(tmp_path: Path) -> None:
    index = VectorIndex(4)
    data = np.random.default_rng(3).standard_normal((50, 4)).astype(np.float32)
    names = [f"id {number} 退款\n" for number in range(50)]
    index.add(names, data)
    index.delete(names[:7])
    index.save(tmp_path / "index")
    again = VectorIndex.load(tmp_path / "index")
    assert again.ids() == index.ids()
    assert again.search(data, 5) == index.search(data, 5)
    empty = VectorIndex(4)
    empty.save(tmp_path / "index")
    assert len(VectorIndex.load(tmp_path / "index")) == 0


def test_readers_see_whole_batches_while_one_writes() -> None:
    """A batch of ten shares one vector: a reader that sees some of a generation must see all ten of it."""
    index = VectorIndex(2)
    names = [str(number) for number in range(10)]
    index.add(names, np.ones((10, 2), dtype=np.float32))
    done = threading.Event()
    torn: list[object] = []

    def read() -> None:
        query = np.array([[1.0, 0.0]], dtype=np.float32)
        while not done.is_set():
            (hits,) = index.search(query, 20)
            if len(hits) != 10 or len({hit.score for hit in hits}) != 1:
                torn.append(hits)

    readers = [threading.Thread(target=read, daemon=True) for _ in range(4)]
    for reader in readers:
        reader.start()
    for generation in range(2, 300):
        index.update(names, np.full((10, 2), float(generation), dtype=np.float32))
    done.set()
    for reader in readers:
        reader.join()
    assert torn == []
