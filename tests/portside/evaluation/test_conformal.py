from __future__ import annotations

import numpy as np
import pytest

from portside.errors import UsageError
from portside.evaluation.conformal import label_sets, promise_sets

RANDOM = np.random.default_rng(3)


def test_threshold_by_hand() -> None:
    # True labels' probabilities .9, .8, .6, .3: three of (4 + 1) * .6 places are allowed, so from .6 on.
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.7, 0.3]])
    found = promise_sets(probabilities, np.array([0, 0, 0, 1]), coverage=0.6)
    assert (found.threshold, found.size, found.single) == (0.6, 1.0, 1.0)
    # With .75 four are allowed: every label from .3 on, two of them in the third and fourth row.
    wider = promise_sets(probabilities, np.array([0, 0, 0, 1]), coverage=0.75)
    assert (wider.threshold, wider.size, wider.single) == (0.3, 1.5, 0.5)
    assert "1.50 suggestions on average" in wider.sentence


def test_too_few_rows_give_all_labels_and_say_how_many_it_takes() -> None:
    found = promise_sets(np.full((10, 4), 0.25), np.zeros(10, dtype=np.int64), coverage=0.95)
    assert (found.threshold, found.size) == (None, 4.0)
    assert "10 labelled rows are too few, it takes at least 19" in found.sentence
    assert label_sets(np.full((2, 4), 0.25), None).all()


def test_no_set_is_empty() -> None:
    assert label_sets(np.array([[0.4, 0.3, 0.3], [0.9, 0.1, 0.0]]), 0.8).tolist() == [[True, False, False]] * 2


@pytest.mark.parametrize("coverage", [0.0, 1.0, 95.0])
def test_a_coverage_that_is_no_share_is_advice(coverage: float) -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        promise_sets(np.ones((3, 1)), np.zeros(3, dtype=np.int64), coverage=coverage)


@pytest.mark.parametrize("coverage", [0.8, 0.95])
def test_new_texts_are_covered_as_often_as_promised_even_by_a_model_that_boasts(coverage: float) -> None:
    honest = RANDOM.dirichlet(np.full(5, 0.4), 20_000)
    truth = np.array([RANDOM.choice(5, p=row) for row in honest[:6_000]])
    boasting = honest**3 / (honest**3).sum(axis=1, keepdims=True)
    covered = []
    for start in range(0, 3_000, 300):
        given, asked = slice(start, start + 300), slice(3_000 + start, 3_300 + start)
        found = promise_sets(boasting[given], truth[given], coverage=coverage)
        sets = label_sets(boasting[asked], found.threshold)
        covered.append(sets[np.arange(300), truth[asked]].mean())
    assert np.mean(covered) == pytest.approx(coverage, abs=0.02)
