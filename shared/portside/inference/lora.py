"""Low-rank adapters for serving: added to the encoder's weights as they are read. Imports torch: import it lazily.

The folder holds what ``peft`` writes, ``adapter_config.json`` and ``adapter_model.safetensors``, and the rest of the
network in ``head.safetensors``; without that file the network is the encoder alone. The sum is computed here, in a few
lines: importing peft takes longer than all else.
Sources: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022; Liu et al., "DoRA:
Weight-Decomposed Low-Rank Adaptation", ICML 2024.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from portside.errors import ModelDamaged
from portside.inference.base_encoder import find_base
from portside.inference.folder import base_of
from portside.inference.network import pretrained_encoder, read_weights

__all__ = ["ADAPTER_FILES", "CONFIG_FILE", "HEAD_FILE", "PREFIX", "WEIGHTS_FILE", "merged", "network_weights"]

CONFIG_FILE, WEIGHTS_FILE, HEAD_FILE = "adapter_config.json", "adapter_model.safetensors", "head.safetensors"
ADAPTER_FILES = (CONFIG_FILE, WEIGHTS_FILE, HEAD_FILE)
PREFIX = "base_model.model."
"""Stands in peft's files before the encoder's own names."""
DOWN, UP, MAGNITUDE = ".lora_A.weight", ".lora_B.weight", ".lora_magnitude_vector"


def network_weights(folder: Path) -> Mapping[str, Tensor]:
    """All weights of the fine-tuned network in ``folder``, an adapter added to its encoder, in 32-bit floats.

    Raises:
        ModelDamaged: a file is missing, unreadable or does not fit the others.
        ModelError: the encoder that an adapter needs is gone.
    """
    base = base_of(folder)
    if base is None:
        return read_weights(folder)
    adapter, config = read_weights(folder, WEIGHTS_FILE), _read_config(folder)
    source = find_base(base, folder)
    with torch.random.fork_rng(devices=[]):
        weights = pretrained_encoder(source.folder).state_dict()
    try:
        weights = merged(weights, adapter, scale=config["lora_alpha"] / config["r"])
    except (KeyError, RuntimeError) as error:
        raise ModelDamaged(
            "An adapter must fit its encoder",
            seen=f"{folder / WEIGHTS_FILE} and {source.folder}: {error}",
            remedy="Restore the folder from a backup or train the model again",
        ) from error
    if not (folder / HEAD_FILE).is_file():
        return weights
    return {f"encoder.{name}": value for name, value in weights.items()} | dict(read_weights(folder, HEAD_FILE))


def merged(weights: Mapping[str, Tensor], adapter: Mapping[str, Tensor], *, scale: float) -> dict[str, Tensor]:
    """``weights`` with the matrices of ``adapter`` added, by peft's names: W + scale · B · A.

    W has the shape (out, in), A (rank, in), B (out, rank). Where there is a magnitude, shape (out,), each row of the
    sum is given that length.
    """
    out = dict(weights)
    for name in adapter:
        if not name.endswith(DOWN):
            continue
        layer = name.removesuffix(DOWN)
        place = f"{layer.removeprefix(PREFIX)}.weight"
        weight = out[place] + scale * (adapter[layer + UP] @ adapter[name])
        magnitude = adapter.get(layer + MAGNITUDE)
        if magnitude is not None:
            weight = weight * (magnitude / torch.linalg.norm(weight, dim=1)).unsqueeze(1)
        out[place] = weight
    return out


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG_FILE
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return {"lora_alpha": float(found["lora_alpha"]), "r": int(found["r"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelDamaged(
            "An adapter needs a readable adapter_config.json",
            seen=f"{path}: {type(error).__name__} {error}",
            remedy="Restore the folder from a backup or train the model again",
        ) from error
