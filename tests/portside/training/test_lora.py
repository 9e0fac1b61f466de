"""Training an adapter: what is registered, that it repeats, resumes, moves, and can be merged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from portside.data import Dataset
from portside.errors import Cancelled, ModelError, UsageError
from portside.evaluation.classification import evaluate_classifier
from portside.inference.classifier import load_classifier
from portside.progress import NullProgress, RecordingProgress
from portside.registry import ModelRegistry, ModelVersion
from portside.tasks.classification import ClassificationRecipe
from portside.training.merge import merge_version

pytestmark = pytest.mark.slow

Train = Callable[..., ModelVersion]
Sentences = Callable[..., Dataset]
WHO = {"actor": "ann", "reason": "a test"}


@pytest.fixture
def recipe(tiny_encoder: Path) -> ClassificationRecipe:
    """A short training of an adapter: the ``train`` of these tests."""
    return ClassificationRecipe(
        method="lora", encoder=str(tiny_encoder), epochs=2, batch_size=8, lora_lr=2e-2, head_lr=3e-2, precision="fp32"
    )


def weights(version: ModelVersion) -> Mapping[str, Any]:
    files = ("adapter_model.safetensors", "head.safetensors")
    return {name: value for file in files for name, value in load_file(version.folder / file).items()}


def same(one: ModelVersion, other: ModelVersion) -> bool:
    first, second = weights(one), weights(other)
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


def test_an_adapter_holds_only_what_was_trained(train: Train, sentences: Sentences) -> None:
    version = train(sentences(90), epochs=12)
    assert not (version.folder / "model.safetensors").exists()
    assert set(load_file(version.folder / "head.safetensors")) == {"head.weight", "head.bias"}
    adapter = version.card["adapter"]
    assert version.card["method"] == "lora"
    assert (adapter["rank"], adapter["alpha"]) == (8, 16)
    assert adapter["trained_parameters"] == sum(value.size for value in weights(version).values())
    assert any(value.any() for name, value in weights(version).items() if ".lora_B." in name)
    said = json.loads((version.folder / "model.json").read_text())
    assert said["base"]["sha256"] == version.card["encoder"]["sha256"]
    assert evaluate_classifier(load_classifier(version), sentences(30, start=500)).accuracy > 0.9


def test_the_same_seed_gives_the_same_adapter(train: Train) -> None:
    first, second = train(seed=4), train(seed=4)
    assert same(first, second)
    assert (first.folder / "adapter_config.json").read_bytes() == (second.folder / "adapter_config.json").read_bytes()


def test_a_cancelled_training_resumes_to_the_same_adapter_from_a_small_checkpoint(
    train: Train, registry: ModelRegistry, tmp_path: Path
) -> None:
    with pytest.raises(Cancelled):
        train(progress=RecordingProgress(cancel_at=0.4))
    assert registry.names() == []
    checkpoint = next((tmp_path / "runs" / "intents").glob("checkpoint-*"))
    assert all(".lora_" in name or name.startswith("head.") for name in load_file(checkpoint / "model.safetensors"))
    progress = RecordingProgress()
    resumed = train(progress=progress, resume=True)
    assert any("Resuming from checkpoint-" in line for line in progress.lines)
    assert same(resumed, train(name="other"))


def test_a_merged_adapter_answers_the_same_and_needs_no_base(
    train: Train, registry: ModelRegistry, tiny_encoder: Path, tmp_path: Path, sentences: Sentences
) -> None:
    base = tmp_path / "base"
    shutil.copytree(tiny_encoder, base)
    adapter = train(encoder=str(base), lora_layers="attention", method="dora")
    texts = list(sentences(30).texts)
    before = load_classifier(adapter).probabilities(texts)
    merged = merge_version(registry, "intents", **WHO)
    assert (merged.ref, registry.aliases("intents")) == ("intents:2", {"champion": 1, "candidate": 2})
    assert (merged.card["parent"], merged.card["merged_from"]) == ("intents:1", "intents:1")
    assert merged.validation == adapter.validation
    with pytest.raises(UsageError, match="intents:2 holds all its weights"):
        merge_version(registry, "intents:2", **WHO)
    shutil.rmtree(base)
    np.testing.assert_allclose(load_classifier(merged).probabilities(texts), before, atol=1e-5)
    with pytest.raises(ModelError, match=f"needs base from the folder {base}"):
        load_classifier(adapter).probabilities(texts)


def test_an_adapter_that_does_not_reload_is_not_registered(train: Train, tmp_path: Path) -> None:
    class Tampering(ModelRegistry):
        def register(self, name: str, staging: Path, *rest: Any, **named: Any) -> ModelVersion:
            changed = dict(load_file(staging / "adapter_model.safetensors"))
            changed = {name: 2 * value for name, value in changed.items()}
            save_file(changed, staging / "adapter_model.safetensors")
            return super().register(name, staging, *rest, **named)

    registry = Tampering(tmp_path / "tampered")
    with pytest.raises(ModelError, match="probabilities differ by"):
        train(registry=registry, epochs=6)
    assert registry.names() == []


def test_a_head_start_and_parts_of_batches_work_with_an_adapter(train: Train) -> None:
    assert train(micro_batch_size=4, lora_dropout=0.1, progress=NullProgress()).validation["accuracy"] > 0.5
