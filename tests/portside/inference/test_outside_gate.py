from __future__ import annotations

import numpy as np
import pytest

from portside.inference.outside_gate import EnergyGate, energy, fit_energy_gate, read_gate


def test_energy_by_hand() -> None:
    # -log(e^0 + e^0), -log(e^3 + e^0) and the same where the exponentials overflow.
    found = energy(np.array([[0.0, 0.0], [3.0, 0.0], [1000.0, 1000.0]], dtype=np.float32))
    assert found == pytest.approx([-np.log(2), -np.log(np.exp(3) + 1), -1000 - np.log(2)])


def test_one_in_twenty_of_the_rows_inside_is_taken_for_outside() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(400, 3)) + np.array([6.0, 0.0, 0.0])
    gate = fit_energy_gate(logits)
    assert gate is not None
    assert gate.false_alarms == pytest.approx(0.05, abs=0.005)
    assert gate.n == 400
    assert gate.outside(np.zeros((2, 3))).all()
    assert not gate.outside(np.array([[9.0, 0.0, 0.0]])).any()


def test_too_few_rows_set_no_threshold() -> None:
    assert fit_energy_gate(np.zeros((39, 2))) is None
    assert fit_energy_gate(np.zeros((40, 2))) is not None


def test_a_gate_comes_back_from_the_options_of_a_model() -> None:
    gate = EnergyGate(-1.5, 0.05, 80)
    assert read_gate(gate.to_options()) == gate


@pytest.mark.parametrize("options", [{}, {"outside": None}, {"outside": {"threshold": "x"}}, {"outside": {}}])
def test_a_model_without_one_tells_nothing_from_outside(options: dict[str, object]) -> None:
    assert read_gate(options) is None
