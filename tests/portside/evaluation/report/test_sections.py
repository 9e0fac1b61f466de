"""Sections of a report that are there only where the rows allow them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from portside.evaluation.answers import Answers
from portside.evaluation.calibration import expected_calibration_error, measure_calibration
from portside.evaluation.intervals import wilson
from portside.evaluation.report.calibration import reliability_section
from portside.evaluation.report.guarantee import guarantee_section
from portside.evaluation.report.outside import outside_section
from portside.evaluation.report.promises import promise_section
from portside.evaluation.report.rows import rows_section
from portside.evaluation.report.slices import slices_section
from portside.evaluation.scored import OUTSIDE, Scored
from portside.inference.outside_gate import EnergyGate, fit_energy_gate
from portside.said import said

RANDOM = np.random.default_rng(0)


def rows(inside: int, outside: int, *, told_apart: bool = True) -> Scored:
    """Sure of texts from inside; unsure of those from outside where it tells them apart."""
    n = inside + outside
    truth = np.concatenate([RANDOM.integers(0, 3, inside), np.full(outside, OUTSIDE)])
    sure = np.where((truth == OUTSIDE) & told_apart, 0.2, 6.0)
    said = np.where(truth == OUTSIDE, RANDOM.integers(0, 3, n), truth)
    logits = (np.eye(3)[said] * sure[:, None] + 0.1 * RANDOM.normal(size=(n, 3))).astype(np.float32)
    names = tuple(f"text number {place}" for place in range(n))
    return Scored("m:1", "rows", ("a", "b", "c"), names, tuple(range(1, n + 1)), truth, logits, logits)


def test_without_rows_from_outside_there_is_nothing_to_say() -> None:
    assert outside_section(rows(50, 0)) is None


def test_few_rows_from_outside_are_said_to_be_few() -> None:
    found = outside_section(rows(50, 3))
    assert found is not None
    assert "marks no text as unlike what it learned" in found.sentences[0]
    assert "it takes 20" in found.sentences[1]
    assert not found.figures


def test_a_model_that_notices_them_and_one_that_does_not() -> None:
    good, bad = outside_section(rows(200, 60)), outside_section(rows(200, 60, told_apart=False))
    assert good is not None
    assert bad is not None
    assert good.figures[0].value == 1.0
    assert good.figures[0].n == 30, "measured on the half that nothing was fixed on"
    assert bad.figures[0].value < 0.3
    assert bad.figures[2].value < 0.7


def gate(scored: Scored) -> EnergyGate:
    made = fit_energy_gate(scored.at(scored.inside).logits)
    assert made is not None
    return made


def test_the_gate_that_serves_is_told_first() -> None:
    fixed_on, scored = rows(400, 0), rows(200, 60)
    served = gate(fixed_on)
    found = outside_section(replace(scored, gate=served))
    assert found is not None
    alarms, noticed, *possible = found.figures
    taken = served.outside(scored.logits)
    assert noticed.value == taken[200:].mean() == 1.0
    assert (noticed.low, noticed.high) == wilson(60, 60)
    assert alarms.value == taken[:200].mean()
    assert (alarms.low, alarms.high) == wilson(int(taken[:200].sum()), 200)
    assert (noticed.n, alarms.n) == (60, 200), "all rows, none was used to fix it"
    assert [one.name for one in possible][:1] == ["Noticed, threshold fixed on these rows"]
    assert "As it serves, the model takes" in found.sentences[0]
    assert "As it serves, it notices 100.0 % of 60 texts" in found.sentences[1]
    assert "these same rows" not in " ".join(found.sentences)
    few = outside_section(replace(rows(200, 3), gate=served))
    assert few is not None
    assert [one.n for one in few.figures] == [200, 3]


def test_the_chance_that_none_fits_is_told_with_what_comes_of_it() -> None:
    fixed_on, scored = rows(400, 60), rows(200, 60)
    learned = fit_energy_gate(fixed_on.logits[:400], outside=fixed_on.logits[400:], share=60 / 260)
    assert learned is not None
    served = replace(scored, gate=learned)
    found = outside_section(served)
    assert found is not None
    said = " ".join(found.sentences)
    assert "From 60 texts with none of its labels it has learned the chance that none fits" in said
    assert "With the 60 such texts of these rows mixed in (23.1 % of all)" in said or "(23 % of all)" in said
    (error,) = [one for one in found.figures if one.name.startswith("Calibration error")]
    assert error.value == pytest.approx(expected_calibration_error(served.confidence, served.right))
    assert error.value < 0.5 * expected_calibration_error(scored.confidence, scored.right)


def test_of_kept_rows_only_false_alarms_are_told_and_on_what_the_gate_was_fixed() -> None:
    scored = rows(200, 0)
    for by_model, words in ((True, "of other texts it may take more"), (False, "the model itself takes is not shown")):
        found = outside_section(replace(scored, gate=gate(scored)), kept=True, by_model=by_model)
        assert found is not None
        assert [one.name for one in found.figures] == ["False alarms, as it serves"]
        assert found.figures[0].value == gate(scored).false_alarms
        assert "was fixed on these same rows, to take about one in 20 of them" in found.sentences[1]
        assert words in found.sentences[1]
    assert outside_section(rows(50, 0)) is None


def test_every_share_that_stands_at_a_sections_head_has_its_interval() -> None:
    scored = rows(200, 60)
    (wrong,) = guarantee_section(scored).figures
    assert (wrong.value, wrong.n) == (60 / 260, 260)
    assert (wrong.low, wrong.high) == wilson(60, 260)
    seen = set(scored.texts[:3])
    *_, leaked = rows_section(scored, ["a"] * 260, seen.__contains__, "260 rows.").figures
    assert (leaked.value, leaked.low, leaked.high, leaked.n) == (3 / 260, *wilson(3, 260), 260)


def test_answers_to_one_text_count_together_in_the_interval() -> None:
    right, text = np.repeat(np.arange(50) % 5 > 0, 4), np.repeat(np.arange(50), 4)
    (alike,) = promise_section(Answers(np.full(200, 0.9), right, text), said("names")).figures
    (apart,) = promise_section(Answers(np.full(200, 0.9), right, np.arange(200)), said("names")).figures
    assert alike.value == apart.value == 0.2
    assert (alike.low, alike.high) == pytest.approx(wilson(10, 50)), "four that are alike tell no more than one"
    assert (apart.low, apart.high) == pytest.approx(wilson(40, 200))
    assert promise_section(Answers(np.zeros(0), right[:0], text[:0]), said("names")).figures == []


def test_the_risk_curve_has_intervals_at_each_tenth() -> None:
    scored = rows(200, 60)
    (chart,) = guarantee_section(scored).charts
    every, tenths = chart.curves
    # Of more rows than the curve has points, the next point after each tenth is taken.
    assert tenths.x == pytest.approx([tenth / 10 for tenth in range(1, 11)], abs=1 / 200)
    assert [round(260 * share) for share in tenths.x] == tenths.n
    assert (tenths.x[-1], tenths.y[-1]) == (1.0, every.y[-1])
    assert (tenths.low[-1], tenths.high[-1]) == wilson(60, 260)
    assert all(low <= wrong <= high for low, wrong, high in zip(tenths.low, tenths.y, tenths.high, strict=True))
    assert "95 % intervals" in chart.summary


def test_the_risk_curve_of_few_answers_names_each_point_once() -> None:
    (chart,) = promise_section(
        Answers(np.array([0.9, 0.8]), np.array([True, False]), np.arange(2)), said("names")
    ).charts
    assert (chart.curves[1].n, chart.curves[1].y) == ([1, 2], [0.0, 0.5])


def test_the_risk_curve_allows_for_answers_to_one_text() -> None:
    right, text = np.repeat(np.arange(50) % 5 > 0, 4), np.repeat(np.arange(50), 4)
    (alike,) = promise_section(Answers(np.full(200, 0.9), right, text), said("names")).charts
    assert alike.curves[1].n[-1] == 200
    assert (alike.curves[1].low[-1], alike.curves[1].high[-1]) == pytest.approx(wilson(10, 50))


def test_calibration_errors_have_intervals_before_and_after_the_adjustment() -> None:
    random = np.random.default_rng(3)
    claimed, text = random.uniform(0.5, 1.0, 400), np.repeat(np.arange(100), 4)
    right = random.random(400) < claimed
    made = reliability_section(claimed, right, groups=text, before=np.sqrt(claimed), temperature=2.0)
    after, before, _ = made.figures
    assert before.name == "Calibration error before adjustment"
    again = measure_calibration(np.sqrt(claimed), right, groups=text)
    assert (before.value, before.low, before.high, before.n) == (again.error, again.low, again.high, 400)
    assert before.value > after.value, "they were further off"


def test_the_part_that_is_worse_is_named() -> None:
    sound = rows(200, 0)
    broken = sound.logits.copy()
    short = np.arange(200) < 60
    broken[short] = broken[short][:, [1, 2, 0]]
    texts = tuple("hi" if each else "a text of many more words than that" for each in short)
    found = slices_section(Scored("m:1", "rows", sound.labels, texts, sound.rows, sound.truth, broken, sound.features))
    assert found is not None
    assert "short texts" in found.sentences[0]
    clean = slices_section(sound)
    assert clean is not None
    assert "none is worse" in clean.sentences[0]
