"""What the benchmark of taggers says of their confidence, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from portside.evaluation.calibration import expected_calibration_error
from tests.benchmarks.tagging import by_chance


def test_few_names_err_by_chance_alone_and_many_hardly_do() -> None:
    confidence = np.full(30, 0.5)
    # Two names a bin, none, one or both of them right: each bin is off by one half, nothing or one half.
    assert by_chance(confidence) == pytest.approx(0.25, abs=0.03)
    assert by_chance(np.full(300_000, 0.5)) < 0.01
    assert by_chance(np.ones(30)) == 0.0
    random = np.random.default_rng(5)
    honest = random.uniform(0.3, 1.0, 700)
    shown = expected_calibration_error(honest, random.random(700) < honest)
    assert shown == pytest.approx(by_chance(honest), abs=0.02)
