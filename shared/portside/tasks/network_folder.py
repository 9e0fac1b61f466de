"""A fine-tuned network's files, whatever its task. Imports torch: import it lazily."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from torch import nn

from portside.errors import ModelDamaged
from portside.inference.folder import ModelFile, write_model_file
from portside.inference.network import read_weights
from portside.inference.tokens import Tokens

__all__ = ["fill", "save_network"]


def save_network(
    folder: Path, network: nn.Module, tokens: Tokens, config: Mapping[str, object], model: ModelFile
) -> None:
    """Write weights, the encoder's ``config``, tokenizer and ``model.json``: all that serving needs."""
    from safetensors.torch import save_file

    weights = {name: value.detach().to("cpu").contiguous().clone() for name, value in network.state_dict().items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(dict(config), indent=2) + "\n", encoding="utf-8")
    tokens.save(folder)
    write_model_file(folder, model)


def fill(network: nn.Module, folder: Path) -> None:
    """Give ``network`` the weights in ``folder``.

    Raises:
        ModelDamaged: they are missing, unreadable or do not fit the network.
    """
    try:
        network.load_state_dict(read_weights(folder), assign=True)
    except RuntimeError as error:
        raise ModelDamaged(
            "The weights must fit config.json and model.json",
            seen=f"{folder}: {str(error).splitlines()[-1].strip()}",
            remedy="Restore the folder from a backup or train the model again",
        ) from error
