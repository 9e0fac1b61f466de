from __future__ import annotations

from collections import Counter

import pytest

from portside.training.holdout import folds, hold_out, holdout_size


@pytest.mark.parametrize(("rows", "kept"), [(0, 0), (20, 3), (1_000, 150), (2_000, 200), (10_000, 500), (10**6, 2_000)])
def test_how_many_rows_are_kept_aside(rows: int, kept: int) -> None:
    assert holdout_size(rows) == kept


def test_every_label_gives_its_share() -> None:
    labels = [place % 4 for place in range(2_000)]
    train, valid = hold_out([f"text {place}" for place in range(2_000)], labels, seed=1)
    assert sorted(train + valid) == list(range(2_000))
    counts = Counter(labels[place] for place in valid)
    assert all(49 <= counts[label] <= 51 for label in range(4))


@pytest.mark.parametrize("seed", range(5))
def test_tiny_labels_stay_whole_in_training(seed: int) -> None:
    labels = [0] * 100 + [1] * 3 + [2]
    train, valid = hold_out([f"text {place}" for place in range(104)], labels, seed=seed)
    assert {labels[place] for place in valid} == {0}
    assert {100, 101, 102, 103} <= set(train)


def test_two_rows_give_none() -> None:
    assert hold_out(["a", "b"], [0, 1], seed=0) == ([0, 1], [])


def test_a_text_that_is_trained_on_is_not_validated_on() -> None:
    texts = ["Same  text" if place % 2 else "same TEXT" for place in range(100)] + [f"t{n}" for n in range(100)]
    train, valid = hold_out(texts, [0] * 100 + [1] * 100, seed=0)
    assert valid
    assert all(place >= 100 for place in valid)
    assert len(train) + len(valid) == 200


def test_the_seed_decides() -> None:
    texts, labels = [f"text {place}" for place in range(200)], [place % 2 for place in range(200)]
    assert hold_out(texts, labels, seed=3) == hold_out(texts, labels, seed=3)
    assert hold_out(texts, labels, seed=3) != hold_out(texts, labels, seed=4)


def test_folds_ask_every_row_once_and_never_one_that_is_trained_on() -> None:
    texts = [f"text {place}" for place in range(20)]
    parts = folds(texts, [place % 4 for place in range(20)], 3, seed=0)
    assert sorted(place for _, valid in parts for place in valid) == list(range(20))
    assert all(sorted([*train, *valid]) == list(range(20)) for train, valid in parts)
    assert [len(valid) for _, valid in parts] == [7, 7, 6]


def test_folds_leave_lone_labels_and_repeated_texts_in_training() -> None:
    texts, labels = ["a", "b", "c", "A ", "d"], [0, 0, 1, 0, 0]
    parts = folds(texts, labels, 4, seed=0)
    asked = {texts[place] for _, valid in parts for place in valid}
    assert asked == {"b", "d"}
    assert folds(["a", "b"], [0, 1], 3, seed=0) == []
