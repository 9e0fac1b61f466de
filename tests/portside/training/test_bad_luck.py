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
from pathlib import Path

import pytest

from portside.cli import main
from portside.data import Dataset
from portside.data.tagged import TaggedDataset
from portside.errors import ModelError, StorageError
from portside.progress import NullProgress, RecordingProgress
from portside.records import Tagged
from portside.registry import ModelRegistry, ModelVersion
from portside.tasks.classification import ClassificationRecipe
from portside.tasks.tagging import TaggingRecipe
from portside.training.run import Order, train_task
from portside.training.tagging import make_task as make_tagging

pytestmark = pytest.mark.slow

Train = Callable[..., ModelVersion]


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


@pytest.mark.parametrize("checkpoint_seconds", [1e9, 0.0], ids=["of the version", "of a checkpoint"])
def test_a_full_disk_is_advice_for_another_task_too(
    registry: ModelRegistry, tiny_encoder: Path, tmp_path: Path, checkpoint_seconds: float
) -> None:
    sentences = tuple(
        Tagged(("we", "saw", name, f"{row}"), ("O", "O", f"B-{kind}", "O"), row)
        for row in range(20)
        for name, kind in (("Ann", "PER"), ("Paris", "LOC"))
    )
    recipe = TaggingRecipe(encoder=str(tiny_encoder), epochs=1, batch_size=8, precision="fp32")
    order = Order(registry, "names", tmp_path / "runs", NullProgress(), "ann", "a test")
    order = replace(order, checkpoint_seconds=checkpoint_seconds)
    task = make_tagging(recipe, TaggedDataset(sentences, "names.txt"))
    with largest_file(5_000), pytest.raises(StorageError, match="disk"):
        train_task(recipe, task, order)
    assert registry.names() == []
    assert not list((tmp_path / "models" / ".staging").glob("*"))
    assert train_task(recipe, task, replace(order, resume=True)).ref == "names:1"


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
from portside.tasks.tagging import TaggingRecipe
from portside.training.run import Order, train_task
from portside.training.tagging import make_task as make_tagging
from portside.training.classification import make_task
from portside.training.run import Order, train_task

home, recipe = Path(sys.argv[1]), ClassificationRecipe(**json.loads(sys.argv[2]))
order = Order(
    ModelRegistry(home / "models"), "intents", home / "runs", NullProgress(), actor="ann", reason="a test",
    checkpoint_seconds=float(sys.argv[3]),
)
train_task(recipe, make_task(recipe, load_examples(home / "rows.csv")), order)
"""


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
    (tmp_path / "rows.csv").write_text("text,label\n" + "".join(f"{one.text},{one.label}\n" for one in rows.examples))
    words = [
        str(tmp_path),
        json.dumps({**asdict(recipe), "epochs": epochs}),
        str(checkpoint_seconds),
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", LONG_TRAINING, *words], env=environment)
    limit = time.monotonic() + 240
    while not list(tmp_path.glob(moment)):
        assert process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait(60)
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
