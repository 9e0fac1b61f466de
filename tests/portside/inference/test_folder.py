from __future__ import annotations

from pathlib import Path

import pytest

from portside.errors import ModelDamaged, ModelError
from portside.inference.folder import ModelFile, read_model_file, write_model_file


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


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    write_model_file(tmp_path, ModelFile("encoder", 64, format=99))
    with pytest.raises(ModelError, match="Update Portside"):
        read_model_file(tmp_path, task="encoder")


@pytest.mark.parametrize("content", ["", "{", "{}", '{"task": "encoder", "labels": 3, "max_tokens": 1, "format": 1}'])
def test_an_unreadable_file_is_damage(tmp_path: Path, content: str) -> None:
    (tmp_path / "model.json").write_text(content)
    with pytest.raises(ModelDamaged, match=r"model\.json"):
        read_model_file(tmp_path, task="encoder")


def test_a_classifier_needs_its_file(tmp_path: Path) -> None:
    with pytest.raises(ModelDamaged, match=r"model\.json"):
        read_model_file(tmp_path, task="classification")
