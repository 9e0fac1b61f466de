"""Open the database: SQLite in WAL mode in the home folder, or whatever ``PORTSIDE_DATABASE_URL`` names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError

from portside.errors import StorageError
from portside.settings import Settings

__all__ = ["Database", "open_database"]

BUSY_TIMEOUT_MS = 30_000
"""How long a SQLite writer waits for another: longer than any transaction of ours, shorter than a user's patience."""


class Database:
    """Connections to one database. Safe to share between threads; every ``begin()`` is its own transaction."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction: committed at the end of the block, rolled back when the block raises.

        On SQLite it takes the write lock at once (``BEGIN IMMEDIATE``), so that read-then-write never fails half-way.
        """
        with self.engine.connect().execution_options(portside_writes=True) as connection, connection.begin():
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading only; never waits for writers on SQLite."""
        with self.engine.connect() as connection:
            yield connection

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def open_database(settings: Settings) -> Database:
    """Open the database that the settings name. Tables are made by ``storage.migrate.upgrade``.

    Raises:
        StorageError: the home folder cannot be made or the database does not answer.
    """
    url = settings.database_url
    if not url:
        try:
            settings.home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                "The home folder must be a folder that can be written",
                seen=f"{settings.home}: {error.strerror}",
                remedy="Set PORTSIDE_HOME to a folder of your own",
            ) from error
        url = f"sqlite:///{(settings.home / 'portside.db').resolve()}"
    arguments: dict[str, Any] = {"pool_pre_ping": True}
    if url.startswith("sqlite"):
        arguments = {"connect_args": {"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False}}
    engine = create_engine(url, **arguments)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    try:
        with engine.connect():
            pass
    except OperationalError as error:
        raise StorageError(
            "The database must answer",
            seen=f"{engine.url.render_as_string(hide_password=True)}: {str(error.orig).strip()}",
            remedy="Check PORTSIDE_DATABASE_URL, or unset it to use the embedded database",
        ) from error
    return Database(engine)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own transaction control would begin deferred transactions behind our back.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "foreign_keys=ON",
        # What people wrote and then deleted is overwritten, also in pages that are free then.
        "secure_delete=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("portside_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
