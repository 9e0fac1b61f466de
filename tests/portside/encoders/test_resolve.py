from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from portside.encoders import find_registered, hidden_size, read_config, resolve_encoder
from portside.errors import ModelDamaged, ModelError, ModelNotFound
from portside.inference.folder import ModelFile, write_model_file
from portside.registry import ModelVersion


def test_a_folder_is_taken_as_it_is(tiny_encoder: Path) -> None:
    found = resolve_encoder(str(tiny_encoder))
    assert (found.kind, found.folder, found.name) == ("folder", tiny_encoder, "tiny-bert")
    assert len(found.sha256) == 64
    assert str(tiny_encoder) in found.note


def test_a_path_that_is_no_folder_is_not_looked_up_anywhere(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="not a folder"):
        resolve_encoder(str(tmp_path / "absent"))


@pytest.mark.parametrize("reference", ["./absent", "~/absent", "a/b/c"])
def test_what_looks_like_a_path_is_no_hub_id(reference: str) -> None:
    with pytest.raises(ModelNotFound, match="must be a folder"):
        resolve_encoder(reference)


def test_pickled_weights_are_refused(tiny_encoder: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text((tiny_encoder / "config.json").read_text())
    (tmp_path / "pytorch_model.bin").write_bytes(b"anything")
    with pytest.raises(ModelError, match=r"safetensors.*pytorch_model\.bin"):
        resolve_encoder(str(tmp_path))


def test_a_folder_without_config_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(ModelDamaged, match=r"config\.json"):
        read_config(tmp_path)


@pytest.mark.parametrize("name", ["hidden_size", "dim", "d_model"])
def test_the_width_is_found_under_each_name(name: str) -> None:
    assert hidden_size({name: 48}) == 48


def test_a_config_without_width_is_refused() -> None:
    with pytest.raises(ModelError, match="hidden_size"):
        hidden_size({"layers": 2})


@dataclass
class Registered:
    """A registry of one encoder, and of one classifier."""

    encoder: Path
    classifier: Path

    def names(self) -> list[str]:
        return ["news", "intents"]

    def resolve(self, reference: str) -> ModelVersion:
        if reference.startswith("news"):
            return ModelVersion("news", 2, self.encoder, {})
        if reference.startswith("intents"):
            return ModelVersion("intents", 1, self.classifier, {})
        raise ModelNotFound("There is no such model", seen=reference)


@pytest.fixture
def registered(tiny_encoder: Path, tmp_path: Path) -> Registered:
    encoder, classifier = tmp_path / "encoder", tmp_path / "classifier"
    for folder, task in ((encoder, "encoder"), (classifier, "classification")):
        shutil.copytree(tiny_encoder, folder)
        write_model_file(folder, ModelFile(task, 32))
    return Registered(encoder, classifier)


@pytest.mark.parametrize("reference", ["news", "news@champion", "news:2"])
def test_a_registered_name_is_an_encoder(reference: str, registered: Registered, tiny_encoder: Path) -> None:
    found = resolve_encoder(reference, registered)
    assert (found.kind, found.name, found.folder) == ("registered", "news:2", registered.encoder)
    assert found.sha256 == resolve_encoder(str(tiny_encoder)).sha256


@pytest.mark.parametrize(("reference", "words"), [("intents", "model for classification"), ("sport:1", "sport:1")])
def test_what_is_no_registered_encoder_is_refused(reference: str, words: str, registered: Registered) -> None:
    with pytest.raises(ModelError, match=words):
        resolve_encoder(reference, registered)


@pytest.mark.parametrize("reference", ["", "all-MiniLM-L6-v2", "./news", "sport", "sport/news"])
def test_what_is_not_registered_is_looked_for_elsewhere(reference: str, registered: Registered) -> None:
    assert find_registered(reference, registered) is None


def test_a_folder_goes_before_a_registered_name(
    registered: Registered, tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_encoder, tmp_path / "here" / "news")
    monkeypatch.chdir(tmp_path / "here")
    assert resolve_encoder("news", registered).kind == "folder"
    assert find_registered("news", registered) is None
