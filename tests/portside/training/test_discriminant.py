"""Means and scatter of labels add up: rows that come later give the head of all rows at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from portside.training.discriminant import LabelStatistics, linear_discriminant


def test_by_hand() -> None:
    # Label 0 at 0 and 2 on the first axis, label 1 at 5 on the second.
    vectors = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 5.0]], dtype=np.float32)
    found = LabelStatistics.of(vectors, np.array([0, 0, 1]), 2)
    assert found.counts.tolist() == [2.0, 1.0]
    assert found.means.tolist() == [[1.0, 0.0], [0.0, 5.0]]
    assert found.scatter.tolist() == [[2.0, 0.0], [0.0, 0.0]]
    assert found.squares == 29.0
    later = LabelStatistics.of(np.array([[4.0, 0.0], [0.0, 1.0]], dtype=np.float32), np.array([0, 2]), 3)
    both = found.joined(later)
    assert both.counts.tolist() == [3.0, 1.0, 1.0]
    assert both.means.tolist() == [[2.0, 0.0], [0.0, 5.0], [0.0, 1.0]]
    assert both.scatter == pytest.approx(np.array([[8.0, 0.0], [0.0, 0.0]]))


def test_rows_that_are_taken_out_leave_nothing_behind_by_hand() -> None:
    # Label 0 at 0, 2 and 4 on the first axis, label 1 at 5 on the second.
    vectors = np.array([[0.0, 0.0], [2.0, 0.0], [4.0, 0.0], [0.0, 5.0]], dtype=np.float32)
    known = LabelStatistics.of(vectors, np.array([0, 0, 0, 1]), 2)
    left = known.without(LabelStatistics.of(vectors[2:3], np.array([0]), 2))
    assert left.counts.tolist() == [2.0, 1.0]
    assert left.means.tolist() == [[1.0, 0.0], [0.0, 5.0]]
    assert left.scatter.tolist() == [[2.0, 0.0], [0.0, 0.0]]
    assert left.squares == 29.0
    emptied = left.without(LabelStatistics.of(vectors[:2], np.array([0, 0]), 2))
    assert (emptied.counts.tolist(), emptied.means.tolist()) == ([0.0, 1.0], [[0.0, 0.0], [0.0, 5.0]])
    assert emptied.scatter.tolist() == [[0.0, 0.0], [0.0, 0.0]]
    with pytest.raises(ValueError, match="more rows"):
        emptied.without(left)


def test_taking_out_undoes_joining() -> None:
    first, later = (LabelStatistics.of(*rows(count, 3, count), 3) for count in (40, 15))
    left = first.joined(later).without(later)
    for name in ("counts", "means", "scatter", "squares"):
        assert getattr(left, name) == pytest.approx(getattr(first, name), rel=1e-9, abs=1e-9)


def rows(count: int, labels: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, labels, count)
    return (rng.normal(size=(count, 6)) + ids[:, None]).astype(np.float32), ids


def test_rows_that_come_later_give_the_head_of_all_at_once() -> None:
    first, first_ids = rows(40, 3, 0)
    later, later_ids = rows(30, 5, 1)
    joined = LabelStatistics.of(first, first_ids, 3).joined(LabelStatistics.of(later, later_ids, 5))
    weights, bias = joined.head()
    expected = linear_discriminant(np.concatenate([first, later]), np.concatenate([first_ids, later_ids]), 5)
    assert weights == pytest.approx(expected[0], rel=1e-9, abs=1e-9)
    assert bias == pytest.approx(expected[1], rel=1e-9)


def test_a_label_that_gets_no_rows_keeps_its_mean_to_the_last_bit() -> None:
    first, first_ids = rows(40, 3, 0)
    later, _ = rows(7, 1, 1)
    known = LabelStatistics.of(first, first_ids, 3)
    joined = known.joined(LabelStatistics.of(later, np.full(7, 3), 4))
    assert np.array_equal(joined.means[:3], known.means)


def test_they_are_kept_beside_a_model(tmp_path: Path) -> None:
    known = LabelStatistics.of(*rows(40, 3, 0), 3)
    known.save(tmp_path)
    found = LabelStatistics.load(tmp_path)
    assert found is not None
    assert all(np.array_equal(getattr(found, name), getattr(known, name)) for name in ("counts", "means", "scatter"))
    assert found.squares == known.squares
    (tmp_path / "prototypes.safetensors").write_bytes(b"nothing")
    assert LabelStatistics.load(tmp_path) is None
    assert LabelStatistics.load(tmp_path / "elsewhere") is None
