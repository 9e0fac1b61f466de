"""How sure a tagger is of a name, by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from portside.inference.spans import found_spans, named, span_confidence, span_temperature, tempered
from portside.tasks.tags import Span, broken_places

NAMES = ("O", "B-PER", "I-PER")


def rows(*words: tuple[float, float, float]) -> NDArray[np.float64]:
    return np.array(words)


def test_a_name_is_as_sure_as_all_its_words_and_its_end_together() -> None:
    made = rows((0.1, 0.8, 0.1), (0.2, 0.2, 0.6), (0.9, 0.05, 0.05))
    assert found_spans(made, NAMES) == [Span("PER", 0, 2)]
    assert span_confidence(made, Span("PER", 0, 2), NAMES) == pytest.approx(0.8 * 0.6 * 0.95)
    # No word follows: nothing but its own words can be wrong.
    assert span_confidence(made[:2], Span("PER", 0, 2), NAMES) == pytest.approx(0.8 * 0.6)


def test_a_name_that_nothing_opens_gives_way_to_the_likeliest_sequence_that_is_allowed() -> None:
    # Word by word O, I: B, I has 0.4 · 0.6 and O, O has 0.5 · 0.3.
    assert named(rows((0.5, 0.4, 0.1), (0.3, 0.1, 0.6)), NAMES) == ["B-PER", "I-PER"]
    # B, I has 0.05 · 0.6 here, O, O 0.9 · 0.3, and O, B 0.9 · 0.1.
    assert named(rows((0.9, 0.05, 0.05), (0.3, 0.1, 0.6)), NAMES) == ["O", "O"]
    assert named(rows((0.1, 0.2, 0.7)), NAMES) == ["B-PER"]
    assert named(np.zeros((0, 3)), NAMES) == []


@given(st.integers(0, 10_000), st.integers(1, 5))
def test_no_other_sequence_that_is_allowed_is_likelier(seed: int, words: int) -> None:
    tags = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    made = np.random.default_rng(seed).dirichlet(np.full(len(tags), 0.5), words)
    ways = [way for way in product(range(len(tags)), repeat=words) if not broken_places([tags[at] for at in way])]
    best = max(ways, key=lambda way: float(np.log(np.maximum(made[range(words), way], 1e-30)).sum()))
    assert named(made, tags) == [tags[at] for at in best]
    assert named(tempered(made, 2.0), tags) == named(made, tags)


def test_a_temperature_is_one_of_the_logits() -> None:
    logits = np.array([[2.0, 1.0, -1.0]])
    plain = np.exp(logits) / np.exp(logits).sum()
    cooled = np.exp(logits / 2) / np.exp(logits / 2).sum()
    assert tempered(plain, 2.0) == pytest.approx(cooled)
    assert tempered(tempered(plain, 2.0), 0.5) == pytest.approx(plain)


def test_names_that_are_claimed_too_surely_are_cooled_and_too_doubtfully_heated() -> None:
    sure, doubtful = rows((0.02, 0.96, 0.02)), rows((0.3, 0.4, 0.3))
    half_right = [["B-PER"], ["O"]] * 50
    all_right = [["B-PER"]] * 100
    assert span_temperature(half_right, [sure] * 100, NAMES) > 2
    assert span_temperature(all_right, [doubtful] * 100, NAMES) < 1
    assert span_temperature(half_right[:10], [sure] * 10, NAMES) == 1.0, "too few names to tell"
