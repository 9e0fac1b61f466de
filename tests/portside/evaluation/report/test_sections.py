"""Sections of a report that are there only where the rows allow them."""

from __future__ import annotations

import numpy as np

from portside.evaluation.report.outside import outside_section
from portside.evaluation.report.slices import slices_section
from portside.evaluation.scored import OUTSIDE, Scored

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
    assert "it takes 20" in found.sentences[0]
    assert not found.figures


def test_a_model_that_notices_them_and_one_that_does_not() -> None:
    good, bad = outside_section(rows(200, 60)), outside_section(rows(200, 60, told_apart=False))
    assert good is not None
    assert bad is not None
    assert good.figures[0].value == 1.0
    assert good.figures[0].n == 30, "measured on the half that nothing was fixed on"
    assert bad.figures[0].value < 0.3
    assert bad.figures[2].value < 0.7


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
