"""Macro-F1 of several labels, and its interval."""

from __future__ import annotations

import numpy as np
import pytest

from portside.evaluation.multilabel import bootstrap_macro_f1


def test_macro_f1_by_hand() -> None:
    truth = np.array([[True, False, False], [True, True, False], [False, True, False]])
    found = np.array([[True, False, False], [True, False, False], [False, True, False]])
    # F1 of 1, of 2/3, and of a label that stands nowhere: 0.
    assert bootstrap_macro_f1(truth, found).value == pytest.approx((1 + 2 / 3) / 3)


def test_a_label_that_is_not_drawn_does_not_count_against_the_model() -> None:
    truth = np.zeros((50, 2), dtype=bool)
    truth[:, 0], truth[7, 1] = True, True
    # Always right: the rare label is missing in a third of the resamples.
    found = bootstrap_macro_f1(truth, truth.copy())
    assert (found.low, found.value, found.high) == (1.0, 1.0, 1.0)


def test_more_texts_narrow_the_interval() -> None:
    random = np.random.default_rng(0)
    truth = random.random((2000, 4)) < 0.3
    found = np.where(random.random((2000, 4)) < 0.1, ~truth, truth)
    few, many = bootstrap_macro_f1(truth[:100], found[:100]), bootstrap_macro_f1(truth, found)
    assert few.low < few.value < few.high
    assert many.high - many.low < (few.high - few.low) / 2
