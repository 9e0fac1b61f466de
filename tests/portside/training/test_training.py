"""The contract of a training: what is registered; that it repeats, resumes, and gives up in good order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from portside.data import Dataset
from portside.errors import Cancelled, DataError, ModelError, UsageError
from portside.evaluation.classification import evaluate_classifier
from portside.inference.classifier import load_classifier
from portside.progress import NullProgress, RecordingProgress
from portside.records import Example
from portside.registry import ModelRegistry, ModelVersion
from portside.tasks.classification import ClassificationRecipe
from portside.training.reload import ReloadCheck
from tests.portside.training.conftest import same_weights

pytestmark = pytest.mark.slow

Train = Callable[..., ModelVersion]
Sentences = Callable[..., Dataset]


def test_a_trained_version_holds_what_it_should(train: Train, sentences: Sentences, tmp_path: Path) -> None:
    progress = RecordingProgress()
    version = train(sentences(90), epochs=10, progress=progress)
    assert version.ref == "intents:1"
    card = version.card
    assert card["labels"] == ["card", "parcel", "refund"]
    assert card["data"]["content_hash"] == sentences(90).content_hash
    assert card["recipe"]["epochs"] == 10
    assert card["metrics"]["validation"]["n"] + card["data"]["trained_on"] == 90
    assert card["training"]["stopped"] == "finished"
    assert card["versions"]["torch"]
    assert not [path for path in version.folder.rglob("*") if path.suffix in (".bin", ".pt", ".pth", ".pkl")]
    assert not (tmp_path / "runs" / "intents").exists()
    report = evaluate_classifier(load_classifier(version), sentences(30, start=500))
    assert report.accuracy > 0.9
    assert progress.updates[-1][0] == progress.updates[-1][1]
    assert any("Registered intents:1" in line for line in progress.lines)


def test_the_same_seed_gives_the_same_weights(train: Train) -> None:
    first, second, other = train(seed=4), train(seed=4), train(seed=5)
    assert same_weights(first, second)
    assert not same_weights(first, other)


def test_a_cancelled_training_registers_nothing_and_resumes_to_the_same_weights(
    train: Train, registry: ModelRegistry
) -> None:
    with pytest.raises(Cancelled):
        train(progress=RecordingProgress(cancel_at=0.4))
    assert registry.names() == []
    progress = RecordingProgress()
    resumed = train(progress=progress, resume=True)
    assert any("Resuming from checkpoint-" in line for line in progress.lines)
    assert progress.updates[2][0] > 1
    assert same_weights(resumed, train(name="other"))


def test_a_training_that_was_cancelled_at_its_last_step_resumes(train: Train) -> None:
    with pytest.raises(Cancelled):
        train(progress=RecordingProgress(cancel_at=1.0))
    assert train(resume=True).ref == "intents:1"


def test_a_resumed_training_must_be_the_same(train: Train, sentences: Sentences) -> None:
    with pytest.raises(Cancelled):
        train(progress=RecordingProgress(cancel_at=0.4))
    with pytest.raises(UsageError, match=r"seed \(0 then, 1 now\), the training data"):
        train(sentences(63), seed=1, resume=True)


def gradients(train: Train, sentences: Sentences, changes: Mapping[str, Any], rows: int = 32) -> dict[str, Any]:
    """The gradients of the first update over so many rows, without dropout and clipping."""
    from transformers import TrainerCallback

    from portside.training.watch import Watch

    found: dict[str, Any] = {}

    class Catch(TrainerCallback):
        def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
            if not found:
                found.update({name: value.grad.clone() for name, value in model.named_parameters()})

    catching, following = Catch.on_pre_optimizer_step, Watch.on_pre_optimizer_step
    Watch.on_pre_optimizer_step = catching
    try:
        valid = sentences(6, start=100)
        train(sentences(rows), valid=valid, epochs=1, batch_size=32, dropout=0.0, max_grad_norm=1e9, **changes)
    finally:
        Watch.on_pre_optimizer_step = following
    return found


# Of 26 rows the last part holds two: it must not count as much as one of eight.
@pytest.mark.parametrize(("class_weights", "rows"), [(False, 32), (True, 32), (False, 26)])
def test_accumulated_gradients_are_those_of_the_whole_batch(
    train: Train, sentences: Sentences, class_weights: bool, rows: int
) -> None:
    whole = gradients(train, sentences, {"class_weights": class_weights}, rows)
    parts = gradients(train, sentences, {"class_weights": class_weights, "micro_batch_size": 8}, rows)
    assert whole.keys() == parts.keys()
    for name, value in whole.items():
        scale = float(value.abs().max()) + 1e-6
        assert float((parts[name] - value).abs().max()) < 1e-3 * scale, name


def test_a_model_that_does_not_reload_is_not_registered(train: Train, tmp_path: Path) -> None:
    class Tampering(ModelRegistry):
        def register(self, name: str, staging: Path, *rest: Any, **named: Any) -> ModelVersion:
            changed = dict(load_file(staging / "model.safetensors"))
            changed["head.bias"] = changed["head.bias"] + np.float32([0.01, 0, 0])
            save_file(changed, staging / "model.safetensors")
            return super().register(name, staging, *rest, **named)

    registry = Tampering(tmp_path / "tampered")
    with pytest.raises(ModelError, match="probabilities differ by"):
        train(registry=registry)
    assert registry.names() == []
    assert not list((tmp_path / "tampered").glob("*/1"))


def test_the_reload_check_reports_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    with ReloadCheck() as check, pytest.raises(ModelError, match=r"model\.json"):
        check.compare(tmp_path, ["a"], ["x", "y"], np.zeros((1, 2)))


def test_memory_that_gives_out_is_advice(train: Train, registry: ModelRegistry) -> None:
    class Exhausted(NullProgress):
        def update(self, done: float, total: float, message: str = "") -> None:
            if done >= 3:
                raise MemoryError

    with pytest.raises(ModelError, match="micro_batch_size to 4 or lower"):
        train(progress=Exhausted())
    assert registry.names() == []


def test_validation_labels_must_be_known(train: Train) -> None:
    valid = Dataset.of([Example("my card", "card"), Example("x", "unheard of")], source="valid.csv")
    with pytest.raises(DataError, match=r"valid\.csv, row 2.*unheard of"):
        train(valid=valid)


def test_two_rows_are_enough_to_train(train: Train) -> None:
    version = train(Dataset.of([Example("my card", "a"), Example("my money", "b")]))
    assert version.card["metrics"] == {}
    assert version.card["data"]["validation"].startswith("none")


def test_texts_that_were_cut_are_counted(train: Train, sentences: Sentences) -> None:
    long = Example("card " * 50, "card")
    version = train(Dataset.of([*sentences(30).examples, long]), valid=sentences(6, start=50), max_tokens=20)
    assert version.card["data"]["longer_than_limit"] == 1


def test_a_loss_that_is_no_number_is_advice(train: Train, registry: ModelRegistry) -> None:
    with pytest.raises(ModelError, match="lower learning rates"):
        train(head_lr=1e30, encoder_lr=1e30, max_grad_norm=1e30, epochs=3)
    assert registry.names() == []


def test_a_budget_is_kept(train: Train) -> None:
    train()  # imports and measures: the budget is of a process that is warm
    progress, began = RecordingProgress(), time.monotonic()
    version = train(name="timed", epochs=100_000, budget_seconds=25.0, progress=progress)
    took = time.monotonic() - began
    assert 12.0 < took < 27.5
    assert any("budget allows" in line for line in progress.lines)
    assert version.card["training"]["planned_steps"] < 800_000


def test_a_budget_that_is_too_short_is_refused(train: Train) -> None:
    with pytest.raises(UsageError, match="few training steps"):
        train(budget_seconds=1.0)


@pytest.fixture
def command(tiny_encoder: Path, sentences: Sentences, tmp_path: Path) -> tuple[list[str], dict[str, str]]:
    """A command line that trains for long, and its environment."""
    file = tmp_path / "rows.csv"
    rows = sentences(120).examples
    file.write_text("text,label\n" + "".join(f"{row.text},{row.label}\n" for row in rows))
    words = ["-m", "portside.cli", "train", "classification", "--data", str(file), "--name", "intents"]
    environment = {**os.environ, "PORTSIDE_HOME": str(tmp_path / "home"), "PYTHONPATH": os.pathsep.join(sys.path)}
    return [sys.executable, *words, "--encoder", str(tiny_encoder), "--epochs", "60"], environment


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    limit = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < limit, "it took too long"
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_command_registers_nothing_and_goes_on(
    command: tuple[list[str], dict[str, str]], tmp_path: Path, stop: signal.Signals
) -> None:
    words, environment = command
    registry, run = ModelRegistry(tmp_path / "home" / "models"), tmp_path / "home" / "runs" / "intents"

    def training() -> bool:
        return "steps" in (run / "run.json").read_text() if (run / "run.json").is_file() else False

    process = subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    wait_for(training, process)
    process.send_signal(stop)
    _, told = process.communicate(timeout=60)
    assert process.returncode == (-9 if stop == signal.SIGKILL else 2), told
    assert registry.names() == []
    assert run.is_dir()
    done = subprocess.run(
        [*words, "--resume", "--json"], env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Resuming from" in done.stderr
    assert json.loads(done.stdout)["version"] == 1
    assert registry.resolve("intents").card["recipe"]["epochs"] == 60


def test_a_loss_with_class_weights_by_hand() -> None:
    import torch

    from portside.tasks.classification_network import ClassificationNetwork

    class Words(torch.nn.Module):
        def forward(self, input_ids: Any, attention_mask: Any) -> tuple[Any]:
            return (input_ids.float().unsqueeze(-1),)

    network = ClassificationNetwork(Words(), 1, 2, weights=(0.5, 2.0)).eval()
    torch.nn.init.zeros_(network.head.weight)
    torch.nn.init.zeros_(network.head.bias)
    ids = torch.ones(4, 3, dtype=torch.long)
    out = network(ids, torch.ones_like(ids), torch.tensor([0, 0, 0, 1]))
    assert out["loss"].item() == pytest.approx(np.log(2) * (3 * 0.5 + 2.0) / 4)


def test_every_training_field_of_the_recipe_reaches_the_run(tiny_encoder: Path, tmp_path: Path) -> None:
    from portside.training.plan import plan_run
    from portside.training.trainer import training_arguments

    plan = plan_run(rows=64, batch_size=16, epochs=3, step_seconds=0.1, validate_seconds=0.1, seconds=None)
    recipe = ClassificationRecipe(batch_size=16, micro_batch_size=4, max_grad_norm=0.5, seed=9)
    found = training_arguments(recipe, plan, tmp_path, precision="bf16")
    assert (found.max_steps, found.per_device_train_batch_size, found.gradient_accumulation_steps) == (12, 4, 4)
    assert (found.max_grad_norm, found.seed, found.bf16) == (0.5, 9, True)
