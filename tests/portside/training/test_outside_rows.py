"""Rows that none of the labels fits: not trained on, and what is learned from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from portside.data import Dataset
from portside.errors import DataError, PortsideError
from portside.inference.classifier import chances, load_classifier
from portside.inference.outside_gate import FEWEST_OUTSIDE
from portside.records import Example
from portside.registry import ModelRegistry
from portside.tasks.classification import ClassificationRecipe
from portside.training.classification import make_task
from portside.training.material import prepare
from portside.training.seen import load_seen
from tests.portside.training.conftest import Train, make_sentences


def strange(rows: int, *, start: int = 0) -> list[Example]:
    return [Example(f"will it rain on {number} june", "oos") for number in range(start, start + rows)]


def mixed(inside: int, outside: int, *, start: int = 0) -> Dataset:
    examples = [*make_sentences(inside, start=start).examples, *strange(outside, start=start)]
    order = np.random.default_rng(0).permutation(len(examples))
    return Dataset.of([examples[place] for place in order], source="mixed.csv")


def test_they_are_no_label_and_stand_apart() -> None:
    recipe = ClassificationRecipe(outside="oos")
    found = prepare(recipe, mixed(60, 30), mixed(30, 10, start=1_000))
    assert found.labels == ("card", "parcel", "refund")
    assert sorted(found.outside_texts) == sorted(one.text for one in [*strange(30), *strange(10, start=1_000)])
    assert (len(found.texts), len(found.valid_texts)) == (60, 30)
    assert {found.labels[place] for place in found.label_ids} == set(found.labels)
    alone = prepare(recipe, mixed(60, 30), None)
    plain = prepare(
        ClassificationRecipe(), Dataset.of([one for one in mixed(60, 30).examples if one.label != "oos"]), None
    )
    assert (alone.texts, alone.valid_texts) == (plain.texts, plain.valid_texts), "the same split as without them"


def test_without_the_setting_they_are_a_label_like_any_other() -> None:
    assert prepare(ClassificationRecipe(), mixed(60, 30), None).labels == ("card", "oos", "parcel", "refund")


@pytest.mark.parametrize("label", ["oos", "OOS"])
def test_too_few_of_them_are_refused_with_their_number(label: str) -> None:
    with pytest.raises(DataError) as caught:
        prepare(ClassificationRecipe(outside=label), mixed(60, FEWEST_OUTSIDE - 1), None)
    assert f"It takes {FEWEST_OUTSIDE} texts" in str(caught.value)
    assert f"{FEWEST_OUTSIDE - 1 if label == 'oos' else 0} different texts with the label '{label}'" in str(
        caught.value
    )


def test_rows_from_outside_alone_validate_nothing() -> None:
    only = Dataset.of(strange(30), source="valid.csv")
    with pytest.raises(DataError, match="A validation file must have rows"):
        prepare(ClassificationRecipe(outside="oos"), mixed(60, 30), only)


@pytest.mark.parametrize("share", [0.0, 1.0, float("nan")])
def test_a_share_must_be_one(share: float) -> None:
    with pytest.raises(PortsideError, match="outside_share"):
        ClassificationRecipe(outside="oos", outside_share=share)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["full", "few-shot", "prototype"])
def test_a_model_is_less_sure_of_what_it_cannot_answer(train: Train, method: str, registry: ModelRegistry) -> None:
    version = train(mixed(300, 40), method=method, outside="oos", epochs=3 if method != "prototype" else None)
    assert version.card["labels"] == ["card", "parcel", "refund"]
    assert version.card["data"]["outside"] == {"label": "oos", "texts": 40, "share": 0.05}
    model = load_classifier(version)
    assert model.gate is not None
    assert model.gate.reading is not None
    assert model.gate.reading.n == 40
    near, far = make_sentences(90, start=5_000).texts, [one.text for one in strange(90, start=5_000)]
    logits, _ = model.scores([*near, *far])
    told = model.predict([*near, *far])
    assert [one.confidence for one in told] == pytest.approx(chances(logits, model.gate).max(axis=1))
    for one in told:
        assert sum(one.probabilities.values()) <= 1 + 1e-9
        assert one.confidence == max(one.probabilities.values())
    inside = model.gate.inside(logits)
    assert inside[:90].mean() > inside[90:].mean()
    seen = load_seen(version.folder)
    assert seen is not None
    assert not any(seen(one.text) for one in strange(40)), "they were not trained on"


@pytest.mark.slow
def test_the_weights_are_those_of_a_training_without_them(train: Train) -> None:
    from tests.portside.training.conftest import same_weights

    rows = mixed(120, 30)
    plain = Dataset.of([one for one in rows.examples if one.label != "oos"], source="plain.csv")
    assert same_weights(train(rows, outside="oos"), train(plain))


def test_a_task_keeps_their_hash(tmp_path: Path) -> None:
    recipe = ClassificationRecipe(outside="oos")
    one, other = (make_task(recipe, mixed(60, rows)).identity() for rows in (30, 31))
    assert one != other, "a run is resumed with the same rows only"


@pytest.mark.slow
def test_too_few_rows_to_measure_by_are_told_of(train: Train) -> None:
    version = train(mixed(60, 30), outside="oos", epochs=1)
    assert load_classifier(version).gate is None
    assert "from 30 texts that none of them fits it learned nothing: that takes 40 validation rows, not 9" in str(
        version.card["summary"]
    )
