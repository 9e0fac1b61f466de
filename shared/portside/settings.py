"""What the environment may say, read in one place.

Every value can be set as ``PORTSIDE_<NAME>`` in the environment; nothing else in Portside reads the environment.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["Settings", "load_settings"]


class Settings(BaseSettings):
    """Where Portside keeps things and how it listens. Immutable, hashable, passed as an argument."""

    model_config = SettingsConfigDict(env_prefix="PORTSIDE_", frozen=True, extra="ignore")

    home: Path = Field(default=Path(".portside"), description="folder of the database, models, indexes and logs")
    database_url: str = Field(
        default="",
        description="SQLAlchemy URL (postgresql+psycopg://…); empty: SQLite in the home folder",
    )
    samples: Path = Field(default=Path("data_samples"), description="folder of the sample data the demo trains on")
    encoder: str = Field(
        default="",
        description="pretrained weights: folder, name of an adapted encoder or hub id; empty: the bundled encoder",
    )
    host: str = Field(default="127.0.0.1", description="address to listen on; loopback unless told otherwise")
    port: int = Field(default=8501, ge=1, le=65535, description="TCP port of the pages and the API")
    actor: str = Field(default="", description="who is named in histories; empty: the operating system's user")
    threads: int = Field(default=0, ge=0, description="processor threads for models; 0: all that this process may use")
    compile_on_promotion: bool = Field(
        default=True,
        description="let the worker find faster engines for promoted models and the encoder; answers stay as they are",
    )

    @property
    def models_dir(self) -> Path:
        """Folder of all model versions."""
        return self.home / "models"

    @property
    def indexes_dir(self) -> Path:
        """Folder of all retrieval indexes."""
        return self.home / "indexes"

    @property
    def jobs_dir(self) -> Path:
        """Folder of job logs."""
        return self.home / "jobs"

    @property
    def runs_dir(self) -> Path:
        """Folder of unfinished training runs, from which ``--resume`` continues."""
        return self.home / "runs"

    @property
    def searches_dir(self) -> Path:
        """Folder of the studies of hyper-parameter searches."""
        return self.home / "searches"

    @property
    def uploads_dir(self) -> Path:
        """Folder of files that were given on the models page."""
        return self.home / "uploads"

    @property
    def suites_dir(self) -> Path:
        """Folder of the user's own suites of behaviour tests."""
        return self.home / "suites"


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        pydantic.ValidationError: a ``PORTSIDE_*`` variable has a value that cannot be.
    """
    return Settings()
