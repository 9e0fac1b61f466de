"""Adapters in every architecture that an encoder may have: what is frozen, what is saved, what comes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from portside.encoders import load_backbone, resolve_encoder
from portside.errors import ModelError
from portside.tasks.classification import ClassificationRecipe

SIZES = {
    "vocab_size": 120,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
}
ARCHITECTURES: dict[str, tuple[dict[str, Any], int, int]] = {
    "bert": ({}, 4, 6),
    "roberta": ({"pad_token_id": 1}, 4, 6),
    "xlm-roberta": ({"pad_token_id": 1}, 4, 6),
    "mpnet": ({}, 4, 6),
    "electra": ({"embedding_size": 32}, 4, 6),
    "deberta": ({"relative_attention": True, "pos_att_type": ["c2p", "p2c"]}, 4, 6),
    "deberta-v2": ({"relative_attention": True, "pos_att_type": ["c2p", "p2c"]}, 6, 8),
    "modernbert": ({"pad_token_id": 0, "reference_compile": False}, 2, 4),
    "distilbert": ({"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 48}, 4, 6),
}
"""Model type -> what its config needs besides ``SIZES``; linear layers of one layer's attention, and all of them."""
pytestmark = pytest.mark.slow


@pytest.fixture
def encoder_folder(tmp_path: Path, tiny_encoder: Path) -> Callable[[str], Path]:
    """Makes a folder with a random encoder of an architecture and the tokenizer of the tiny one."""

    def make(kind: str) -> Path:
        import torch
        from transformers import AutoConfig, AutoModel

        folder = tmp_path / kind
        config = AutoConfig.for_model(kind, **{**SIZES, **ARCHITECTURES[kind][0]})
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            AutoModel.from_config(config).save_pretrained(folder)
        for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
            (folder / name).write_bytes((tiny_encoder / name).read_bytes())
        return folder

    return make


def adapted(folder: Path, **fields: Any) -> Any:
    """A classification network with a random adapter: as if it had been trained."""
    import torch

    from portside.tasks.classification_network import ClassificationNetwork
    from portside.tasks.lora_network import adapt

    source = resolve_encoder(str(folder))
    recipe = ClassificationRecipe(**{"method": "lora", "encoder": str(folder), "lora_rank": 4, **fields})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        network = ClassificationNetwork(load_backbone(folder), 32, 3)
        adapt(network.encoder, recipe, source)
        for value in network.parameters():
            if value.requires_grad:
                value.data.add_(0.1 * torch.randn_like(value))
    return network.eval()


def save(network: Any, base: Path, folder: Path) -> Path:
    from portside.inference.folder import ModelFile
    from portside.inference.tokens import Tokens
    from portside.tasks.network_folder import save_network

    folder.mkdir()
    tokens = Tokens(base, max_tokens=32)
    encoder = network.encoder if hasattr(network, "head") else network
    config = json.loads(encoder.config.to_json_string(use_diff=False))
    save_network(folder, network, tokens, config, ModelFile("classification", 32, ("a", "b", "c")))
    return folder


def batch() -> tuple[Any, Any]:
    import torch

    ids = torch.tensor([[2, 5, 9, 11, 3], [2, 7, 3, 0, 0]])
    return ids, torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_linear_layers_are_found(kind: str, encoder_folder: Callable[[str], Path]) -> None:
    from portside.tasks.lora_network import linear_layers

    encoder = load_backbone(encoder_folder(kind))
    _, in_attention, in_all = ARCHITECTURES[kind]
    attention, everything = linear_layers(encoder, "attention"), linear_layers(encoder, "all")
    assert (len(attention), len(everything)) == (2 * in_attention, 2 * in_all), everything
    assert set(attention) < set(everything)


@pytest.mark.parametrize(("method", "kind"), [*(("lora", kind) for kind in ARCHITECTURES), ("dora", "bert")])
def test_what_is_saved_comes_back_merged_and_peft_reads_it_too(
    kind: str, method: str, encoder_folder: Callable[[str], Path], tmp_path: Path
) -> None:
    import torch
    from peft import PeftModel

    from portside.tasks.classification_network import load_network

    base = encoder_folder(kind)
    network = adapted(base, method=method)
    folder = save(network, base, tmp_path / "adapter")
    assert not (folder / "model.safetensors").exists()
    ids, mask = batch()
    served, _, _ = load_network(folder)
    with torch.inference_mode():
        expected = network(ids, mask)["logits"]
        before = load_backbone(base)(input_ids=ids, attention_mask=mask)[0]
        hidden = network.encoder(input_ids=ids, attention_mask=mask)[0]
        by_peft = PeftModel.from_pretrained(load_backbone(base), str(folder)).eval()
        theirs = by_peft(input_ids=ids, attention_mask=mask)[0]
        assert torch.allclose(served(ids, mask)["logits"], expected, atol=1e-5)
    real = mask.bool()
    assert not torch.allclose(before[real], hidden[real], atol=1e-2)
    assert torch.allclose(theirs[real], hidden[real], atol=1e-5)
    assert {name for name, _ in served.named_parameters()} == {
        name.replace(".base_layer", "") for name, _ in network.named_parameters() if ".lora_" not in name
    }


def test_an_encoder_alone_is_saved_and_comes_back(tiny_encoder: Path, tmp_path: Path) -> None:
    import torch

    from portside.inference.network import pretrained_encoder

    encoder = adapted(tiny_encoder).encoder
    folder = save(encoder, tiny_encoder, tmp_path / "adapter")
    assert not (folder / "head.safetensors").exists()
    ids, mask = batch()
    with torch.inference_mode():
        expected = encoder(input_ids=ids, attention_mask=mask)[0][mask.bool()]
        found = pretrained_encoder(folder)(input_ids=ids, attention_mask=mask)[0][mask.bool()]
    assert torch.allclose(found, expected, atol=1e-5)
    with pytest.raises(ModelError, match="portside models merge"):
        resolve_encoder(str(folder))


def test_only_matrices_and_head_are_trained_with_their_own_rates(tiny_encoder: Path) -> None:
    from portside.training.trainer import build_optimizer, restore, trained_weights

    network = adapted(tiny_encoder)
    trained = {name for name, value in network.named_parameters() if value.requires_grad}
    assert all(".lora_" in name or name.startswith("head.") for name in trained)
    assert set(trained_weights(network)) == trained
    optimizer = build_optimizer(network, ClassificationRecipe(method="lora", lora_lr=0.004, head_lr=0.05))
    rates = {id(value): group["lr"] for group in optimizer.param_groups for value in group["params"]}
    for name, value in network.named_parameters():
        wanted = 0.05 if name.startswith("head.") else 0.004
        assert rates.get(id(value)) == (wanted if name in trained else None), name
    kept = {name: value.clone() for name, value in trained_weights(network).items()}
    network.head.weight.data.zero_()
    restore(network, kept)
    assert bool((network.head.weight == kept["head.weight"]).all())


def test_the_card_says_how_much_is_trained(tiny_encoder: Path) -> None:
    from portside.tasks.lora_network import describe

    found = describe(adapted(tiny_encoder, lora_layers="attention"))
    # Two layers of four 32 x 32 matrices, each with two matrices of rank 4; a head of 3 labels.
    assert found["trained_parameters"] == 2 * 4 * 2 * 4 * 32 + 3 * 33
    assert found["rank"] == 4
    assert 0 < found["share_of_parameters"] < 0.3


def test_without_linear_layers_there_is_advice(tiny_encoder: Path) -> None:
    import torch

    from portside.tasks.lora_network import adapt

    recipe = ClassificationRecipe(method="lora")
    with pytest.raises(ModelError, match="--method full"):
        adapt(torch.nn.Embedding(2, 2), recipe, resolve_encoder(str(tiny_encoder)))
