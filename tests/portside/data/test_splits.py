"""Splits are disjoint, complete and the same for the same seed; groups never cross, time never flows back."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.data import Dataset, Split, split
from portside.data.identity import text_key
from portside.errors import DataError, UsageError
from portside.records import Example

START = datetime(2026, 1, 1, tzinfo=UTC)
fractions = st.sampled_from([(0.9, 0.1), (0.5, 0.5), (0.8, 0.1, 0.1), (0.34, 0.33, 0.33), (0.98, 0.01, 0.01)])
datasets = st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abcd")), min_size=1, max_size=60).map(
    lambda rows: Dataset.of([Example(f"text {number}", label) for number, label in rows])
)


def parts_of(result: Split) -> list[Dataset]:
    return [part for part in (result.train, result.valid, result.test) if part is not None]


def check_whole(dataset: Dataset, parts: list[Dataset]) -> None:
    rows = [row for part in parts for row in part.rows]
    assert sorted(rows) == list(dataset.rows)
    assert all(part.rows == tuple(sorted(part.rows)) for part in parts)
    assert all(len(part) for part in parts)
    for part in parts:
        assert part.examples == tuple(dataset.examples[row - 1] for row in part.rows)
        assert part.labels == tuple(sorted({example.label for example in part.examples}))


@given(dataset=datasets, fractions=fractions, seed=st.integers(0, 99), stratify=st.booleans())
def test_without_groups(dataset: Dataset, fractions: tuple[float, ...], seed: int, stratify: bool) -> None:
    texts = len({text_key(text) for text in dataset.texts})
    if texts < len(fractions):
        with pytest.raises(DataError, match="at least as many"):
            split(dataset, fractions, seed=seed, stratify=stratify)
        return
    parts = parts_of(split(dataset, fractions, seed=seed, stratify=stratify))
    assert len(parts) == len(fractions)
    check_whole(dataset, parts)
    again = parts_of(split(dataset, fractions, seed=seed, stratify=stratify))
    assert [part.rows for part in parts] == [part.rows for part in again]
    keys = [{text_key(text) for text in part.texts} for part in parts]
    assert sum(map(len, keys)) == texts, "no text is on two sides"


@given(dataset=datasets, fractions=fractions, seed=st.integers(0, 99), data=st.data())
def test_groups_never_cross(dataset: Dataset, fractions: tuple[float, ...], seed: int, data: st.DataObject) -> None:
    groups = data.draw(st.lists(st.integers(0, 9), min_size=len(dataset), max_size=len(dataset)))
    if len(set(groups)) < len(fractions):
        with pytest.raises(DataError, match="at least as many"):
            split(dataset, fractions, seed=seed, groups=groups)
        return
    parts = parts_of(split(dataset, fractions, seed=seed, groups=groups))
    check_whole(dataset, parts)
    sides = [{groups[row - 1] for row in part.rows} for part in parts]
    assert sum(map(len, sides)) == len(set(groups))


@given(dataset=datasets, fractions=fractions, data=st.data())
def test_time_never_flows_back(dataset: Dataset, fractions: tuple[float, ...], data: st.DataObject) -> None:
    days = data.draw(st.lists(st.integers(0, 20), min_size=len(dataset), max_size=len(dataset)))
    times = [START + timedelta(days=day) for day in days]
    if len(set(days)) < len(fractions):
        with pytest.raises(DataError, match="at least as many"):
            split(dataset, fractions, seed=0, times=times)
        return
    parts = parts_of(split(dataset, fractions, seed=0, times=times))
    check_whole(dataset, parts)
    for earlier, later in pairwise(parts):
        assert max(times[row - 1] for row in earlier.rows) < min(times[row - 1] for row in later.rows)


@given(
    counts=st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 40), min_size=2),
    fractions=fractions,
    seed=st.integers(0, 99),
)
def test_each_label_is_divided_by_the_fractions(
    counts: dict[str, int], fractions: tuple[float, ...], seed: int
) -> None:
    dataset = Dataset.of([Example(f"{label} {n}", label) for label, count in counts.items() for n in range(count)])
    if len(dataset) < len(fractions):
        return
    parts = parts_of(split(dataset, fractions, seed=seed))
    assert set(parts[0].labels) == set(counts) or len(dataset) < len(counts) + len(fractions) - 1
    for part, fraction in zip(parts, fractions, strict=True):
        # A part is never left empty, and each label's first row is train's: that may cost a row a label.
        assert abs(len(part) - fraction * len(dataset)) <= len(counts) + 1
        held = Counter(example.label for example in part.examples)
        assert all(abs(held[label] - fraction * count) <= 3 for label, count in counts.items())


def test_rare_labels_fill_the_validation_part_together() -> None:
    dataset = Dataset.of([Example(f"{label} {n}", f"label {label}") for label in range(77) for n in range(3)])
    result = split(dataset, (0.9, 0.1), seed=1)
    assert len(result.valid) == 23
    assert len(result.train.labels) == 77


def test_by_hand() -> None:
    dataset = Dataset.of([Example(f"{label}{n}", label) for label in "ab" for n in range(10)])
    result = split(dataset, (0.8, 0.1, 0.1), seed=3)
    assert [Counter(example.label for example in part.examples) for part in parts_of(result)] == [
        {"a": 8, "b": 8},
        {"a": 1, "b": 1},
        {"a": 1, "b": 1},
    ]
    assert split(dataset, (0.8, 0.1, 0.1), seed=4).valid.rows != result.valid.rows


@pytest.mark.parametrize("wrong", [(1.0,), (0.5, 0.6), (1.0, 0.0), (0.9, 0.2, -0.1), (0.25,) * 4, ()])
def test_fractions_that_cannot_be(wrong: tuple[float, ...]) -> None:
    with pytest.raises(UsageError, match="sum to 1"):
        split(Dataset.of([Example("a", "x"), Example("b", "y")]), wrong, seed=0)


def test_groups_and_times_that_do_not_fit() -> None:
    dataset = Dataset.of([Example("a", "x"), Example("b", "y")])
    with pytest.raises(UsageError, match="one group"):
        split(dataset, (0.5, 0.5), seed=0, groups=["only one"])
    with pytest.raises(UsageError, match="not both"):
        split(dataset, (0.5, 0.5), seed=0, groups=[1, 2], times=[START, START])
