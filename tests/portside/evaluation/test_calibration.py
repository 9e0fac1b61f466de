from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.errors import UsageError
from portside.evaluation.calibration import expected_calibration_error, measure_calibration


def test_error_by_hand() -> None:
    # Two bins of two: .5 and .6 with one right (.55 against .5), .9 and 1.0 with one right (.95 against .5).
    confidence, right = np.array([1.0, 0.5, 0.9, 0.6]), np.array([True, True, False, False])
    assert expected_calibration_error(confidence, right, bins=2) == pytest.approx((0.05 + 0.45) / 2)
    found = measure_calibration(confidence, right, bins=2)
    assert [(one.confidence, one.accuracy, one.n) for one in found.bins] == [
        (pytest.approx(0.55), 0.5, 2),
        (pytest.approx(0.95), 0.5, 2),
    ]
    assert "claims 95 % and is right in 50 % (2 answers)" in found.sentence
    assert found.low <= found.error <= found.high


def test_honest_probabilities_have_a_small_error_and_boastful_ones_a_large() -> None:
    random = np.random.default_rng(0)
    confidence = random.uniform(0.3, 1.0, 20_000)
    right = random.random(20_000) < confidence
    assert expected_calibration_error(confidence, right) < 0.015
    assert expected_calibration_error(confidence**0.25, right) > 0.1


def test_no_rows_are_advice() -> None:
    with pytest.raises(UsageError, match="on rows"):
        measure_calibration(np.array([]), np.array([], dtype=bool))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40), st.randoms())
def test_the_error_is_a_share_and_order_does_not_matter_where_no_two_are_equally_sure(
    rows: list[tuple[float, bool]], random: object
) -> None:
    rows = list(dict(rows).items())
    confidence, right = np.array([one for one, _ in rows]), np.array([one for _, one in rows])
    error = expected_calibration_error(confidence, right)
    assert 0 <= error <= 1
    assert expected_calibration_error(confidence[::-1], right[::-1]) == pytest.approx(error)


def test_answers_that_are_alike_make_the_intervals_as_wide_as_one_of_them_would() -> None:
    random = np.random.default_rng(1)
    confidence = random.uniform(0.5, 1.0, 60)
    right = random.random(60) < confidence
    single = measure_calibration(confidence, right, bins=3)
    many, hits, texts = np.repeat(confidence, 10), np.repeat(right, 10), np.repeat(np.arange(60), 10)
    blind, grouped = (measure_calibration(many, hits, groups=each, bins=3) for each in (None, texts))
    for one, other in zip(grouped.bins, single.bins, strict=True):
        assert (one.low, one.high) == pytest.approx((other.low, other.high))
    assert grouped.high - grouped.low == pytest.approx(single.high - single.low, rel=0.2)
    assert grouped.high - grouped.low > 2 * (blind.high - blind.low)
    apart = measure_calibration(confidence, right, groups=np.arange(60), bins=3)
    assert [one.low for one in apart.bins] == pytest.approx([one.low for one in single.bins])
