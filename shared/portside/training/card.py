"""What a trained version says of itself in ``card.json``."""

from __future__ import annotations

import platform
from collections import Counter
from dataclasses import asdict
from importlib import metadata
from typing import TYPE_CHECKING, Any

from portside.encoders import EncoderSource
from portside.evaluation.intervals import wilson
from portside.tasks.classification import ClassificationRecipe, LabelledTexts
from portside.training.material import Material

if TYPE_CHECKING:
    from portside.training.fit import Fitted

__all__ = ["classification_card"]

LIBRARIES = ("portside", "torch", "transformers", "tokenizers", "safetensors")


def classification_card(
    recipe: ClassificationRecipe,
    dataset: LabelledTexts,
    *,
    source: EncoderSource,
    material: Material,
    fitted: Fitted,
    parent: str | None,
) -> dict[str, Any]:
    """The card of a classifier: labels in their order, recipe, data, metrics, how the training went, versions."""
    rows = len(material.texts)
    validation = fitted.validation
    accuracy = f", {100 * validation['accuracy']:.1f} % right on validation rows" if validation else ""
    counts = Counter(example.label for example in dataset.examples)
    return {
        "summary": f"Tells {len(material.labels)} labels apart; {source.name} fine-tuned on {rows:,} texts{accuracy}",
        "task": "classification",
        "method": "full",
        "labels": list(material.labels),
        "parent": parent,
        "encoder": {"name": source.name, "kind": source.kind, "sha256": source.sha256},
        "metrics": {} if validation is None else {"validation": _metrics(validation, len(material.valid_texts))},
        "data": {
            "source": dataset.source,
            "content_hash": dataset.content_hash,
            "rows": len(dataset.examples),
            "trained_on": rows,
            "validation": material.validation,
            "longer_than_limit": fitted.cut,
            "rows_per_label": {label: counts[label] for label in material.labels},
        },
        "recipe": asdict(recipe),
        "training": {
            "steps": fitted.steps,
            "planned_steps": fitted.plan.expected_steps,
            "epochs": round(fitted.steps / fitted.plan.steps_per_epoch, 2),
            "best_step": fitted.best.step,
            "stopped": fitted.stopped,
            "seconds": round(fitted.seconds, 1),
            "texts_per_second": round(fitted.steps * recipe.batch_size / max(fitted.seconds, 1e-9), 1),
            "precision": fitted.precision,
            "history": fitted.best.history,
        },
        "limits": {"max_tokens": fitted.tokens.max_tokens},
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in LIBRARIES}},
    }


def _metrics(validation: dict[str, float], n: int) -> dict[str, Any]:
    low, high = wilson(round(validation["accuracy"] * n), n)
    return {
        "accuracy": validation["accuracy"],
        "accuracy_ci95": [low, high],
        "macro_f1": validation["macro_f1"],
        "loss": validation["loss"],
        "n": n,
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"
