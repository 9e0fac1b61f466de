from __future__ import annotations

from datetime import UTC, datetime

import pytest

from portside.records import Example, Prediction
from portside_support.learning import (
    Utterances,
    fit_temperature,
    measure_threshold,
    show_intents,
    softened,
    with_corrections,
    without_texts,
)
from portside_support.records import Correction, Intent

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def correction(number: int, text: str, intent: str) -> Correction:
    return Correction(number, text, intent, "Ada", NOW)


def told(label: str, confidence: float) -> Prediction:
    return Prediction(label, confidence, {label: confidence}, "m:0")


def test_people_have_the_last_word_on_a_text() -> None:
    examples = [Example("Where is it?", "a"), Example("when open", "b")]
    said = [correction(1, "where  is IT?", "c"), correction(2, "where is it?", "b"), correction(3, "new", "a")]
    assert with_corrections(examples, said) == (
        Example("when open", "b"),
        Example("where is it?", "b"),
        Example("new", "a"),
    )
    assert without_texts(examples, ["WHERE is it?"]) == (Example("when open", "b"),)


def test_what_is_never_answered_only_lowers_the_coverage() -> None:
    examples = [Example("1", "a"), Example("2", "oos"), Example("3", "a"), Example("4", "a")]
    predictions = [told("a", 0.9), told("oos", 0.99), told("oos", 0.9), told("b", 0.6)]
    chosen = measure_threshold(examples, predictions, never_answered={"oos"}, target=0.95, floor=0.5)
    assert (chosen.met, chosen.precision, chosen.coverage, chosen.n, chosen.value) == (True, 1.0, 0.25, 4, 0.75)


def test_intents_are_shown_by_a_sure_right_and_harmless_utterance() -> None:
    train = [Example("my order LM-1 is late", "a"), Example("any parcel yet", "a"), Example("hm", "b")]
    valid = [
        Example("where is the parcel", "a"),
        Example("where  did it go", "a"),
        Example("call me on 0123", "b"),
        Example("one two three", "a"),
    ]
    predictions = [told("a", 0.7), told("a", 0.9), told("b", 0.99), told("b", 0.99)]
    assert show_intents(train, valid, predictions) == [Intent("a", "where did it go", 5), Intent("b", "", 2)]
    assert show_intents(train, [], [])[0] == Intent("a", "any parcel yet", 2)


def test_utterances_have_a_hash_of_texts_and_labels() -> None:
    first = Utterances((Example("x", "a"), Example("y", "b")), "f.csv")
    assert first.labels == ("a", "b")
    assert len(first.content_hash) == 64
    assert first.content_hash != Utterances((Example("x", "b"), Example("y", "a")), "f.csv").content_hash
    assert first.content_hash == Utterances(first.examples, "other.csv").content_hash


def surely(label: str, share: float) -> Prediction:
    return Prediction(label, share, {label: share, "other": 1 - share}, "m:0")


def test_a_temperature_softens_and_keeps_the_label() -> None:
    assert softened(surely("a", 0.9), 1.0) == surely("a", 0.9)
    soft = softened(surely("a", 0.9), 2.0)
    # The square roots of 0.9 and 0.1 are as 3 to 1.
    assert (soft.label, soft.confidence) == ("a", pytest.approx(0.75))
    assert sum(soft.probabilities.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(("said", "right", "means"), [(0.9999, 75, 0.75), (0.7, 90, 0.9), (0.8, 80, 0.8)])
def test_a_fitted_model_is_as_sure_as_it_is_right(said: float, right: int, means: float) -> None:
    examples = [Example("x", "a" if place < right else "other") for place in range(100)]
    predictions = [surely("a", said)] * 100
    fitted = fit_temperature(examples, predictions)
    assert softened(predictions[0], fitted).confidence == pytest.approx(means, abs=0.02)
    assert fit_temperature([], []) == 1.0


def judged(
    right: int, wrong: int, confidence: float = 0.9, *, outside: bool = False
) -> tuple[list[Example], list[Prediction]]:
    """Rows of which ``right`` are predicted rightly and ``wrong`` wrongly, all as sure."""
    examples = [Example(f"text {place}", "a") for place in range(right + wrong)]
    labels = ["a"] * right + ["b"] * wrong
    return examples, [Prediction(label, confidence, {}, "m:1", outside) for label in labels]


@pytest.mark.parametrize(
    ("rows", "certainty", "met"),
    [
        (judged(400, 2), 0.95, True),  # so many, so few mistakes: proved for new questions too
        (judged(400, 19), 0.0, True),  # 95.5 % were right, which 419 rows do not prove
        (judged(60, 0), 0.0, True),  # too few to prove anything
        (judged(400, 40), 0.0, False),
        (judged(400, 0, 0.4), 0.0, False),  # less sure than the floor
        (judged(400, 0, outside=True), 0.0, False),
    ],
)
def test_a_threshold_is_promised_where_the_rows_prove_it(
    rows: tuple[list[Example], list[Prediction]], certainty: float, met: bool
) -> None:
    chosen = measure_threshold(*rows, never_answered=set(), target=0.95, floor=0.5)
    assert (chosen.certainty, chosen.met) == (pytest.approx(certainty), met)
