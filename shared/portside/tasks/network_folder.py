"""A fine-tuned network's files, whatever its task. Imports torch: import it lazily."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor, nn

from portside.errors import ModelDamaged
from portside.inference.folder import ADAPTER_FORMAT, ModelFile, write_model_file
from portside.inference.lora import network_weights
from portside.inference.tokens import Tokens
from portside.tasks.lora_network import base_of_network, save_adapter

__all__ = ["fill", "save_network", "save_weights"]


def save_network(
    folder: Path, network: nn.Module, tokens: Tokens, config: Mapping[str, object], model: ModelFile
) -> None:
    """Write weights, the encoder's ``config``, tokenizer and ``model.json``: all that serving needs.

    Of a network with an adapted encoder only what was trained is written, and which encoder it belongs to.
    """
    base = base_of_network(network)
    if base is None:
        save_weights(folder, network.state_dict())
    else:
        save_adapter(folder, network)
        model = replace(model, base=base, format=ADAPTER_FORMAT)
    (folder / "config.json").write_text(json.dumps(dict(config), indent=2) + "\n", encoding="utf-8")
    tokens.save(folder)
    write_model_file(folder, model)


def save_weights(folder: Path, weights: Mapping[str, Tensor]) -> None:
    """Write all weights of a network."""
    from safetensors.torch import save_file

    plain = {name: value.detach().to("cpu").contiguous().clone() for name, value in weights.items()}
    save_file(plain, folder / "model.safetensors", metadata={"format": "pt"})


def fill(network: nn.Module, folder: Path) -> None:
    """Give ``network`` the weights in ``folder``, an adapter added to those of its encoder.

    Raises:
        ModelDamaged: they are missing, unreadable or do not fit the network.
        ModelError: the encoder that an adapter needs is gone.
    """
    try:
        network.load_state_dict(network_weights(folder), assign=True)
    except RuntimeError as error:
        raise ModelDamaged(
            "The weights must fit config.json and model.json",
            seen=f"{folder}: {str(error).splitlines()[-1].strip()}",
            remedy="Restore the folder from a backup or train the model again",
        ) from error
