from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from portside.errors import ModelDamaged, ModelError
from portside.inference.classifier import FolderClassifier
from portside.inference.folder import ModelFile, read_model_file, task_of, write_model_file
from portside.training.seen import load_seen


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = ModelFile("classification", 64, ("zurück", "a"))
    write_model_file(tmp_path, file)
    assert read_model_file(tmp_path, task="classification") == file


def test_a_pretrained_folder_counts_as_an_encoder(tmp_path: Path) -> None:
    assert read_model_file(tmp_path, task="encoder").max_tokens == 256
    (tmp_path / "sentence_bert_config.json").write_text('{"max_seq_length": 99}')
    assert read_model_file(tmp_path, task="encoder").max_tokens == 99


def test_a_model_for_another_task_is_refused(tmp_path: Path) -> None:
    write_model_file(tmp_path, ModelFile("encoder", 64))
    with pytest.raises(ModelError, match="is a model for encoder"):
        read_model_file(tmp_path, task="classification")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        # Nothing but the number need be as this version knows it.
        ('{"format": 99, "kind": "poetry"}', "format 99.*Update Portside"),
        ('{"format": 0, "task": "encoder"}', "format 0.*card.json"),
    ],
)
def test_a_format_that_is_not_read_is_advice(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "model.json").write_text(content)
    for read in (lambda: read_model_file(tmp_path, task="encoder"), lambda: task_of(tmp_path)):
        with pytest.raises(ModelError, match=told) as caught:
            read()
        assert not isinstance(caught.value, ModelDamaged)


def test_a_folder_of_the_first_versions_answers_as_it_did(save_random: Callable[..., None], tmp_path: Path) -> None:
    """Those wrote no ``options``, and no hashes of the texts they were trained on."""
    save_random(tmp_path, ["card", "refund"], seed=2)
    expected = FolderClassifier(tmp_path, model="m:1").probabilities(["my card"])
    file = json.loads((tmp_path / "model.json").read_text())
    assert set(file) == {"task", "max_tokens", "labels", "options", "format", "base"}
    del file["options"], file["base"]
    (tmp_path / "model.json").write_text(json.dumps(file))
    assert not (tmp_path / "training_texts.safetensors").exists()
    assert FolderClassifier(tmp_path, model="m:1").probabilities(["my card"]) == pytest.approx(expected)
    assert load_seen(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{", "{}", '{"task": "encoder", "labels": 3, "max_tokens": 1, "format": 1}'])
def test_an_unreadable_file_is_damage(tmp_path: Path, content: str) -> None:
    (tmp_path / "model.json").write_text(content)
    with pytest.raises(ModelDamaged, match=r"model\.json"):
        read_model_file(tmp_path, task="encoder")


def test_a_classifier_needs_its_file(tmp_path: Path) -> None:
    with pytest.raises(ModelDamaged, match=r"model\.json"):
        read_model_file(tmp_path, task="classification")
