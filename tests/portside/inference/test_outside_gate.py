from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from portside.inference.classifier import chances, predictions, softmax
from portside.inference.outside_gate import (
    FEWEST_OUTSIDE,
    EnergyGate,
    InsideReading,
    energy,
    fit_energy_gate,
    fit_reading,
    read_gate,
)


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
    learned = replace(gate, reading=InsideReading(-3.0, 1.5, 2.0, -2.2, 0.1, 40))
    assert read_gate(json.loads(json.dumps(learned.to_options()))) == learned


def test_the_options_of_earlier_releases_have_no_reading() -> None:
    assert read_gate({"outside": {"threshold": -1.5, "false_alarms": 0.05, "n": 80}}) == EnergyGate(-1.5, 0.05, 80)
    broken = {"threshold": -1.5, "false_alarms": 0.05, "n": 80, "reading": {"centre": "x"}}
    assert read_gate({"outside": broken}) == EnergyGate(-1.5, 0.05, 80)


def test_a_reading_by_hand() -> None:
    # Log-odds of being from outside: 2 · (score + 3) / 1.5 - 2.
    reading = InsideReading(-3.0, 1.5, 2.0, -2.0, 0.1, 40)
    found = reading.inside(np.array([-3.0, -1.5, 1e9, -1e9]))
    assert found == pytest.approx([1 / (1 + np.exp(-2)), 0.5, 0.0, 1.0])


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_as_many_are_taken_to_be_from_outside_as_was_said(share: float) -> None:
    random = np.random.default_rng(0)
    inside, outside = random.normal(-5, 1, 2_000), random.normal(-3, 1, 200)
    reading = fit_reading(inside, outside, share=share)
    told = (1 - share) * (1 - reading.inside(inside)).mean() + share * (1 - reading.inside(outside)).mean()
    assert told == pytest.approx(share, rel=0.02)
    assert (np.diff(reading.inside(np.linspace(-8, 0, 20))) < 0).all(), "the stranger, the less likely"


def test_the_chance_is_learned_from_enough_texts_only() -> None:
    inside = np.eye(3)[np.arange(60) % 3] * 6.0
    few, enough = np.zeros((FEWEST_OUTSIDE - 1, 3)), np.zeros((FEWEST_OUTSIDE, 3))
    without, learned = (fit_energy_gate(inside, outside=one, share=0.1) for one in (few, enough))
    assert without is not None
    assert learned is not None
    assert without.reading is None
    assert without.inside(few).tolist() == [1.0] * len(few), "as sure as before"
    assert learned.inside(inside).min() > 0.9
    assert learned.inside(enough).max() < 0.5


def test_probabilities_lack_the_chance_that_none_fits() -> None:
    logits = np.array([[4.0, 0.0], [0.0, 0.0]])
    gate = EnergyGate(0.0, 0.05, 80, InsideReading(-2.0, 1.0, 1.5, 0.0, 0.1, 40))
    assert chances(logits, None) == pytest.approx(softmax(logits))
    assert chances(logits, replace(gate, reading=None)) == pytest.approx(softmax(logits))
    assert chances(logits, gate).sum(axis=1) == pytest.approx(gate.inside(logits))
    assert chances(logits, gate).argmax(axis=1).tolist() == softmax(logits).argmax(axis=1).tolist()


def test_what_is_served_says_how_likely_it_is_that_none_fits() -> None:
    logits = np.array([[9.0, 0.0], [0.0, 0.0]])
    gate = EnergyGate(-2.0, 0.05, 80, InsideReading(-2.0, 1.0, 1.5, 0.0, 0.1, 40))
    near, far = predictions(logits, ("a", "b"), gate, model="m:1")
    assert (near.label, near.outside, far.outside) == ("a", False, True)
    assert [near.none_fits, far.none_fits] == pytest.approx((1 - gate.inside(logits)).tolist())
    assert near.none_fits < 0.01
    assert far.none_fits > 0.5
    assert [one.none_fits for one in predictions(logits, ("a", "b"), None, model="m:1")] == pytest.approx([0, 0])


@pytest.mark.parametrize("options", [{}, {"outside": None}, {"outside": {"threshold": "x"}}, {"outside": {}}])
def test_a_model_without_one_tells_nothing_from_outside(options: dict[str, object]) -> None:
    assert read_gate(options) is None
