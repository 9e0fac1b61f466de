"""``--method auto`` from end to end: the better method is registered, alone, and the card says why."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from portside.data import Dataset
from portside.data.tagged import TaggedDataset
from portside.errors import Cancelled
from portside.progress import NullProgress, RecordingProgress
from portside.records import Example, Tagged
from portside.registry import ModelRegistry, ModelVersion
from portside.tasks.classification import ClassificationRecipe
from portside.tasks.spec import find_task
from portside.training.auto import train_auto
from portside.training.classification_auto import kept_free
from portside.training.run import Order
from tests.portside.training.conftest import make_sentences

pytestmark = pytest.mark.slow

Auto = Callable[..., ModelVersion]


@pytest.fixture
def auto(recipe: ClassificationRecipe, registry: ModelRegistry, tmp_path: Path) -> Auto:
    def run(dataset: Any, *, task: str = "classification", valid: Any = None, **changes: Any) -> ModelVersion:
        spec, resume = find_task(task), changes.pop("resume", False)
        progress, name = changes.pop("progress", NullProgress()), changes.pop("name", "intents")
        order = Order(registry, name, tmp_path / "runs", progress, "ann", "a test", resume=resume)
        known = {key: value for key, value in vars(recipe).items() if key in spec.recipe.__dataclass_fields__}
        return train_auto(spec, spec.recipe(**{**known, **changes}), dataset, order, valid)

    return run


def xor(rows: int) -> Dataset:
    """Rows whose label is whether their two words are the same: no mean of words tells them apart."""
    words = ("card", "parcel")
    texts = [(words[place % 2], words[place // 2 % 2], place) for place in range(rows)]
    examples = [Example(f"{one} {other} {place * 7919 % 97}", str(one == other)) for one, other, place in texts]
    return Dataset.of(examples, source="xor.csv")


def plain(rows: int) -> Dataset:
    """Rows that say hardly anything but their label: any mean of words tells them apart."""
    words = ("card", "parcel", "money")
    examples = [Example(f"{words[row % 3]} " * 6 + str(row * 7919 % 997), words[row % 3]) for row in range(rows)]
    return Dataset.of(examples, source="plain.csv")


def test_prototypes_are_kept_where_nothing_is_better(auto: Auto, registry: ModelRegistry, tmp_path: Path) -> None:
    progress = RecordingProgress()
    version = auto(make_sentences(60), progress=progress)
    said = version.card["auto"]
    assert version.card["method"] == said["chosen"] == "prototype"
    assert said["sentence"].startswith("prototype: few-shot is not significantly better (")
    assert said["sentence"] in " ".join(progress.lines)
    assert [one.ref for one in registry.versions("intents")] == ["intents:1"]
    assert not (tmp_path / "runs" / "intents").exists()


def test_the_dearer_method_is_registered_where_it_is_better(auto: Auto) -> None:
    version = auto(xor(420), epochs=20, encoder_lr=3e-3)
    said = version.card["auto"]
    assert version.card["method"] == said["chosen"] == "full"
    assert said["paired"]["p_better"] < 0.05
    assert said["tried"][1]["accuracy"] > said["tried"][0]["accuracy"]
    assert version.card["data"]["trained_on"] < 420  # some are kept aside


def test_without_time_to_train_prototypes_are_kept(auto: Auto) -> None:
    version = auto(make_sentences(400), budget_seconds=6.0)
    assert version.card["auto"]["sentence"].startswith("prototype: there is no time to train more (")


@pytest.mark.parametrize(
    ("budget", "texts", "text_seconds", "kept"),
    [(600.0, 1_000, 0.005, 30.0), (180.0, 13_000, 0.005, 65.0), (60.0, 100, 0.0, 3.0)],
)
def test_time_is_kept_for_what_is_registered_instead(
    budget: float, texts: int, text_seconds: float, kept: float
) -> None:
    assert kept_free(budget, texts, text_seconds) == pytest.approx(kept)


@dataclass
class Deadline(RecordingProgress):
    """Ends what should have ended long ago: a training that does not look at the clock would go on for days."""

    seconds: float = 0.0
    began: float = field(default_factory=time.monotonic)

    def update(self, done: float, total: float, message: str = "") -> None:
        assert time.monotonic() - self.began < self.seconds, "the budget is not looked at"
        super().update(done, total, message)


@pytest.mark.parametrize(
    ("rows", "rung"),
    [
        pytest.param(plain(630), "full", id="full is tried, prototypes are kept"),
        pytest.param(make_sentences(120), "few-shot", id="few-shot in rounds"),
    ],
)
def test_the_budget_is_kept_by_all_that_is_tried(auto: Auto, rows: Dataset, rung: str) -> None:
    # Reading the encoder and the test in a fresh process take as long as this machine has others to serve.
    auto(make_sentences(60))
    began = time.monotonic()
    auto(make_sentences(3), name="once")
    budget = max(15.0, 5 * (time.monotonic() - began))
    progress = Deadline(seconds=2 * budget)
    version = auto(rows, name="timed", epochs=100_000, encoder_lr=3e-3, budget_seconds=budget, progress=progress)
    took = time.monotonic() - progress.began
    assert took < 1.1 * budget
    assert any(f"Now {rung}" in line for line in progress.lines)
    assert any("budget" in line for line in progress.lines), "the second method was cut short"
    assert version.card["auto"]["paired"] is not None, "and compared with the first"


def test_rows_that_nothing_can_be_measured_by_give_prototypes(auto: Auto) -> None:
    version = auto(make_sentences(3))
    assert version.card["auto"]["sentence"] == "prototype: there are too few rows to compare methods by"


def test_a_recipe_that_only_one_method_knows_is_trained_by_that(auto: Auto) -> None:
    version = auto(make_sentences(60), class_weights=True)
    assert version.card["method"] == "full"
    assert "no other method knows" in version.card["auto"]["sentence"]


def test_interrupted_it_goes_on(auto: Auto, registry: ModelRegistry) -> None:
    with pytest.raises(Cancelled):
        auto(xor(420), epochs=20, encoder_lr=3e-3, progress=RecordingProgress(cancel_at=0.5))
    assert registry.names() == []
    progress = RecordingProgress()
    version = auto(xor(420), epochs=20, encoder_lr=3e-3, resume=True, progress=progress)
    assert version.card["method"] == "full"
    assert any("Resuming from checkpoint-" in line for line in progress.lines)


def test_a_task_with_one_method_says_so(auto: Auto) -> None:
    rows = tuple(Tagged(("where", "is", "my", f"card{n}"), ("O", "O", "O", "B-THING")) for n in range(30))
    version = auto(TaggedDataset(rows, "t.txt"), task="tagging", context=0, consistency=0.0)
    assert version.card["auto"]["sentence"].startswith("full: for tagging there is no cheaper method")
