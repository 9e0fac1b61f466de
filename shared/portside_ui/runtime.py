"""What this process serves: its settings, apps and job queue, told once by the server, read by the pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from portside.apps import AppSpec, find_apps
from portside.jobs import JobQueue
from portside.registry import ModelRegistry
from portside.settings import Settings, load_settings
from portside.storage.engine import Database, open_database

__all__ = ["Runtime", "configure", "current"]


@dataclass(frozen=True)
class Runtime:
    """The collaborators that every page of this process shares."""

    settings: Settings
    apps: tuple[AppSpec, ...]

    @cached_property
    def database(self) -> Database:
        """The suite's database."""
        return open_database(self.settings)

    @cached_property
    def jobs(self) -> JobQueue:
        """Background work."""
        return JobQueue(self.database, logs=self.settings.jobs_dir)

    @cached_property
    def registry(self) -> ModelRegistry:
        """Model versions."""
        return ModelRegistry(self.settings.models_dir)


_runtime: Runtime | None = None


def configure(settings: Settings, apps: Sequence[AppSpec]) -> Runtime:
    """Say what this process serves. Later calls replace earlier ones."""
    global _runtime  # noqa: PLW0603  Streamlit re-runs the script; only a module outlives a run
    _runtime = Runtime(settings, tuple(apps))
    return _runtime


def current() -> Runtime:
    """What this process serves; from the environment where no server said so (``streamlit run``)."""
    return _runtime or configure(load_settings(), find_apps())
