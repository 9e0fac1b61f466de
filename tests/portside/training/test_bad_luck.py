"""A disk that is full, memory that gives out: advice each time, and a registry that knows nothing of it."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from portside.cli import main
from portside.data import Dataset
from portside.data.matching import MatchingDataset
from portside.data.multilabel import MultiLabelDataset
from portside.data.tagged import TaggedDataset
from portside.data.texts import unique_texts
from portside.errors import ModelError, StorageError
from portside.progress import NullProgress, RecordingProgress
from portside.records import Example, Judged, MultiLabelled, Tagged
from portside.registry import ModelRegistry, ModelVersion
from portside.tasks.classification import ClassificationRecipe
from portside.tasks.matching import MatchingRecipe
from portside.tasks.multilabel import MultiLabelRecipe
from portside.tasks.recipe import TrainingRecipe
from portside.tasks.tagging import TaggingRecipe
from portside.training.adaptation import AdaptationRecipe, AdaptationTask
from portside.training.add_class import add_class
from portside.training.classification import make_task as make_classification
from portside.training.matching import make_task as make_matching
from portside.training.merge import merge_version
from portside.training.multilabel import make_task as make_multilabel
from portside.training.run import Order, Task, train_task
from portside.training.tagging import make_task as make_tagging
from tests.portside.training.conftest import make_sentences, same_weights

pytestmark = pytest.mark.slow

Train = Callable[..., ModelVersion]
Work = tuple[TrainingRecipe, Task]
SHORT: dict[str, Any] = {"epochs": 1, "batch_size": 8, "precision": "fp32"}


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Nothing longer can be written: what a disk that fills up looks like to the one who writes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    ("size", "checkpoint_seconds"),
    [
        pytest.param(5, 1e9, id="no run folder"),
        pytest.param(5_000, 1e9, id="no weights of the version"),
        pytest.param(5_000, 0.0, id="no weights of a checkpoint"),
        pytest.param(100_000, 0.0, id="no optimizer of a checkpoint"),
    ],
)
def test_a_full_disk_is_advice_and_the_training_goes_on_when_there_is_room(
    train: Train, registry: ModelRegistry, tmp_path: Path, size: int, checkpoint_seconds: float
) -> None:
    with largest_file(size), pytest.raises(StorageError, match="disk") as caught:
        train(checkpoint_seconds=checkpoint_seconds)
    assert "--resume" in caught.value.remedy
    assert registry.names() == []
    assert not list((tmp_path / "models").glob("*/*/model.safetensors"))
    assert not list((tmp_path / "models" / ".staging").glob("*"))
    assert train(resume=True).ref == "intents:1"


def tagging(encoder: Path) -> Work:
    sentences = tuple(
        Tagged(("we", "saw", name, f"{row}"), ("O", "O", f"B-{kind}", "O"), row)
        for row in range(20)
        for name, kind in (("Ann", "PER"), ("Paris", "LOC"))
    )
    recipe = TaggingRecipe(encoder=str(encoder), **SHORT)
    return recipe, make_tagging(recipe, TaggedDataset(sentences, "names.txt"))


def several(encoder: Path) -> Work:
    rows = tuple(MultiLabelled(one.text, (one.label,)) for one in make_sentences(48).examples)
    recipe = MultiLabelRecipe(encoder=str(encoder), **SHORT)
    return recipe, make_multilabel(recipe, MultiLabelDataset(rows, "several.csv"))


def matching(encoder: Path, *, further: int = 0) -> Work:
    documents = {one.label: f"the {one.label} is late" for one in make_sentences(3).examples}
    documents |= {f"other {row}": f"late {row}" for row in range(further)}
    queries = {f"q{row}": one.text for row, one in enumerate(make_sentences(48).examples)}
    judged = tuple(Judged(f"q{row}", one.label, 1.0) for row, one in enumerate(make_sentences(48).examples))
    recipe = MatchingRecipe(encoder=str(encoder), **SHORT)
    return recipe, make_matching(recipe, MatchingDataset(documents, queries, judged, "faq.csv"))


def adaptation(encoder: Path) -> Work:
    recipe = AdaptationRecipe(encoder=str(encoder), **SHORT)
    return recipe, AdaptationTask(recipe, unique_texts(make_sentences(48).texts, "texts.txt"))


def prototypes(encoder: Path) -> Work:
    recipe = ClassificationRecipe(method="prototype", encoder=str(encoder))
    return recipe, make_classification(recipe, make_sentences(60))


@pytest.mark.parametrize(
    ("make", "size", "checkpoint_seconds"),
    [
        pytest.param(tagging, 5_000, 1e9, id="tagging, its weights"),
        pytest.param(tagging, 5_000, 0.0, id="tagging, a checkpoint"),
        pytest.param(several, 5_000, 1e9, id="several labels, its weights"),
        pytest.param(several, 100_000, 0.0, id="several labels, a checkpoint"),
        pytest.param(matching, 5_000, 1e9, id="matching, its weights"),
        pytest.param(matching, 5_000, 0.0, id="matching, a checkpoint"),
        pytest.param(partial(matching, further=1_500), 150_000, 1e9, id="matching, its documents' vectors"),
        pytest.param(adaptation, 5_000, 1e9, id="an adapted encoder, its weights"),
        pytest.param(adaptation, 100_000, 0.0, id="an adapted encoder, a checkpoint"),
        pytest.param(prototypes, 5_000, 1e9, id="prototypes"),
    ],
)
def test_a_full_disk_is_advice_whatever_is_trained(
    *,
    registry: ModelRegistry,
    tiny_encoder: Path,
    tmp_path: Path,
    make: Callable[[Path], Work],
    size: int,
    checkpoint_seconds: float,
) -> None:
    order = Order(registry, "made", tmp_path / "runs", NullProgress(), "ann", "a test")
    recipe, task = make(tiny_encoder)
    with largest_file(size), pytest.raises(StorageError, match="disk") as caught:
        train_task(recipe, task, replace(order, checkpoint_seconds=checkpoint_seconds))
    assert "Free some space" in caught.value.remedy
    assert "--resume" in caught.value.remedy
    assert registry.names() == []
    assert not list((tmp_path / "models" / ".staging").glob("*"))
    assert train_task(recipe, task, replace(order, resume=True)).ref == "made:1"


def test_a_full_disk_is_advice_when_a_label_is_added(train: Train, registry: ModelRegistry, tmp_path: Path) -> None:
    old = train(make_sentences(120), method="prototype")
    hats = Dataset.of([Example(f"the lost hat please {number}", "hat") for number in range(30)], "hats.csv")
    # No file of it, not its weights as they are copied, and those with a label more, which are longer.
    for size in (5, 5_000, (old.folder / "model.safetensors").stat().st_size):
        with largest_file(size), pytest.raises(StorageError, match="disk") as caught:
            add_class(registry, "intents", hats, actor="bea", reason="hats")
        assert "Free some space" in caught.value.remedy
        assert [one.ref for one in registry.versions("intents")] == ["intents:1"]
        assert not list((tmp_path / "models" / ".staging").glob("*"))
    assert add_class(registry, "intents", hats, actor="bea", reason="hats").ref == "intents:2"


def test_a_full_disk_is_advice_when_an_adapter_is_merged(train: Train, registry: ModelRegistry, tmp_path: Path) -> None:
    train(method="lora", encoder_lr=ClassificationRecipe().encoder_lr)
    for size in (5, 30_000):
        with largest_file(size), pytest.raises(StorageError, match="disk") as caught:
            merge_version(registry, "intents", actor="bea", reason="whole")
        assert "Free some space" in caught.value.remedy
        assert [one.ref for one in registry.versions("intents")] == ["intents:1"]
        assert not list((tmp_path / "models" / ".staging").glob("*"))


def test_memory_that_gives_out_while_saving_is_advice(train: Train, registry: ModelRegistry, tmp_path: Path) -> None:
    def exhausted(version: ModelVersion) -> dict[str, object]:
        assert (version.folder / "model.safetensors").is_file()
        raise MemoryError

    with pytest.raises(ModelError, match="memory"):
        train(measure=exhausted)
    assert registry.names() == []
    assert not list((tmp_path / "models" / ".staging").glob("*"))
    # The training is over: its run folder still holds what it began with, and the same command does it again.
    assert train(resume=True).ref == "intents:1"


LONG_TRAINING = """
import json, sys
from pathlib import Path
from portside.data import load_examples
from portside.progress import NullProgress
from portside.registry import ModelRegistry
from portside.tasks.classification import ClassificationRecipe
from portside.training.classification import make_task
from portside.training.run import Order, train_task

home, recipe = Path(sys.argv[1]), ClassificationRecipe(**json.loads(sys.argv[2]))
order = Order(
    ModelRegistry(home / "models"), "intents", home / "runs", NullProgress(), actor="ann", reason="a test",
    checkpoint_seconds=float(sys.argv[3]), threads=1,
)
train_task(recipe, make_task(recipe, load_examples(home / "rows.csv")), order)
"""


def killed_at(moment: str, rows: Dataset, recipe: ClassificationRecipe, home: Path, checkpoint_seconds: float) -> None:
    """Train in a process that is killed as soon as there is a file by the name of ``moment``."""
    (home / "rows.csv").write_text("text,label\n" + "".join(f"{one.text},{one.label}\n" for one in rows.examples))
    words = [str(home), json.dumps(asdict(recipe)), str(checkpoint_seconds)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", LONG_TRAINING, *words], env=environment)
    limit = time.monotonic() + 240
    while not list(home.glob(moment)):
        assert process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait(60)


@pytest.mark.parametrize(
    ("moment", "epochs", "checkpoint_seconds"),
    [("runs/intents/checkpoint-*/*", 40, 0.2), ("models/.staging/*/model.safetensors", 2, 1e9)],
    ids=["while a checkpoint is written", "while the version is saved"],
)
def test_a_kill_leaves_a_registry_that_works_and_a_run_that_goes_on(
    *,
    train: Train,
    recipe: ClassificationRecipe,
    sentences: Callable[..., Dataset],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
    epochs: int,
    checkpoint_seconds: float,
) -> None:
    rows = sentences(60)
    killed_at(moment, rows, replace(recipe, epochs=epochs), tmp_path, checkpoint_seconds)
    assert ModelRegistry(tmp_path / "models").names() == []
    monkeypatch.setenv("PORTSIDE_HOME", str(tmp_path))
    with pytest.raises(SystemExit) as caught:
        main(["models", "list"])
    assert not caught.value.code
    progress = RecordingProgress()
    version = train(rows, epochs=epochs, resume=True, progress=progress)
    assert version.ref == "intents:1"
    assert any("Resuming from" in each for each in progress.lines)
    assert not list((tmp_path / "models" / ".staging").glob("*"))


def test_killed_between_two_trainings_whose_weights_are_averaged_it_goes_on_to_the_same(
    train: Train, recipe: ClassificationRecipe, tmp_path: Path
) -> None:
    rows = make_sentences(60)
    killed_at("runs/intents/training-2", rows, replace(recipe, trainings=2), tmp_path, 0.0)
    run = tmp_path / "runs" / "intents"
    steps = max(int(one.name.rpartition("-")[2]) for one in run.glob("training-1/checkpoint-*"))
    progress = RecordingProgress()
    resumed = train(rows, trainings=2, resume=True, threads=1, progress=progress)
    assert progress.lines.count(f"Resuming from checkpoint-{steps}") == 1
    first, second = (progress.lines.index(line) for line in progress.lines if line.startswith("Training "))
    # The first was over: it is read again, not trained again.
    assert not any(line.startswith("step ") for line in progress.lines[first:second])
    assert any(line.startswith(f"step {steps}") for line in progress.lines[second:])
    whole = train(rows, trainings=2, threads=1, name="whole")
    assert resumed.card["training"]["steps"] == whole.card["training"]["steps"] == steps
    assert same_weights(resumed, whole)
