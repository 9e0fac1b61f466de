"""What a model folder says of itself in ``model.json``: the task, the label order, how many tokens it reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from portside.errors import ModelDamaged, ModelError

__all__ = [
    "ADAPTER_FORMAT",
    "FORMAT",
    "BaseEncoder",
    "ModelFile",
    "base_of",
    "read_model_file",
    "task_of",
    "write_model_file",
]

FORMAT = 1
"""Of a folder that holds all its weights. Raised when earlier versions of Portside cannot read what is written; whoever
raises it keeps reading the formats from ``OLDEST`` on, here."""
ADAPTER_FORMAT = 2
"""Of a folder whose weights are added to those of an encoder elsewhere."""
OLDEST = 1
FILE_NAME = "model.json"
DEFAULT_MAX_TOKENS = 256


@dataclass(frozen=True)
class BaseEncoder:
    """The pretrained weights that an adapter is added to."""

    reference: str
    """What ``resolve_encoder`` finds it by."""
    kind: str
    """``bundled``, ``folder`` or ``hub``."""
    name: str
    sha256: str
    """Of its weights."""


@dataclass(frozen=True)
class ModelFile:
    """The part of a model that is neither weights nor tokenizer."""

    task: str
    """``classification``, ``tagging``, ``encoder``, …"""
    max_tokens: int
    """Tokens read of each text, the special ones included."""
    labels: tuple[str, ...] = ()
    """In the order of the head's outputs; empty for an encoder."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What else the task needs to know of this model. ``also`` lists further tasks that the folder serves: a fine-tuned
    sentence encoder is one whatever its own task is."""
    format: int = FORMAT
    base: BaseEncoder | None = None
    """Where the folder holds an adapter: what it is added to."""


def write_model_file(folder: Path, model: ModelFile) -> None:
    """Write ``model.json``."""
    (folder / FILE_NAME).write_text(json.dumps(asdict(model), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def read_model_file(folder: Path, *, task: str) -> ModelFile:
    """Read ``model.json``; a plain pretrained folder without one counts as an encoder.

    Raises:
        ModelError: the folder is of another task, or of a format that this version does not read.
        ModelDamaged: the file cannot be read.
    """
    path = folder / FILE_NAME
    found = _parse(path) if path.is_file() or task != "encoder" else _pretrained(folder)
    if task not in (found.task, *found.options.get("also", ())):
        raise ModelError(
            f"A model for {task} is needed here",
            seen=f"{folder.name} is a model for {found.task}",
            remedy="See the models and their tasks with: portside models list",
        )
    return found


def task_of(folder: Path) -> str:
    """The task of the model in ``folder``.

    Raises:
        ModelError: the folder is of a format that this version does not read.
        ModelDamaged: its ``model.json`` cannot be read.
    """
    return _parse(folder / FILE_NAME).task


def base_of(folder: Path) -> BaseEncoder | None:
    """What the adapter in ``folder`` is added to; None for a model that holds all its weights.

    Raises:
        ModelDamaged: its ``model.json`` cannot be read.
    """
    return _parse(folder / FILE_NAME).base


def _parse(path: Path) -> ModelFile:
    try:
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        # First of all: nothing else need be as this version knows it.
        number = int(raw["format"])
        if not OLDEST <= number <= ADAPTER_FORMAT:
            raise _other_format(number, path)
        labels = tuple(str(label) for label in raw["labels"])
        options = dict(raw.get("options", {}))
        base = None if raw.get("base") is None else BaseEncoder(**raw["base"])
        return ModelFile(str(raw["task"]), int(raw["max_tokens"]), labels, options, number, base)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelDamaged(
            "A model folder needs a readable model.json",
            seen=f"{path}: {type(error).__name__} {error}",
            remedy="Restore the folder from a backup or train the model again",
        ) from error


def _other_format(number: int, path: Path) -> ModelError:
    newer = number > ADAPTER_FORMAT
    return ModelError(
        f"This version of Portside reads model folders of format {OLDEST} to {ADAPTER_FORMAT}",
        seen=f"format {number} in {path}",
        remedy=f"{'Update Portside' if newer else 'Use the version that card.json names'}, or train the model again",
    )


def _pretrained(folder: Path) -> ModelFile:
    # sentence-transformers notes there how much of a text the weights were trained to read.
    path = folder / "sentence_bert_config.json"
    try:
        limit = int(json.loads(path.read_text(encoding="utf-8"))["max_seq_length"])
    except (OSError, ValueError, KeyError, TypeError):
        limit = DEFAULT_MAX_TOKENS
    return ModelFile("encoder", limit)
