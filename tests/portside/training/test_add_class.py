"""A label is added to prototypes without training anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from portside.data import Dataset
from portside.errors import DataError, ModelError, UsageError
from portside.inference.classifier import load_classifier
from portside.progress import RecordingProgress
from portside.records import Example
from portside.registry import ModelRegistry, ModelVersion
from portside.training.add_class import add_class
from portside.training.discriminant import LabelStatistics
from portside.training.seen import load_seen

Train = Callable[..., ModelVersion]


def lost(rows: int) -> list[Example]:
    return [Example(f"the lost hat please {number}", "hat") for number in range(rows)]


def add(registry: ModelRegistry, dataset: Dataset, **given: Any) -> ModelVersion:
    return add_class(registry, "intents", dataset, actor="bea", reason="hats", **given)


def statistics(version: ModelVersion) -> LabelStatistics:
    found = LabelStatistics.load(version.folder)
    assert found is not None
    return found


@pytest.mark.slow
def test_a_new_label_is_given_and_the_others_stay(
    train: Train, sentences: Callable[..., Dataset], registry: ModelRegistry
) -> None:
    old = train(sentences(120), method="prototype")
    new = add(registry, Dataset.of(lost(30), "hats.csv"), promote=True)
    assert (new.ref, new.card["parent"], registry.resolve("intents").ref) == ("intents:2", "intents:1", "intents:2")
    assert new.card["labels"] == ["card", "parcel", "refund", "hat"]
    classifier = load_classifier(new)
    asked = {"the lost hat please 77": "hat", "where is my parcel 5": "parcel", "where is my card 12": "card"}
    assert [one.label for one in classifier.predict(list(asked))] == list(asked.values())
    before, after = load_file(old.folder / "model.safetensors"), load_file(new.folder / "model.safetensors")
    assert before.keys() == after.keys()
    encoder = [name for name in before if not name.startswith("head.")]
    assert encoder
    assert all(np.array_equal(before[name], after[name]) for name in encoder)
    assert np.array_equal(statistics(new).means[:3], statistics(old).means)


@pytest.mark.slow
def test_what_was_added_is_measured_and_told(
    train: Train, sentences: Callable[..., Dataset], registry: ModelRegistry
) -> None:
    old = train(sentences(120), method="prototype")
    new = add(registry, Dataset.of(lost(30), "hats.csv"))
    card = new.card
    assert card["added"]["rows_per_label"] == {"hat": 30}
    assert card["data"]["rows_per_label"] == {**old.card["data"]["rows_per_label"], "hat": 30}
    assert card["data"]["rows"] == 150
    aside = old.validation["n"]
    assert card["metrics"]["validation"]["n"] > aside, "rows of the new label are among those it is measured by"
    assert f"{aside} rows kept with intents:1" in card["data"]["validation"]
    assert statistics(new).counts.sum() == card["data"]["trained_on"] == 150 - card["metrics"]["validation"]["n"]
    seen = load_seen(new.folder)
    assert seen is not None
    assert seen("where is my card 0")
    assert sum(seen(one.text) for one in lost(30)) == statistics(new).counts[3]


@pytest.mark.slow
def test_rows_it_has_already_count_once_and_more_of_a_label_move_its_mean_only(
    train: Train, sentences: Callable[..., Dataset], registry: ModelRegistry
) -> None:
    rows = sentences(120)
    old, progress = train(rows, method="prototype"), RecordingProgress()
    more = [Example(f"my card is late {number}", "card") for number in range(10)]
    new = add(registry, Dataset.of([*rows.examples, *more]), progress=progress)
    assert new.card["added"]["rows_per_label"] == {"card": 10}
    assert new.card["added"]["rows_left_out"] == 120
    assert any("120 of 130 rows are left out" in line for line in progress.lines)
    assert new.card["labels"] == old.card["labels"]
    same = [np.array_equal(*pair) for pair in zip(statistics(new).means, statistics(old).means, strict=True)]
    assert same == [False, True, True]
    with pytest.raises(DataError, match="does not have yet"):
        add(registry, rows)


@pytest.mark.slow
def test_without_rows_to_measure_by_every_new_row_is_learned_from(
    train: Train, sentences: Callable[..., Dataset], registry: ModelRegistry
) -> None:
    old = train(sentences(120), method="prototype", keep_held_out=False)
    new = add(registry, Dataset.of(lost(30)))
    assert new.card["metrics"] == {}
    assert statistics(new).counts[3] == 30
    assert new.card["calibration"] == old.card["calibration"]
    assert load_classifier(new).predict(["the lost hat please 99"])[0].label == "hat"


@pytest.mark.slow
def test_other_versions_are_refused_with_advice(
    train: Train, sentences: Callable[..., Dataset], registry: ModelRegistry, tmp_path: Path
) -> None:
    train(sentences(60), method="zero-shot")
    with pytest.raises(UsageError, match="method zero-shot") as caught:
        add(registry, Dataset.of(lost(3)))
    assert "train classification --method prototype" in str(caught.value)
    # As a version from before the means were kept: the same files without them.
    made = train(sentences(60), method="prototype")
    with registry.staging("intents") as folder:
        for path in made.folder.iterdir():
            if path.name not in ("prototypes.safetensors", "manifest.json"):
                (folder / path.name).write_bytes(path.read_bytes())
        old = registry.register("intents", folder, made.card, actor="a", reason="r", check=lambda _: None)
    with pytest.raises(UsageError, match="before Portside kept them"):
        add_class(registry, old.ref, Dataset.of(lost(3)), actor="bea", reason="hats")


def test_an_encoder_and_rows_without_label_are_refused(
    register_encoder: Callable[[ModelRegistry, str], ModelVersion], registry: ModelRegistry
) -> None:
    register_encoder(registry, "words")
    with pytest.raises(ModelError, match="encoder"):
        add_class(registry, "words", Dataset.of(lost(3)), actor="bea", reason="hats")
