"""How fast this machine trains this network, measured before the run is planned. Imported lazily."""

from __future__ import annotations

import copy
import json
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from portside.inference.network import autocast
from portside.tasks.recipe import TrainingRecipe
from portside.training.adapter import Rows, TaskAdapter
from portside.training.trainer import build_optimizer

__all__ = ["Speed", "batches_to_time", "choose_precision", "measure"]

FASTER = 1.1
"""How much faster bf16 must measure before it is used."""
QUANTILES = (0.15, 0.5, 0.85)
"""Where in the order of lengths the timed batches are taken: their mean is close to the mean over all batches."""

Speed = Callable[[str], float]
"""Seconds of one training step in the named precision."""


def batches_to_time(rows: Rows, batch_size: int) -> list[list[int]]:
    """Places of a short, a middling and a long batch, in that order."""
    by_length = sorted(range(len(rows)), key=lambda place: rows.lengths[place])
    size = min(batch_size, len(by_length))
    starts = [round(quantile * (len(by_length) - size)) for quantile in QUANTILES]
    return [by_length[start : start + size] for start in starts]


def measure(network: nn.Module, task: TaskAdapter, recipe: TrainingRecipe) -> Speed:
    """A stop-watch over training steps of a copy of ``network``; its weights and the random state stay as they are."""
    rows = task.rows
    batches = [task.collate([rows[place] for place in places]) for places in batches_to_time(rows, recipe.batch_size)]
    micro = recipe.micro_batch_size or recipe.batch_size

    def seconds(precision: str) -> float:
        with torch.random.fork_rng():
            copied = copy.deepcopy(network).train()
            optimizer = build_optimizer(copied, recipe)
            _step(copied, optimizer, batches[1], precision, micro)  # prepares kernels and the optimizer's state
            began = time.perf_counter()
            for batch in batches:
                _step(copied, optimizer, batch, precision, micro)
            return (time.perf_counter() - began) / len(batches)

    return seconds


def choose_precision(wanted: str, speed: Speed, memory: Path) -> tuple[str, float]:
    """The precision to train in and the seconds of a step in it.

    What ``auto`` chose on this machine is remembered in ``memory``: two measurements that come out differently would
    make two trainings with the same seed differ.
    """
    if wanted != "auto":
        return wanted, speed(wanted)
    key = f"{platform.node()}/{torch.__version__}/{torch.get_num_threads()}/{torch.cuda.is_available()}"
    known = _read(memory)
    if key in known:
        return known[key], speed(known[key])
    times = {precision: speed(precision) for precision in ("fp32", "bf16")}
    chosen = "bf16" if times["bf16"] * FASTER < times["fp32"] else "fp32"
    part = memory.with_suffix(".part")
    part.write_text(json.dumps({**known, key: chosen}), encoding="utf-8")
    part.replace(memory)
    return chosen, times[chosen]


def _step(network: nn.Module, optimizer: Any, batch: dict[str, Any], precision: str, micro: int) -> None:
    device = next(network.parameters()).device
    for start in range(0, len(batch["labels"]), micro):
        part = {name: value[start : start + micro].to(device) for name, value in batch.items()}
        with autocast(device, precision):
            loss = network(**part)["loss"]
        loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    if device.type == "cuda":
        torch.cuda.synchronize()


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    names: Sequence[str] = ("fp32", "bf16")
    return {key: value for key, value in found.items() if value in names} if isinstance(found, dict) else {}
