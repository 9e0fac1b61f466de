"""Low-rank adapters in training, by peft: put into an encoder, described, saved. Imports torch: import it lazily."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from portside.encoders import EncoderSource
from portside.errors import ModelError
from portside.inference.folder import BaseEncoder
from portside.inference.lora import CONFIG_FILE, HEAD_FILE, PREFIX, WEIGHTS_FILE
from portside.said import said
from portside.tasks.recipe import TrainingRecipe

__all__ = ["adapt", "base_of_network", "describe", "linear_layers", "save_adapter"]

ADAPTER = "default"
"""peft's name for the one adapter."""
BASE = "adapted_from"
"""Attribute of an adapted encoder: the ``BaseEncoder``."""


def adapt(encoder: nn.Module, recipe: TrainingRecipe, source: EncoderSource) -> None:
    """Freeze ``encoder`` and put matrices beside its linear layers, which at first add nothing.

    Raises:
        ModelError: the architecture has no such layers.
    """
    from peft import LoraConfig
    from peft.functional import inject_adapter_in_model

    layers = linear_layers(encoder, recipe.lora_layers)
    if not layers:
        raise ModelError(
            said("Method {method} needs linear layers to put its matrices beside", method=recipe.method),
            seen=said(
                "none with lora_layers = {which} in {kind} of {name}",
                which=recipe.lora_layers,
                kind=type(encoder).__name__,
                name=source.name,
            ),
            remedy="Train with --set lora_layers=all or --method full",
        )
    reference = source.name if source.kind in ("bundled", "hub") else str(source.folder.resolve())
    config = LoraConfig(
        r=recipe.lora_rank,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=recipe.lora_dropout,
        use_dora=recipe.method == "dora",
        target_modules=layers,
        base_model_name_or_path=reference,
        inference_mode=False,
    )
    inject_adapter_in_model(config, encoder)
    setattr(encoder, BASE, BaseEncoder(reference, source.kind, source.name, source.sha256))


def linear_layers(encoder: nn.Module, which: str) -> list[str]:
    """Names of the linear layers of the ``attention``, or of ``all``."""
    linear = [name for name, module in encoder.named_modules() if isinstance(module, nn.Linear)]
    if which == "all":
        return linear
    # attention.self.query (BERT, XLM-R), attention.attn.q (MPNet), attn.Wqkv (ModernBERT), attention.q_lin (DistilBERT)
    return [name for name in linear if any(part.startswith("att") for part in name.split("."))]


def base_of_network(network: nn.Module) -> BaseEncoder | None:
    """What the encoder of ``network``, or ``network`` itself, was before it was adapted; None where it was not."""
    found: BaseEncoder | None = getattr(_encoder_of(network), BASE, None)
    return found


def describe(network: nn.Module) -> dict[str, Any]:
    """What is trained in an adapted network, for its card."""
    config = _config_of(network)
    trained = sum(value.numel() for value in network.parameters() if value.requires_grad)
    whole = sum(value.numel() for value in network.parameters())
    return {
        "rank": config["r"],
        "alpha": config["lora_alpha"],
        "layers": config["target_modules"],
        "trained_parameters": trained,
        "share_of_parameters": trained / whole,
    }


def save_adapter(folder: Path, network: nn.Module) -> None:
    """Write the matrices in peft's form, and beside them what else ``network`` has around its encoder."""
    from peft.functional import get_peft_model_state_dict

    encoder = _encoder_of(network)
    found = get_peft_model_state_dict(encoder, adapter_name=ADAPTER, save_embedding_layers=False)
    _save({f"{PREFIX}{name}": value for name, value in found.items()}, folder / WEIGHTS_FILE)
    if encoder is not network:
        rest = {name: value for name, value in network.state_dict().items() if not name.startswith("encoder.")}
        _save(rest, folder / HEAD_FILE)
    config = {**_config_of(network), "inference_mode": True}
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _encoder_of(network: nn.Module) -> Any:
    return network if hasattr(network, BASE) else getattr(network, "encoder", None)


def _config_of(network: nn.Module) -> dict[str, Any]:
    config = _encoder_of(network).peft_config[ADAPTER]
    # Sets come in another order in each process: sorted, the same training writes the same file.
    plain = {key: sorted(value) if isinstance(value, set) else value for key, value in config.to_dict().items()}
    found: dict[str, Any] = json.loads(json.dumps(plain))
    return found


def _save(weights: Mapping[str, Tensor], path: Path) -> None:
    from safetensors.torch import save_file

    plain = {name: value.detach().to("cpu").contiguous().clone() for name, value in weights.items()}
    save_file(plain, path, metadata={"format": "pt"})
