"""A small tagger from training to the names that it shows: what was learned of its confidence goes with it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from portside.commands.tagging import measured
from portside.data.tagged import TaggedDataset
from portside.evaluation.report.making import Asked, report_of
from portside.inference.engines import compile as compiling
from portside.inference.engines.compile import compile_model
from portside.inference.engines.interface import KINDS
from portside.inference.engines.store import place_of
from portside.inference.engines.subjects.tagging import subject
from portside.inference.folder import read_model_file, write_model_file
from portside.inference.name_reading import FEATURES, NameReading, Weights, read_name_reading
from portside.inference.one_answer import load_one_answer
from portside.inference.spans import found_spans
from portside.inference.tagger import FolderTagger, load_tagger
from portside.progress import NullProgress
from portside.records import Tagged
from portside.registry import ModelRegistry, ModelVersion
from portside.tasks.tagging import TaggingRecipe
from portside.training.name_reading import FEWEST
from portside.training.run import Order, train_task
from portside.training.tagging import make_task

TEXTS = ["where is my card 12", "my parcel is late", "money card please"]


def sentences(count: int, *, seed: int) -> TaggedDataset:
    """Names of one word and of four, three in ten of either are none: the words of a long one are right together, which
    the product of their probabilities does not know.
    """
    random = np.random.default_rng(seed)
    made = []
    for row in range(count):
        name = ["parcel", "card", "money", "late"] if random.random() < 0.5 else ["refund"]
        tags = ["O"] * len(name) if random.random() < 0.3 else ["B-THING", *["I-THING"] * (len(name) - 1)]
        words = ("where", "is", "my", *name, str(random.integers(1000)), ".")
        made.append(Tagged(words, ("O", "O", "O", *tags, "O", "O"), row))
    return TaggedDataset(tuple(made), "t.txt")


@pytest.fixture
def train(tiny_encoder: Path, registry: ModelRegistry, tmp_path: Path) -> Callable[..., ModelVersion]:
    def run(valid: int) -> ModelVersion:
        recipe = TaggingRecipe(
            encoder=str(tiny_encoder), epochs=4, precision="fp32", max_tokens=48, context=0, keep_held_out=True
        )
        order = Order(registry, "names", tmp_path / "runs", NullProgress(), "ann", "a test")
        return train_task(recipe, make_task(recipe, sentences(300, seed=0), sentences(valid, seed=1)), order)

    return run


@pytest.mark.slow
def test_a_tagger_shows_names_as_its_validation_sentences_bear_out(train: Callable[..., ModelVersion]) -> None:
    version = train(2 * FEWEST)
    tagger = load_tagger(version)
    reading = tagger.reading
    assert reading.n is not None
    assert reading.n >= FEWEST
    assert reading.weights is not None, "else nothing is shown here"
    assert version.card["calibration"]["names"] == reading.sentence
    assert reading.sentence in measured(version)
    (calibration,) = (one for one in report_of(Asked(version)).sections if one.key == "calibration")
    assert reading.sentence in calibration.sentences
    text = "where is my parcel card money late 5 ."
    (rows,) = tagger.probabilities([text.split()])
    assert [one.confidence for one in tagger.entities([text])[0]] == [
        reading.confidence(rows, span, tagger.tags) for span in found_spans(rows, tagger.tags)
    ]


@pytest.mark.slow
def test_a_tagger_with_few_validation_names_says_that_it_has_its_temperature_alone(
    train: Callable[..., ModelVersion],
) -> None:
    version = train(60)
    reading = load_tagger(version).reading
    assert reading.weights is None
    assert reading.n is not None
    assert reading.n < FEWEST
    assert "too few" in measured(version)


@pytest.fixture
def folders(tmp_path: Path, save_task: Callable[[Path, str], None]) -> tuple[Path, Path]:
    """The same tagger as an earlier release wrote it, and with a reading."""
    plain, read = tmp_path / "plain", tmp_path / "read"
    for folder in (plain, read):
        save_task(folder, "tagging")
    file = read_model_file(read, task="tagging")
    write_model_file(read, replace(file, options={**file.options, **READING.to_options()}))
    return plain, read


READING = NameReading(
    400, 0.5, 0.4, Weights({name: 0.3 + 0.1 * place for place, name in enumerate(FEATURES)}, 1 / 3, {"PER": -0.7})
)


def test_a_reading_changes_how_sure_of_its_names_a_tagger_is_and_never_which_it_finds(
    folders: tuple[Path, Path],
) -> None:
    plain, read = (FolderTagger(folder, model="m:1") for folder in folders)
    assert plain.reading == NameReading()
    assert read.reading == READING, "to the last digit"
    before, after = plain.entities(TEXTS), read.entities(TEXTS)
    assert any(before)
    assert [[replace(one, confidence=0.0) for one in each] for each in before] == [
        [replace(one, confidence=0.0) for one in each] for each in after
    ]
    assert [one.confidence for each in before for one in each] != [one.confidence for each in after for one in each]
    words = [text.split() for text in TEXTS]
    assert plain.tag(words) == read.tag(words)
    assert all(0.0 <= one.confidence <= 1.0 for each in after for one in each)


def test_a_compiled_engine_is_as_sure_of_a_name_as_the_network_is(
    folders: tuple[Path, Path], registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How fast a tiny network is depends on the machine's mood; what is tested is what follows.
    monkeypatch.setattr(compiling, "choose", lambda original, found, rows: found[0] if found else None)
    version = registered(registry, folders[1])
    rows = [Tagged(tuple(text.split()), tuple("O" * len(text.split())), 0) for text in TEXTS * 20]
    expected = load_tagger(version).entities(TEXTS)
    place = place_of(version.folder)
    kinds = [kind for kind in KINDS if kind.name == "onnx-fp32"]
    assert compile_model(subject(version, TaggedDataset(tuple(rows), "t.txt")), place, threads=1, kinds=kinds).record
    tagger = FolderTagger(version.folder, model="m:1", compiled=place, threads=1)
    assert tagger._ready.compiled
    assert tagger.reading == READING
    for found, wanted in zip(tagger.entities(TEXTS), expected, strict=True):
        assert [replace(one, confidence=0.0) for one in found] == [replace(one, confidence=0.0) for one in wanted]
        assert [one.confidence for one in found] == pytest.approx([one.confidence for one in wanted], abs=1e-4)


def registered(registry: ModelRegistry, made: Path) -> ModelVersion:
    with registry.staging("m") as folder:
        shutil.copytree(made, folder, dirs_exist_ok=True)
        return registry.register("m", folder, {"task": "tagging"}, actor="a", reason="r", check=lambda _: None)


def test_behaviour_is_tried_with_the_confidence_that_is_shown(
    folders: tuple[Path, Path], registry: ModelRegistry
) -> None:
    version = registered(registry, folders[1])
    shown = [min((one.confidence for one in each), default=0.0) for each in load_tagger(version).entities(TEXTS)]
    assert [one.confidence for one in load_one_answer(version).predict(TEXTS)] == shown


def test_the_file_of_a_model_holds_the_reading_in_plain_numbers(folders: tuple[Path, Path]) -> None:
    kept = json.loads((folders[1] / "model.json").read_text(encoding="utf-8"))
    assert kept["options"]["names"]["weights"]["types"] == {"PER": -0.7}
    assert read_name_reading(kept["options"]) == READING
