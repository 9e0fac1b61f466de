from __future__ import annotations

from pathlib import Path

import pytest

from portside.encoders import hidden_size, read_config, resolve_encoder
from portside.errors import ModelDamaged, ModelError, ModelNotFound


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
