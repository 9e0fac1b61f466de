"""What real trainings choose on the rows that they keep, and what the report says of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from portside.data import Dataset
from portside.data.multilabel import MultiLabelDataset
from portside.data.tagged import TaggedDataset
from portside.evaluation.report.making import Asked, report_of
from portside.progress import NullProgress
from portside.records import Example, MultiLabelled, Tagged
from portside.registry import ModelRegistry, ModelVersion
from portside.tasks.classification import ClassificationRecipe
from portside.tasks.multilabel import MultiLabelRecipe
from portside.tasks.recipe import TrainingRecipe
from portside.tasks.tagging import TaggingRecipe
from portside.training import classification, multilabel, tagging
from portside.training.run import Order, Task, train_task

LABELS = ("card", "fee", "parcel")
RECIPE = ClassificationRecipe(epochs=3, batch_size=8, encoder_lr=1e-3, head_lr=1e-2, precision="fp32")


def trained(recipe: TrainingRecipe, task: Task, registry: ModelRegistry) -> ModelVersion:
    return train_task(recipe, task, Order(registry, "m", registry.root / "runs", NullProgress(), "ann", "a test"))


def classifier(registry: ModelRegistry, encoder: Path, *, method: str, epochs: int = 3) -> ModelVersion:
    rows = Dataset.of(
        [Example(f"my {LABELS[n % 3]} {n * 7919 % 1000}", LABELS[n % 3]) for n in range(60)], source="a.csv"
    )
    recipe = replace(RECIPE, encoder=str(encoder), method=method, epochs=epochs)
    return trained(recipe, classification.make_task(recipe, rows, None), registry)


def told(version: ModelVersion) -> str:
    return next(" ".join(one.sentences) for one in report_of(Asked(version)).sections if one.key == "rows")


@pytest.mark.slow
def test_the_best_of_several_passes_is_a_choice_and_a_single_one_is_none(
    registry: ModelRegistry, tiny_encoder: Path
) -> None:
    several = told(classifier(registry, tiny_encoder, method="full"))
    assert "chosen on these same rows, as the best of 3 states" in several
    assert "portside report m:1 --data FILE" in several
    assert "chosen on" not in told(classifier(registry, tiny_encoder, method="full", epochs=1))
    assert "chosen on" not in told(classifier(registry, tiny_encoder, method="prototype"))


@pytest.mark.slow
def test_few_shot_networks_that_measure_by_turns_are_each_chosen_on_their_rows(
    registry: ModelRegistry, tiny_encoder: Path
) -> None:
    version = classifier(registry, tiny_encoder, method="few-shot")
    assert len(version.card["training"]["history"]) > 1
    said = told(version)
    assert "the model itself learned from all rows" in said
    assert "of each of these networks were chosen on the same rows that it answered" in said


@pytest.mark.slow
def test_a_tagger_says_it_of_the_sentences_it_keeps(registry: ModelRegistry, tiny_encoder: Path) -> None:
    sentences = [Tagged(("Ann", "paid", str(n)), ("B-PER", "O", "O"), n // 2) for n in range(60)]
    recipe = TaggingRecipe(encoder=str(tiny_encoder), epochs=3, batch_size=8, precision="fp32")
    version = trained(recipe, tagging.make_task(recipe, TaggedDataset(tuple(sentences), "a.conll"), None), registry)
    assert "chosen on these same rows, as the best of 3 states" in told(version)


PARTS = tuple("chat" if n % 2 else "mail" for n in range(240))


@pytest.mark.slow
@pytest.mark.parametrize("task", ["classification", "few-shot", "multilabel", "tagging"])
def test_the_rows_kept_are_looked_at_by_where_they_come_from(
    task: str, registry: ModelRegistry, tiny_encoder: Path
) -> None:
    sections = report_of(Asked(parted(task, registry, str(tiny_encoder)))).sections
    (table,) = next(one for one in sections if one.key == "slices").tables
    assert {"channel 'chat'", "channel 'mail'"} <= {str(row[0]) for row in table.rows}


def parted(task: str, registry: ModelRegistry, encoder: str) -> ModelVersion:
    """Trained on rows that came by chat and by mail."""
    parts = {"channel": PARTS}
    if task == "tagging":
        sentences = tuple(Tagged(("Ann", "paid", str(n)), ("B-PER", "O", "O"), n // 2) for n in range(len(PARTS)))
        tags = TaggingRecipe(encoder=encoder, epochs=1, batch_size=8, precision="fp32")
        return trained(tags, tagging.make_task(tags, TaggedDataset(sentences, "a.jsonl", (), parts), None), registry)
    words = [(f"my {LABELS[n % 3]} {n * 7919 % 1000}", LABELS[n % 3]) for n in range(len(PARTS))]
    if task == "multilabel":
        several = MultiLabelRecipe(encoder=encoder, epochs=1, batch_size=8, precision="fp32")
        rows = MultiLabelDataset(tuple(MultiLabelled(text, (label,)) for text, label in words), "a.csv", parts=parts)
        return trained(several, multilabel.make_task(several, rows, None), registry)
    recipe = replace(RECIPE, encoder=encoder, epochs=1, method="full" if task == "classification" else task)
    dataset = replace(Dataset.of([Example(*one) for one in words], source="a.csv"), parts=parts)
    return trained(recipe, classification.make_task(recipe, dataset, None), registry)
