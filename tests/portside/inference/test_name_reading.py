"""How a name's confidence is read, by hand; no network."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.inference.name_reading import (
    FEATURES,
    NameReading,
    Weights,
    features_of,
    names_in,
    read_name_reading,
)
from portside.inference.spans import span_confidence, span_parts
from portside.tasks.tags import Span

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
ANN_LEE = np.array(
    [
        [0.1, 0.8, 0.1, 0.0, 0.0],
        [0.2, 0.2, 0.6, 0.0, 0.0],
        [0.9, 0.05, 0.05, 0.0, 0.0],
    ]
)
"""Two words of a person, and one after them."""
SPAN = Span("PER", 0, 2)
PLAIN = {name: float(name == "odds") for name in FEATURES}


def log_odds(chance: float) -> float:
    return math.log(chance / (1 - chance))


def reading(*, slopes: dict[str, float], intercept: float = 0.0, types: dict[str, float] | None = None) -> NameReading:
    return NameReading(400, 0.5, 0.4, Weights(PLAIN | slopes, intercept, types or {}))


def test_what_is_read_of_a_name_by_hand() -> None:
    assert span_parts(ANN_LEE, SPAN, TAGS) == pytest.approx([0.8, 0.6, 0.95])
    assert span_parts(ANN_LEE[:2], SPAN, TAGS) == pytest.approx([0.8, 0.6]), "no word follows"
    found = dict(zip(FEATURES, features_of(ANN_LEE, SPAN, TAGS), strict=True))
    assert found == pytest.approx(
        {
            "odds": log_odds(0.8 * 0.6 * 0.95),
            "weakest": log_odds(0.6),
            "words": math.log(2),
            "repaired": 0.0,
            "doubt": -(math.log(0.8) + math.log(0.6) + math.log(0.9)) / 3,
        }
    )
    # O, I word by word; the sequence that is allowed begins with B.
    mended = np.array([[0.5, 0.4, 0.1, 0.0, 0.0], [0.3, 0.1, 0.6, 0.0, 0.0]])
    assert features_of(mended, SPAN, TAGS)[FEATURES.index("repaired")] == 1.0


def test_certainty_beyond_measure_stays_a_number() -> None:
    sure = np.array([[0.0, 1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0]])
    assert np.isfinite(features_of(sure, Span("PER", 0, 1), TAGS)).all()
    assert np.isfinite(features_of(1 - sure, Span("PER", 0, 1), TAGS)).all()


def test_a_name_read_by_hand() -> None:
    product = 0.8 * 0.6 * 0.95
    assert NameReading().confidence(ANN_LEE, SPAN, TAGS) == span_confidence(ANN_LEE, SPAN, TAGS)
    assert reading(slopes={}).confidence(ANN_LEE, SPAN, TAGS) == pytest.approx(product), "as its words are together"
    made = reading(slopes={"odds": 0.5, "words": 1.0}, intercept=-0.1, types={"PER": 0.3, "LOC": 9.0})
    odds = 0.5 * log_odds(product) + math.log(2) - 0.1 + 0.3
    assert made.confidence(ANN_LEE, SPAN, TAGS) == pytest.approx(1 / (1 + math.exp(-odds)))


def test_a_name_of_a_type_that_was_never_found_gets_nothing_from_its_type() -> None:
    one, other = reading(slopes={}, types={"LOC": 2.0}), reading(slopes={})
    assert one.confidence(ANN_LEE, SPAN, TAGS) == other.confidence(ANN_LEE, SPAN, TAGS)


@given(st.integers(0, 10_000), st.floats(0.0, 3.0), st.floats(0.0, 3.0))
def test_what_is_read_never_falls_with_the_confidence(seed: int, odds: float, weakest: float) -> None:
    weights = Weights(PLAIN | {"odds": odds, "weakest": weakest, "words": -1.0}, 0.2, {"PER": 0.1})
    others = np.random.default_rng(seed).normal(size=len(FEATURES))
    rising = np.repeat(others[None], 20, axis=0)
    for name in ("odds", "weakest"):
        rising[:, FEATURES.index(name)] = np.linspace(-14, 14, 20)
        assert (np.diff(weights.chances(rising, ["PER"] * 20)) >= 0).all()


def test_names_with_whether_they_are_right() -> None:
    found = names_in([["B-PER", "I-PER", "O"], ["O", "O"]], [ANN_LEE, ANN_LEE[:2]], TAGS)
    assert (list(found.right), list(found.sentence), list(found.types)) == ([True, False], [0, 1], ["PER", "PER"])
    assert found.confidence == pytest.approx([0.8 * 0.6 * 0.95, 0.8 * 0.6])
    assert found.features.shape == (2, len(FEATURES))
    some = found.at(np.array([False, True]))
    assert (len(some), list(some.sentence)) == (1, [1])
    none = names_in([["O"]], [np.array([[1.0, 0.0, 0.0, 0.0, 0.0]])], TAGS)
    assert (len(none), none.features.shape) == (0, (0, len(FEATURES)))


@given(st.lists(st.floats(-20, 20), min_size=len(FEATURES) + 3, max_size=len(FEATURES) + 3))
def test_a_reading_is_kept_to_the_last_digit(numbers: list[float]) -> None:
    slopes = dict(zip(FEATURES, numbers, strict=False))
    intercept, person, place = numbers[len(FEATURES) :]
    made = NameReading(731, 0.51, 0.49, Weights(slopes, intercept, {"PER": person, "LOC": place}))
    again = read_name_reading(json.loads(json.dumps(made.to_options())))
    assert again == made
    assert again.confidence(ANN_LEE, SPAN, TAGS) == made.confidence(ANN_LEE, SPAN, TAGS)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"names": None},
        {"names": {"n": 3}},
        {"names": {"n": 300, "before": 0.5, "after": 0.4, "weights": {"slopes": {"odds": 1.0}}}},
        NameReading().to_options(),
    ],
    ids=["older", "nothing", "part", "other features", "not known"],
)
def test_models_without_a_reading_are_read_as_their_words_are(options: dict[str, object]) -> None:
    assert read_name_reading(options) == NameReading()


def test_a_reading_that_fell_back_says_so_and_is_kept_as_such() -> None:
    few, useless, used = NameReading(30), NameReading(300, 0.4, 0.5), reading(slopes={})
    for one in (few, useless, used):
        assert read_name_reading(json.loads(json.dumps(one.to_options()))) == one
    assert "30 names in the validation sentences are too few" in few.sentence
    assert "300 names in the validation sentences did not help" in useless.sentence
    assert "as learned from 400 names" in used.sentence
    assert NameReading().sentence == ""
