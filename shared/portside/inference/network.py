"""Running a network over texts: loading for serving, mean pooling, sorted batches. Imports torch: import it lazily."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from portside.encoders import load_backbone, read_config
from portside.errors import ModelDamaged
from portside.inference.batched import Forward, run_batches
from portside.inference.bert import Bert, can_run
from portside.inference.cuts import Cuts
from portside.inference.pooling import Pooling
from portside.inference.tokens import Tokens

__all__ = [
    "as_forward",
    "autocast",
    "best_device",
    "empty_encoder",
    "mean_pool",
    "pool",
    "pretrained_encoder",
    "read_weights",
    "run",
    "unit_length",
    "use_threads",
]

_IGNORED = ("pooler.", "embeddings.position_ids")


def use_threads(count: int) -> None:
    """Let torch use ``count`` processor threads in this process; 0 leaves its choice."""
    if count > 0 and torch.get_num_threads() != count:
        torch.set_num_threads(count)


def best_device() -> torch.device:
    """The GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def mean_pool(hidden: Tensor, mask: Tensor) -> Tensor:
    """Mean over the real tokens: (batch, tokens, hidden) and (batch, tokens) to (batch, hidden), 32-bit floats."""
    weights = mask.unsqueeze(-1).to(torch.float32)
    return (hidden.to(torch.float32) * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1.0)


def pool(hidden: Tensor, mask: Tensor, how: Pooling) -> Tensor:
    """(batch, tokens, hidden) and (batch, tokens) to (batch, hidden), 32-bit floats."""
    return hidden[:, 0].to(torch.float32) if how == "first" else mean_pool(hidden, mask)


def unit_length(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of length 1, shape (texts, width): their inner product is their cosine."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """Computes in bf16 where ``precision`` says so."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if precision == "bf16" else nullcontext()


def empty_encoder(folder: Path) -> nn.Module:
    """The architecture of ``folder`` for serving, its weights still to be filled in."""
    config = read_config(folder)
    # torch's random numbers belong to whoever set their seed: making a network to fill must not use any up. (The
    # "meta" device would make no numbers at all, but imports half of torch's compiler, which takes seconds.)
    with torch.random.fork_rng(devices=[]):
        network: nn.Module = Bert(config) if can_run(config) else load_backbone(folder, pretrained=False)
    return network.eval()


def pretrained_encoder(folder: Path) -> nn.Module:
    """The encoder in ``folder`` with its weights, ready to serve.

    Raises:
        ModelError: the folder holds an adapter, and the encoder it needs is gone.
    """
    config = read_config(folder)
    if (folder / "adapter_config.json").is_file():
        from portside.inference.lora import network_weights

        network = empty_encoder(folder)
        network.load_state_dict(network_weights(folder), assign=True)
        return network.eval()
    if can_run(config) and (folder / "model.safetensors").is_file():
        weights = {name.removeprefix("bert."): value for name, value in read_weights(folder).items()}
        weights = {name: value for name, value in weights.items() if not name.startswith(_IGNORED)}
        network = empty_encoder(folder)
        if set(weights) == set(network.state_dict()):
            network.load_state_dict(weights, assign=True)
            return network.eval()
    loaded: nn.Module = load_backbone(folder)
    return loaded


def as_forward(network: nn.Module, outputs: Sequence[str], *, device: torch.device, precision: str = "fp32") -> Forward:
    """``network`` as a function of arrays; of its outputs those named come side by side, in 32-bit floats."""

    def forward(*inputs: NDArray[np.int64]) -> NDArray[np.float32]:
        with torch.inference_mode(), autocast(device, precision):
            out = network(*(torch.from_numpy(part).to(device) for part in inputs))
            found = torch.cat([out[name].to(torch.float32) for name in outputs], dim=-1)
        rows: NDArray[np.float32] = found.cpu().numpy()
        return rows

    return forward


def read_weights(folder: Path, name: str = "model.safetensors") -> Mapping[str, Tensor]:
    """The tensors of a safetensors file, in 32-bit floats.

    Raises:
        ModelDamaged: the file is missing or is no whole safetensors file.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = folder / name
    try:
        return {name: value.to(torch.float32) for name, value in load_file(path).items()}
    except (OSError, SafetensorError) as error:
        raise ModelDamaged(
            "A model folder needs its whole weights", seen=f"{path}: {error}", remedy="Restore or retrain the model"
        ) from error


def run(
    forward: Callable[[Tensor, Tensor], Tensor],
    tokens: Tokens,
    texts: Sequence[str],
    *,
    device: torch.device,
    precision: str = "fp32",
    report: Callable[[int], None] | None = None,
    cuts: Cuts | None = None,
) -> NDArray[np.float32]:
    """Rows of ``forward(ids, mask)``, shape (texts, width), in the order of ``texts``; at least one text.

    ``report`` is told how many texts are done after each batch, ``cuts`` which texts were longer than is read.
    """

    def of_batch(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        with torch.inference_mode(), autocast(device, precision):
            out = forward(torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device))
        found: NDArray[np.float32] = out.to("cpu", torch.float32).numpy()
        return found

    return run_batches(of_batch, tokens, texts, report=report, cuts=cuts)
