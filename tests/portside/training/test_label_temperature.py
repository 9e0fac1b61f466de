"""Labels are as sure as validation texts bear out, and stay the same labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from portside.data.multilabel import MultiLabelDataset
from portside.inference.multilabel import load_multilabeller, sigmoid
from portside.progress import NullProgress
from portside.records import MultiLabelled
from portside.registry import ModelRegistry
from portside.tasks.multilabel import truth_of
from portside.training.multilabel import MultiLabelRecipe, make_task
from portside.training.multilabel_adapter import label_temperature, log_odds
from portside.training.run import Order, train_task


@pytest.mark.parametrize("factor", [0.7, 1.0, 2.0])
def test_logits_that_are_too_large_by_a_factor_are_divided_by_it(factor: float) -> None:
    random = np.random.default_rng(4)
    odds = random.normal(-1, 2, (4000, 5))
    truth = random.random(odds.shape) < sigmoid(odds)
    assert label_temperature(sigmoid(factor * odds), truth, 0.5) == pytest.approx(factor, rel=0.1)


def test_too_few_given_labels_teach_nothing() -> None:
    assert label_temperature(np.full((49, 1), 0.9), np.zeros((49, 1), dtype=bool), 0.5) == 1.0


def test_log_odds_undo_the_sigmoid() -> None:
    assert sigmoid(log_odds(np.array([0.2, 0.5, 0.999]))) == pytest.approx([0.2, 0.5, 0.999])
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()


def texts(rows: int, *, start: int = 0) -> MultiLabelDataset:
    """Labels that a word gives away, but for every sixth text: a sure model is wrong there."""
    words = {"card": "card", "parcel": "parcel", "refund": "money"}
    made = []
    for row in range(start, start + rows):
        chosen = tuple(name for place, name in enumerate(words) if (row + 1) >> place & 1)
        text = f"where is my {' and my '.join(words[name] for name in chosen) or 'hat'} {row * 7919 % 1000}"
        made.append(MultiLabelled(text, tuple(words)[row % 3 :][:1] if row % 6 == 5 else chosen))
    return MultiLabelDataset(tuple(made), "t.csv")


@pytest.mark.slow
def test_a_trained_model_gives_the_labels_that_validation_chose_and_says_how_its_probabilities_were_adjusted(
    tiny_encoder: Path, registry: ModelRegistry, tmp_path: Path
) -> None:
    recipe = MultiLabelRecipe(
        encoder=str(tiny_encoder), epochs=3, batch_size=8, encoder_lr=1e-3, head_lr=1e-2, precision="fp32"
    )
    valid = texts(72, start=120)
    order = Order(registry, "topics", tmp_path / "runs", NullProgress(), "ann", "a test")
    version = train_task(recipe, make_task(recipe, texts(120), valid), order)
    temperature, measured = version.card["calibration"]["temperature"], version.card["metrics"]["validation"]
    assert temperature != 1.0
    labeller = load_multilabeller(version)
    assert labeller.threshold == pytest.approx(measured["threshold"])
    found = labeller.probabilities([one.text for one in valid.examples])
    truth, given = truth_of(valid.examples, labeller.labels), found >= labeller.threshold
    assert 2 * (given & truth).sum() / (given.sum() + truth.sum()) == pytest.approx(measured["micro_f1"])
    # As sure as it is right, nearer than without.
    right, after = truth[given].mean(), found[given].mean()
    before = sigmoid(temperature * log_odds(found[given])).mean()
    assert abs(after - right) < abs(before - right)
