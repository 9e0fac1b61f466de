"""What a search returns."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Hit"]


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found. ``score`` grows with likeness; its scale belongs to the index that gave it."""

    id: str
    score: float
