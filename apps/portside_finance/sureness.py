"""From where on the sentiment model may be relied upon, by the rows that were kept aside when it was trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from portside.errors import ModelError
from portside.evaluation.kept_promise import promise_on_kept
from portside.evaluation.risk import RiskPromise
from portside.registry import ModelRegistry

__all__ = ["RISK", "Sureness", "sureness_reader"]

RISK = 0.05
"""Share of the headlines relied upon that may be read wrongly."""


@dataclass(frozen=True)
class Sureness:
    """What can be promised of one version."""

    model: str
    promise: RiskPromise | None
    """Of texts like those it learned from. None: it keeps no rows that it answered without having learned from them."""


def sureness_reader(registry: ModelRegistry, name: str) -> Callable[[], Sureness | None]:
    """Gives what can be promised of the version of ``name`` that serves; None while there is none."""

    @lru_cache(maxsize=8)  # a version never changes
    def read(model: str, folder: Path) -> Sureness | None:
        try:
            found = promise_on_kept(folder, risk=RISK, familiar=True)
        except ModelError:
            return None
        return Sureness(model, found.promise if found is not None and found.by_model else None)

    def serving() -> Sureness | None:
        try:
            version = registry.resolve(name)
        except ModelError:
            return None
        return read(version.ref, version.folder)

    return serving
