"""Adding an adapter to its encoder, by hand; and what is said when the encoder is not there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from portside.encoders import BUNDLED_NAME, resolve_encoder
from portside.errors import ModelDamaged, ModelError
from portside.inference.base_encoder import check_base, find_base
from portside.inference.folder import ADAPTER_FORMAT, BaseEncoder, ModelFile, base_of, write_model_file


def test_an_adapter_is_added_by_hand() -> None:
    import torch

    from portside.inference.lora import merged

    weights = {"layer.weight": torch.tensor([[1.0, 0.0], [0.0, 1.0]]), "layer.bias": torch.tensor([5.0, 5.0])}
    down, up = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0], [3.0]])
    adapter = {"base_model.model.layer.lora_A.weight": down, "base_model.model.layer.lora_B.weight": up}
    found = merged(weights, adapter, scale=0.5)
    assert found["layer.weight"].tolist() == [[1.0, 0.0], [1.5, 4.0]]
    assert found["layer.bias"].tolist() == [5.0, 5.0]
    assert weights["layer.weight"].tolist() == [[1.0, 0.0], [0.0, 1.0]]
    # DoRA: the rows (1, 0) and (1.5, 4) of lengths 1 and 4.27 get the lengths 2 and 1.
    adapter["base_model.model.layer.lora_magnitude_vector"] = torch.tensor([2.0, 1.0])
    found = merged(weights, adapter, scale=0.5)
    length = np.hypot(1.5, 4.0)
    np.testing.assert_allclose(found["layer.weight"], [[2.0, 0.0], [1.5 / length, 4.0 / length]], rtol=1e-6)


@pytest.fixture
def base(tiny_encoder: Path, tmp_path: Path) -> BaseEncoder:
    """A copy of the tiny encoder that a test may damage."""
    folder = tmp_path / "base"
    shutil.copytree(tiny_encoder, folder)
    return BaseEncoder(str(folder), "folder", "base", resolve_encoder(str(folder)).sha256)


def test_the_base_is_found_and_kept_in_the_folder(base: BaseEncoder, tmp_path: Path) -> None:
    assert find_base(base, tmp_path).folder == Path(base.reference)
    write_model_file(tmp_path, ModelFile("classification", 8, ("a", "b"), format=ADAPTER_FORMAT, base=base))
    assert base_of(tmp_path) == base
    check_base(tmp_path)


def gone(base: BaseEncoder) -> BaseEncoder:
    shutil.rmtree(base.reference)
    return base


def without_weights(base: BaseEncoder) -> BaseEncoder:
    (Path(base.reference) / "model.safetensors").unlink()
    return base


def other_weights(base: BaseEncoder) -> BaseEncoder:
    save_file({"x": np.zeros(3)}, Path(base.reference) / "model.safetensors")
    return base


def from_the_hub(_base: BaseEncoder) -> BaseEncoder:
    return BaseEncoder("nobody/has-this", "hub", "nobody/has-this", "0" * 64)


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (gone, ModelError, r"adapter needs base from the folder .*base: .*portside models merge"),
        (without_weights, ModelError, r"adapter needs base from the folder .*safetensors"),
        (other_weights, ModelDamaged, r"the very weights.*sha256 .*Put the weights of base back"),
        (from_the_hub, ModelError, r"needs nobody/has-this from the hub.*hf download nobody/has-this"),
    ],
)
def test_a_base_that_is_gone_or_differs_is_refused_with_advice(
    base: BaseEncoder,
    tmp_path: Path,
    change: Callable[[BaseEncoder], BaseEncoder],
    kind: type[ModelError],
    words: str,
) -> None:
    with pytest.raises(kind, match=words):
        find_base(change(base), tmp_path / "adapter")


def test_a_bundled_base_is_resolved_by_name(tmp_path: Path) -> None:
    bundled = resolve_encoder()
    found = find_base(BaseEncoder(BUNDLED_NAME, "bundled", BUNDLED_NAME, bundled.sha256), tmp_path)
    assert found.folder == bundled.folder


@pytest.mark.parametrize("content", ["", "{}", '{"r": "many", "lora_alpha": 1}'])
def test_an_unreadable_adapter_config_is_damage(base: BaseEncoder, tmp_path: Path, content: str) -> None:
    from portside.inference.lora import network_weights

    write_model_file(tmp_path, ModelFile("classification", 8, ("a", "b"), format=ADAPTER_FORMAT, base=base))
    save_file({"x": np.zeros(3, dtype=np.float32)}, tmp_path / "adapter_model.safetensors")
    (tmp_path / "adapter_config.json").write_text(content)
    with pytest.raises(ModelDamaged, match=r"adapter_config\.json"):
        network_weights(tmp_path)


def test_an_adapter_for_another_architecture_is_damage(base: BaseEncoder, tmp_path: Path) -> None:
    from portside.inference.lora import network_weights

    write_model_file(tmp_path, ModelFile("classification", 8, ("a", "b"), format=ADAPTER_FORMAT, base=base))
    layer = "base_model.model.transformer.q"
    matrices = {f"{layer}.lora_A.weight": np.zeros((1, 2)), f"{layer}.lora_B.weight": np.zeros((2, 1))}
    save_file(matrices, tmp_path / "adapter_model.safetensors")
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 1, "lora_alpha": 1}))
    with pytest.raises(ModelDamaged, match="must fit its encoder"):
        network_weights(tmp_path)
