"""The linear probe of few-shot training: right where the answer is known by hand."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from portside.data import Dataset
from portside.encoders import hidden_size, load_backbone, resolve_encoder
from portside.errors import Cancelled
from portside.evaluation.report.build import report_on_held_out
from portside.progress import RecordingProgress
from portside.records import Example
from portside.tasks.classification import ClassificationRecipe
from portside.training.classification import MOST_REFITTED, make_task
from portside.training.few_shot import FewShotAdapter, logistic_head
from portside.training.rounds import Trained
from portside.training.seen import load_seen
from tests.portside.training.conftest import Train, make_sentences, same_weights


def clouds(labels: int, rows: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Vectors around one axis for each label."""
    ids = np.repeat(np.arange(labels), rows)
    vectors = np.eye(labels, 8)[ids] + np.random.default_rng(seed).normal(0, 0.1, (len(ids), 8))
    return vectors.astype(np.float32), ids


@pytest.mark.parametrize("labels", [2, 3, 5])
def test_the_probe_tells_clouds_apart(labels: int) -> None:
    vectors, ids = clouds(labels, 6)
    weights, bias = logistic_head(vectors, ids, labels)
    assert (weights.shape, bias.shape) == ((labels, 8), (labels,))
    assert (vectors @ weights.T + bias).argmax(axis=1).tolist() == ids.tolist()


def test_a_label_without_rows_is_never_the_likeliest() -> None:
    vectors, ids = clouds(3, 4)
    weights, bias = logistic_head(vectors, np.where(ids == 2, 3, ids), 4)
    assert 2 not in (vectors @ weights.T + bias).argmax(axis=1)


def few_shot(rows: int = 60) -> dict[str, Any]:
    return {"dataset": make_sentences(rows), "method": "few-shot", "epochs": 3}


@pytest.mark.slow
def test_each_row_measures_and_is_learned_from(train: Train) -> None:
    version = train(**few_shot())
    data, measured = version.card["data"], version.card["metrics"]["validation"]
    assert data["trained_on"] == data["rows"] == 60
    assert measured["n"] == 60  # each once, by one of three networks that had not seen it
    assert "the model was then trained on all rows" in data["validation"]
    training = version.card["training"]
    # Its seconds are those of all four trainings, its speed is that of the last.
    assert training["texts_per_second"] * training["seconds"] > 1.2 * training["steps"] * 8
    assert version.card["training"]["steps"] == 3 * math.ceil((60 + 3) / 8)  # the labels' names are texts too
    seen = load_seen(version.folder)
    assert seen is not None
    assert all(seen(example.text) for example in make_sentences(60).examples)


def test_the_temperature_of_all_rows_does_not_hang_on_what_each_round_was_divided_by(
    recipe: ClassificationRecipe, tiny_encoder: Path
) -> None:
    # The rounds' networks are divided by a temperature of their own, the one that follows is not.
    source = resolve_encoder(str(tiny_encoder))
    task = make_task(replace(recipe, method="few-shot", outside="oos"), with_outside(make_sentences(60), 30))
    one = task.rounds()[0]
    adapter = one.adapter(source)
    assert isinstance(adapter, FewShotAdapter)
    network = adapter.network(load_backbone(source.folder), hidden_size(adapter.tokens.config)).eval()
    found = []
    for divisor in (1.0, 0.4):
        adapter.cool(network, divisor)
        whole = task.everything([Trained(one, SimpleNamespace(network=network), adapter)])  # type: ignore[arg-type]
        assert whole is not None
        found.append(whole.measured)
    first, second = found
    assert first is not None
    assert second is not None
    assert first.temperature == second.temperature
    assert first.held_out.logits == pytest.approx(second.held_out.logits, rel=1e-4, abs=1e-6)
    assert first.outside == pytest.approx(second.outside, rel=1e-4, abs=1e-6)


def with_outside(rows: Dataset, count: int) -> Dataset:
    strange = [Example(f"will it rain on {number} june", "oos") for number in range(count)]
    return Dataset.of([*rows.examples, *strange], source="mixed.csv")


@pytest.mark.slow
@pytest.mark.parametrize(("method", "refit", "trained_on"), [("few-shot", False, 51), ("full", True, 60)])
def test_whether_all_rows_are_learned_from_can_be_said(train: Train, method: str, refit: bool, trained_on: int) -> None:
    version = train(make_sentences(60), method=method, refit=refit)
    data, measured = version.card["data"], version.card["metrics"]["validation"]
    assert data["trained_on"] == trained_on
    assert measured["n"] == (60 if refit else 60 - trained_on)
    assert ("the model was then trained on all rows" in data["validation"]) == refit


@pytest.mark.slow
def test_many_rows_are_measured_by_one_training_where_all_are_learned_from(train: Train) -> None:
    rows = MOST_REFITTED + 1
    version = train(make_sentences(rows), refit=True, epochs=1, batch_size=256)
    data, measured = version.card["data"], version.card["metrics"]["validation"]
    assert data["trained_on"] == rows
    assert 50 < measured["n"] < 300, "about 5 %, not every row"
    assert "by a network that had not learned from them" in data["validation"]
    report = report_on_held_out(version)
    assert "the model itself learned from all rows" in str(report)


@pytest.mark.slow
def test_the_precision_that_was_found_the_faster_is_remembered_for_the_next_training(
    train: Train, tmp_path: Path
) -> None:
    version = train(**few_shot(30), precision="auto")
    remembered = json.loads((tmp_path / "runs" / "precision.json").read_text())
    assert list(remembered.values()) == [version.card["training"]["precision"]]


@pytest.mark.slow
def test_cancelled_in_its_last_training_a_run_goes_on_to_the_same_weights(train: Train, tmp_path: Path) -> None:
    progress = RecordingProgress(cancel_at=0.9)
    with pytest.raises(Cancelled):
        train(**few_shot(), progress=progress)
    assert list((tmp_path / "runs" / "intents" / "all").glob("checkpoint-*"))
    resumed = train(**few_shot(), resume=True)
    assert same_weights(resumed, train(**few_shot(), name="other"))


@pytest.mark.slow
def test_rows_the_user_gave_to_validate_are_never_learned_from(train: Train) -> None:
    version = train(**few_shot(), valid=make_sentences(9, start=100))
    assert version.card["data"]["trained_on"] == 60
    assert "given by the user" in version.card["data"]["validation"]
    assert "all rows" not in version.card["data"]["validation"]
