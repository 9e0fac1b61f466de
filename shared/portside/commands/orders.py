"""What the commands that train have in common: who orders which model, and what was registered, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portside.said import said

if TYPE_CHECKING:
    from portside.progress import Progress
    from portside.registry import ModelVersion
    from portside.settings import Settings
    from portside.training.run import Order

__all__ = ["order_of", "print_registered"]

UNLESS_GIVEN = (
    said("trained from the command line"),
    said("adapted from the command line"),
    said("the best recipe of a search"),
)
"""What the history says where nobody gave a reason: pages say it in their own language."""


def order_of(
    settings: Settings, name: str, progress: Progress, *, reason: str, promote: bool | None, resume: bool = False
) -> Order:
    """An order of the person who runs the command, kept in the home folder."""
    from portside.registry import ModelRegistry
    from portside.registry.actor import current_actor
    from portside.training.run import Order

    return Order(
        registry=ModelRegistry(settings.models_dir),
        name=name,
        runs_dir=settings.runs_dir,
        progress=progress,
        actor=current_actor(settings),
        reason=next((usual for usual in UNLESS_GIVEN if usual == reason), reason),
        promote=promote,
        resume=resume,
        threads=settings.threads,
    )


def print_registered(version: ModelVersion) -> None:
    """What was registered, as JSON."""
    from portside.console import as_json

    as_json({"model": version.name, "version": version.version, "folder": version.folder, "card": version.card})
