"""What a trained version says of itself in ``card.json``."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib import metadata
from typing import TYPE_CHECKING, Any

from portside.encoders import EncoderSource
from portside.tasks.recipe import TrainingRecipe

if TYPE_CHECKING:
    from portside.training.fit import Fitted

__all__ = ["training_card"]

LIBRARIES = ("portside", "torch", "transformers", "tokenizers", "safetensors", "peft")


def training_card(
    recipe: TrainingRecipe,
    source: EncoderSource,
    fitted: Fitted,
    parent: str | None,
    *,
    task: str,
    own: Mapping[str, Any],
) -> dict[str, Any]:
    """The card of a fine-tuned model: the task's ``own`` part, the recipe, how the training went, versions."""
    return {
        "task": task,
        "method": recipe.method,
        "parent": parent,
        "encoder": {"name": source.name, "kind": source.kind, "sha256": source.sha256},
        **({} if fitted.adapter is None else {"adapter": fitted.adapter}),
        **own,
        "recipe": asdict(recipe),
        "training": {
            "steps": fitted.steps,
            "planned_steps": fitted.plan.expected_steps,
            "epochs": round(fitted.steps / fitted.plan.steps_per_epoch, 2),
            "best_step": fitted.best.step,
            "stopped": fitted.stopped,
            # The recipe tells what was asked for: without this it would tell of a second look that was left out.
            **({"looks_once": True} if fitted.plan.looks_once else {}),
            "seconds": round(fitted.seconds + fitted.earlier_seconds, 1),
            "texts_per_second": round(fitted.steps * recipe.batch_size / max(fitted.seconds, 1e-9), 1),
            "precision": fitted.precision,
            "history": fitted.best.history,
        },
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in LIBRARIES}},
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"
