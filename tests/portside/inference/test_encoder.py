from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from portside.encoders import resolve_encoder
from portside.errors import ModelDamaged, ModelNotFound
from portside.inference.encoder import BULK, BundledEncoder, FolderEncoder, ServedEncoder, load_encoder
from portside.inference.engines.interface import TORCH_BF16
from portside.inference.engines.registered import find_compilable
from portside.inference.engines.store import encoder_place, remove_compiled, write_compiled
from portside.inference.folder import ModelFile, write_model_file
from portside.inference.interfaces import FakeEncoder
from portside.registry import ModelRegistry

TEXTS = ["where is my card", "refund", "", "my parcel is late please", "the the the the the the the the the the"]


def test_vectors_have_length_one_and_the_given_order(tiny_encoder: Path) -> None:
    encoder = load_encoder(tiny_encoder)
    together = encoder.encode(TEXTS)
    assert together.shape == (5, 32) == (5, encoder.dim)
    assert together.dtype == np.float32
    assert np.linalg.norm(together, axis=1) == pytest.approx(1.0, abs=1e-5)
    one_by_one = np.concatenate([encoder.encode([text]) for text in TEXTS])
    assert np.abs(together - one_by_one).max() < 1e-5


def test_no_texts_give_no_vectors(tiny_encoder: Path) -> None:
    assert load_encoder(tiny_encoder).encode([]).shape == (0, 32)


def test_padding_does_not_matter(tiny_encoder: Path) -> None:
    encoder = load_encoder(tiny_encoder)
    long = " ".join(["card"] * 40)
    assert np.abs(encoder.encode(["refund", long])[0] - encoder.encode(["refund"])[0]).max() < 1e-5


def test_bulk_gives_nearly_the_same_as_single(tiny_encoder: Path) -> None:
    encoder = load_encoder(tiny_encoder)
    texts = [f"{TEXTS[number % 5]} {number}" for number in range(300)]
    likeness = (encoder.encode(texts)[:10] * encoder.encode(texts[:10])).sum(axis=1)
    assert likeness.min() > 0.999


@pytest.mark.parametrize(("chosen", "exact"), [(TORCH_BF16, False), ("original", True)])
def test_once_measured_what_was_chosen_computes_few_texts_and_many(
    tiny_encoder: Path, tmp_path: Path, chosen: str, *, exact: bool
) -> None:
    source = resolve_encoder(str(tiny_encoder))
    place = encoder_place(tmp_path, source.name, source.sha256)
    write_compiled(place, None, chosen, {})
    texts = [f"{TEXTS[number % 5]} {number}" for number in range(BULK)]
    plain = load_encoder(tiny_encoder)
    measured = FolderEncoder(tiny_encoder, model="m", compiled=place)
    # What unmeasured encoders find out for themselves must not matter, whatever it would be on this machine.
    measured._bulk_precision = "bf16" if exact else "fp32"
    for asked in (texts, texts[:4]):
        assert np.array_equal(measured.encode(asked), plain._run(asked, "fp32")) == exact


def test_the_bundled_encoder_can_be_another_folder(tiny_encoder: Path) -> None:
    encoder = BundledEncoder(str(tiny_encoder))
    assert encoder.dim == 32
    assert encoder.model == str(tiny_encoder)
    assert np.array_equal(encoder.encode(TEXTS), load_encoder(tiny_encoder).encode(TEXTS))


def test_a_registered_name_stands_for_one_version(tiny_encoder: Path, registry: ModelRegistry) -> None:
    register(registry, tiny_encoder, scale=1.0)
    encoder = BundledEncoder("recommend-encoder", registry)
    assert encoder.model == "recommend-encoder:1"
    register(registry, tiny_encoder, scale=-1.0)
    first = load_encoder(registry.resolve("recommend-encoder:1").folder).encode(TEXTS)
    assert np.array_equal(encoder.encode(TEXTS), first)
    assert encoder.model == "recommend-encoder:1"
    for reference in ("recommend-encoder", "recommend-encoder@champion", "recommend-encoder:2"):
        later = BundledEncoder(reference, registry)
        assert later.model == "recommend-encoder:2"
        assert np.abs(later.encode(TEXTS) - first).max() > 1e-3
    with pytest.raises(ModelNotFound, match="recommend-encoder"):
        _ = BundledEncoder("recommend-encoder:3", registry).model


def test_a_running_pretrained_encoder_takes_up_what_was_compiled_and_what_was_taken_away(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    source = resolve_encoder(str(tiny_encoder))
    place = encoder_place(tmp_path, source.name, source.sha256)
    encoder = BundledEncoder(str(tiny_encoder), compiled=tmp_path)
    exact = encoder.encode(TEXTS)
    write_compiled(place, None, TORCH_BF16, {})
    assert not np.array_equal(encoder.encode(TEXTS), exact)
    remove_compiled(place)
    assert np.array_equal(encoder.encode(TEXTS), exact)


def test_a_registered_encoder_is_served_as_it_was_compiled(tiny_encoder: Path, registry: ModelRegistry) -> None:
    register(registry, tiny_encoder, scale=1.0)
    encoder = BundledEncoder("recommend-encoder", registry, compiled=registry.root)
    exact = encoder.encode(TEXTS)
    write_compiled(find_compilable("recommend-encoder", registry, registry.root).place, None, TORCH_BF16, {})
    assert not np.array_equal(encoder.encode(TEXTS), exact)


def test_cut_short_weights_are_damage(tiny_encoder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cut"
    shutil.copytree(tiny_encoder, folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1_000])
    with pytest.raises(ModelDamaged, match=r"model\.safetensors"):
        load_encoder(folder).encode(["card"])


def register(registry: ModelRegistry, tiny_encoder: Path, *, scale: float) -> None:
    from safetensors.numpy import load_file, save_file

    with registry.staging("recommend-encoder") as folder:
        shutil.copytree(tiny_encoder, folder, dirs_exist_ok=True)
        weights = load_file(folder / "model.safetensors")
        key = "embeddings.word_embeddings.weight"
        weights[key] = weights[key] * scale
        save_file(weights, folder / "model.safetensors")
        write_model_file(folder, ModelFile("encoder", 32))
        registry.register("recommend-encoder", folder, {}, actor="a", reason="r", promote=True, check=lambda _: None)


def test_a_served_encoder_falls_back_then_picks_up_versions(tiny_encoder: Path, registry: ModelRegistry) -> None:
    encoder = ServedEncoder(registry, "recommend-encoder", fallback=FakeEncoder(dim=8))
    assert (encoder.dim, encoder.model) == (8, "fake-encoder:1")
    register(registry, tiny_encoder, scale=1.0)
    assert (encoder.dim, encoder.model) == (32, "recommend-encoder:1")
    first = encoder.encode(["card lost"])
    register(registry, tiny_encoder, scale=-1.0)
    assert encoder.model == "recommend-encoder:2"
    assert np.abs(encoder.encode(["card lost"]) - first).max() > 1e-3


def register_unreadable(registry: ModelRegistry, tiny_encoder: Path) -> None:
    with registry.staging("recommend-encoder") as folder:
        shutil.copytree(tiny_encoder, folder, dirs_exist_ok=True)
        (folder / "model.safetensors").write_bytes(b"registered as it is")
        write_model_file(folder, ModelFile("encoder", 32))
        registry.register("recommend-encoder", folder, {}, actor="a", reason="r", promote=True, check=lambda _: None)


def test_an_encoder_that_cannot_be_read_does_not_take_over(
    tiny_encoder: Path, registry: ModelRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    encoder = ServedEncoder(registry, "recommend-encoder")
    register(registry, tiny_encoder, scale=1.0)
    first = encoder.encode(TEXTS)
    register_unreadable(registry, tiny_encoder)
    assert np.array_equal(encoder.encode(TEXTS), first)
    assert "recommend-encoder:1 stays in service" in caplog.text


def test_nor_from_the_encoder_that_serves_before_any_is_tuned(tiny_encoder: Path, registry: ModelRegistry) -> None:
    encoder = ServedEncoder(registry, "recommend-encoder", fallback=FakeEncoder(dim=8))
    first = encoder.encode(TEXTS)
    register_unreadable(registry, tiny_encoder)
    assert np.array_equal(encoder.encode(TEXTS), first)
    assert encoder.model == "fake-encoder:1"


def test_without_fallback_a_missing_encoder_is_an_error(registry: ModelRegistry) -> None:
    with pytest.raises(ModelNotFound):
        ServedEncoder(registry, "recommend-encoder").encode(["x"])


@pytest.mark.slow
def test_serving_computes_what_transformers_computes(tiny_encoder: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoTokenizer

    from portside.encoders import load_backbone
    from portside.inference.encoder import save_encoder

    model = load_backbone(tiny_encoder)
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        hidden = model(**batch)[0]
    mask = batch["attention_mask"].unsqueeze(-1).float()
    expected = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1)).numpy()
    assert np.abs(load_encoder(tiny_encoder).encode(TEXTS) - expected).max() < 1e-5
    save_encoder(tmp_path / "saved", model, tokenizer, max_tokens=32)
    assert np.abs(load_encoder(tmp_path / "saved").encode(TEXTS) - expected).max() < 1e-6
