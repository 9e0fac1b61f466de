"""One model version, as callers hold it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["ModelVersion"]


@dataclass(frozen=True)
class ModelVersion:
    """An immutable folder of weights, tokenizer and ``card.json``."""

    name: str
    version: int
    folder: Path
    card: Mapping[str, Any]
    """What ``card.json`` says: labels in their order, recipe, data, metrics and more."""

    @property
    def ref(self) -> str:
        """``name:version``, which names this version everywhere."""
        return f"{self.name}:{self.version}"

    @property
    def validation(self) -> Mapping[str, Any]:
        """What its training measured on validation rows (``accuracy``, ``n`` and more); empty where it did not."""
        metrics = self.card.get("metrics")
        found = metrics.get("validation") if isinstance(metrics, Mapping) else None
        return found if isinstance(found, Mapping) else {}
