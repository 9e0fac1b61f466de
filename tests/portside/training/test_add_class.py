"""A label is added to prototypes without training anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from portside.data import Dataset
from portside.errors import DataError, ModelError, UsageError
from portside.evaluation.held_out import load_held_out
from portside.inference.classifier import load_classifier
from portside.progress import RecordingProgress
from portside.records import Example
from portside.registry import ModelRegistry, ModelVersion
from portside.tasks.classification_network import load_network
from portside.training.add_class import add_class
from portside.training.closed_form import label_statistics
from portside.training.discriminant import LabelStatistics
from portside.training.learned_labels import LearnedLabels
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
def test_a_chance_that_none_fits_is_not_lost_without_a_word(
    train: Train, sentences: Callable[..., Dataset], registry: ModelRegistry
) -> None:
    strange = [Example(f"will it rain on {number} june", "oos") for number in range(30)]
    train(Dataset.of([*sentences(300).examples, *strange]), method="prototype", outside="oos")
    progress = RecordingProgress()
    new = add(registry, Dataset.of(lost(30), "hats.csv"), progress=progress)
    gate = load_classifier(new).gate
    assert gate is not None
    assert gate.reading is None
    assert any("chance that none of the labels fits is left out" in line for line in progress.lines)


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


@pytest.mark.slow
def test_a_label_that_is_split_is_left_by_what_the_new_one_gets(
    train: Train, sentences: Callable[..., Dataset], registry: ModelRegistry
) -> None:
    rows = sentences(120)
    old, progress = train(rows, method="prototype"), RecordingProgress()
    cards = [one.text for one in rows.examples if one.label == "card"]
    split = [Example(text, "lost card") for text in cards[::2]]
    new = add(registry, Dataset.of(split), progress=progress)
    assert new.card["added"]["rows_moved_from"] == {"card": len(split)}
    assert f"{len(split)} rows leave the label card" in " ".join(progress.lines)
    assert new.card["data"]["rows"] == 120
    before = old.card["data"]["rows_per_label"]
    assert new.card["data"]["rows_per_label"] == {
        **before,
        "card": before["card"] - len(split),
        "lost card": len(split),
    }
    labels, after = LearnedLabels.load(new.folder), statistics(new)
    assert labels is not None
    places = [labels[one.text] for one in rows.examples]
    learned = [(one.text, place[0]) for one, place in zip(rows.examples, places, strict=True) if place]
    network, tokens, _ = load_network(new.folder)
    alone = label_statistics(network.eval(), tokens, *zip(*learned, strict=True), 4)  # type: ignore[arg-type]
    assert after.counts.tolist() == alone.counts.tolist()
    assert after.means == pytest.approx(alone.means, abs=1e-5)
    assert after.scatter == pytest.approx(alone.scatter, abs=1e-3)
    seen = load_seen(new.folder)
    assert seen is not None
    assert [seen(one.text) for one in rows.examples] == [bool(place) for place in places]
    # What was split once can be split again: its labels are known too.
    again = add_class(registry, new.ref, Dataset.of([Example(learned[-1][0], "last")]), actor="bea", reason="r")
    assert again.card["added"]["rows_moved_from"] == {new.card["labels"][learned[-1][1]]: 1}


@pytest.mark.slow
def test_where_the_old_label_is_not_known_nothing_is_split(
    train: Train, sentences: Callable[..., Dataset], registry: ModelRegistry
) -> None:
    rows = sentences(60)
    made = train(rows, method="prototype", keep_held_out=False)
    with registry.staging("intents") as folder:
        for path in made.folder.iterdir():
            if path.name not in ("training_labels.safetensors", "manifest.json"):
                (folder / path.name).write_bytes(path.read_bytes())
        registry.register("intents", folder, made.card, actor="a", reason="r", promote=True, check=lambda _: None)
    (learned,) = [one for one in rows.examples if LearnedLabels.load(made.folder)[one.text]][:1]  # type: ignore[index]
    with pytest.raises(UsageError, match="must leave the label that it had") as caught:
        add(registry, Dataset.of([Example(learned.text, "new"), *lost(3)]))
    assert "Leave such texts out, or train again" in str(caught.value)
    new = add(registry, Dataset.of(lost(3)))
    assert new.card["added"]["rows_per_label"] == {"hat": 3}
    assert LearnedLabels.load(new.folder) is None, "it would know of some texts only"


def test_labels_of_texts_by_hand(tmp_path: Path) -> None:
    known = LearnedLabels.of(["Where?", "where? ", "Why?"], [0, 0, 2])
    assert (known["WHERE?"], known["why?"], known["how?"]) == ((0, 0), (2,), ())
    known.changed(["where?", "why?"], ["Why?"], [3]).save(tmp_path)
    found = LearnedLabels.load(tmp_path)
    assert found is not None
    assert (found["where?"], found["why?"]) == ((0,), (3,))
    (tmp_path / "training_labels.safetensors").write_bytes(b"nothing")
    assert LearnedLabels.load(tmp_path) is None


@pytest.mark.slow
def test_the_rows_it_is_measured_by_still_tell_where_they_come_from(
    train: Train, sentences: Callable[..., Dataset], registry: ModelRegistry
) -> None:
    rows = replace(sentences(120), parts={"channel": ("web", "phone") * 60})
    old = load_held_out(train(rows, method="prototype").folder)
    more = replace(Dataset.of(lost(30)), parts={"channel": ("web", "chat") * 15, "country": ("at", "de", "ch") * 10})
    new = load_held_out(add(registry, more).folder)
    assert old is not None
    assert new is not None
    before = len(old.texts)
    assert len(new.texts) > before
    assert new.parts["channel"][:before] == old.parts["channel"]
    assert set(new.parts["country"][:before]) == {""}
    for text, channel, country in list(zip(new.texts, new.parts["channel"], new.parts["country"], strict=True))[
        before:
    ]:
        number = int(text.split()[-1])
        assert (channel, country) == (("web", "chat")[number % 2], ("at", "de", "ch")[number % 3])
    # Whoever adds rows that do not say it keeps what the others say.
    last = load_held_out(add(registry, Dataset.of([Example(f"a red coat {n}", "coat") for n in range(20)])).folder)
    assert last is not None
    assert last.parts["channel"][:before] == old.parts["channel"]
