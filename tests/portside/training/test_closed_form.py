"""Heads that are computed: prototypes from texts, zero-shot from names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from portside.data import Dataset
from portside.errors import DataError, UsageError
from portside.inference.classifier import load_classifier, softmax
from portside.records import Example
from portside.tasks.classification import ClassificationRecipe, words_of_label
from portside.training.closed_form import TEMPERATURES, best_temperature, name_head

Train = Callable[..., object]


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("card_not_working", "card not working"),
        ("cardNotWorking", "card not working"),
        ("Refund-status", "refund status"),
        ("a.b/c:d", "a b c d"),
        ("退款", "退款"),
        ("__", "__"),
    ],
)
def test_labels_are_read_as_words(label: str, words: str) -> None:
    assert words_of_label(label) == words


def test_the_temperature_is_the_one_that_made_the_logits() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 5))
    truth = np.array([rng.choice(5, p=row) for row in softmax(logits)])
    assert best_temperature(3.0 * logits, truth) == pytest.approx(3.0, rel=0.15)
    assert best_temperature(np.zeros((0, 5)), np.zeros(0, dtype=np.int64)) == 1.0
    assert min(TEMPERATURES) <= best_temperature(1e-3 * logits, truth) <= max(TEMPERATURES)


def test_methods_are_checked() -> None:
    with pytest.raises(UsageError, match="prototype"):
        ClassificationRecipe(method="lucky")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="class_weights"):
        ClassificationRecipe(method="prototype", class_weights=True)


def test_a_description_counts_as_much_as_all_sentences_with_the_name() -> None:
    # Two templates, two labels, two dimensions: lengths do not count, directions do.
    named = np.array([[[2.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 5.0]]], dtype=np.float32)
    weights, bias = name_head(named)
    assert weights == pytest.approx(np.array([[1.0, 0.0], [0.0, 1.0]]))
    described = np.array([[0.0, 3.0], [0.0, 0.5]], dtype=np.float32)
    weights, bias = name_head(named, described)
    assert weights == pytest.approx(np.array([[0.5**0.5, 0.5**0.5], [0.0, 1.0]]))
    assert bias.tolist() == [0.0, 0.0]


def test_descriptions_are_for_zero_shot_only() -> None:
    assert ClassificationRecipe(method="zero-shot", descriptions="labels.csv").descriptions == "labels.csv"
    with pytest.raises(UsageError, match="descriptions"):
        ClassificationRecipe(descriptions="labels.csv")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["prototype", "zero-shot", "few-shot"])
def test_a_computed_head_is_registered_like_a_trained_one(
    train: Callable[..., object], sentences: Callable[..., Dataset], method: str
) -> None:
    version = train(sentences(60), method=method)
    card = version.card  # type: ignore[attr-defined]
    assert card["method"] == method
    assert (card["training"]["steps"] == 0) == (method != "few-shot")
    found = load_classifier(version).predict(["where is my parcel 5"])[0]  # type: ignore[arg-type]
    assert sum(found.probabilities.values()) == pytest.approx(1.0)
    if method != "zero-shot":  # one word tells the labels apart, even to random weights
        assert card["metrics"]["validation"]["accuracy"] > 0.8


@pytest.mark.models
@pytest.mark.slow
def test_names_alone_tell_topics_apart(
    train: Callable[..., object], sentences: Callable[..., Dataset], recipe: ClassificationRecipe
) -> None:
    version = train(sentences(60), method="zero-shot", encoder="")
    classifier = load_classifier(version)  # type: ignore[arg-type]
    asked = {
        "my bank card is broken": "card",
        "when does the package arrive": "parcel",
        "give me my money back": "refund",
    }
    assert [one.label for one in classifier.predict(list(asked))] == list(asked.values())


@pytest.mark.models
@pytest.mark.slow
def test_descriptions_tell_labels_apart_whose_names_say_nothing(
    train: Callable[..., object], recipe: ClassificationRecipe, tmp_path: Path
) -> None:
    asked = {"my bank card is broken": "q1", "when does the package arrive": "q2", "give me my money back": "q3"}
    rows = Dataset.of([Example(f"{text} {row}", label) for row in range(20) for text, label in asked.items()])
    meanings = {"q1": "trouble with a payment card", "q2": "delivery of a parcel", "q3": "a refund of money"}
    (tmp_path / "labels.json").write_text(json.dumps(meanings), encoding="utf-8")
    version = train(rows, method="zero-shot", encoder="", descriptions=str(tmp_path / "labels.json"))
    assert version.card["descriptions"] == meanings  # type: ignore[attr-defined]
    found = load_classifier(version).predict(list(asked))  # type: ignore[arg-type]
    assert [one.label for one in found] == list(asked.values())
    unnamed = load_classifier(train(rows, method="zero-shot", encoder="")).predict(list(asked))  # type: ignore[arg-type]
    assert [one.label for one in unnamed] != list(asked.values())


def test_descriptions_of_other_labels_are_refused_before_training(
    train: Callable[..., object], sentences: Callable[..., Dataset], tmp_path: Path
) -> None:
    (tmp_path / "labels.csv").write_text("label,description\ncard,a card\nhat,a hat\n", encoding="utf-8")
    with pytest.raises(DataError, match="unknown: 'hat'; missing: 'parcel', 'refund'"):
        train(sentences(60), method="zero-shot", descriptions=str(tmp_path / "labels.csv"))
