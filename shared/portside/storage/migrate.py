"""Bring the database's tables to the state the code expects.

Every app keeps its own chain of Alembic revisions, ``<app>_0001``, ``<app>_0002`` …, in its ``migrations`` folder, and
the core one beside this file. One version table holds where each chain stands. Alembic is driven from here rather than
through an ``env.py``, because there is one database and one way to reach it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.exc import SQLAlchemyError

from portside.apps import AppSpec, load
from portside.errors import StorageError
from portside.storage.engine import Database
from portside.storage.tables import CORE_TABLES

__all__ = ["schema_differences", "upgrade"]

CORE = "core"
CORE_MIGRATIONS = Path(__file__).parent / "migrations"

UPGRADE_LOCK = 0x706F7274
"""Key of the PostgreSQL advisory lock that lets one process upgrade at a time ("port")."""


def upgrade(database: Database, apps: Sequence[AppSpec]) -> None:
    """Run every revision of the core and of ``apps`` that the database has not seen, in one transaction.

    Cheap when there is nothing to do. Several processes may call it at once: one works, the others wait and find
    it done. Chains of apps that are not in ``apps`` are left as they are.

    Raises:
        StorageError: the database was written by a newer Portside, or a revision fails (then nothing is changed).
    """
    script = _revisions(apps)
    chains = (CORE, *(app.name for app in apps))
    with database.read() as connection:
        if not _missing(script, _standing(connection), chains):
            return
    try:
        with _exclusive(database) as connection:
            _run(connection, script, chains)
    except SQLAlchemyError as error:
        raise StorageError(
            "The database's tables must be brought up to date",
            seen=str(error).splitlines()[0],
            remedy="Nothing was changed. Check the disk and the rights of the database's user, then start again",
        ) from error


def schema_differences(database: Database, apps: Sequence[AppSpec]) -> list[Any]:
    """What Alembic would still change to make the tables equal to the code's metadata; empty when all is well."""
    tables = [CORE_TABLES, *(load(app.tables) for app in apps)]
    expected = MetaData()
    for metadata in tables:
        for table in metadata.sorted_tables:
            table.to_metadata(expected)
    with database.read() as connection:
        found: list[Any] = compare_metadata(MigrationContext.configure(connection), expected)
    return found


def _revisions(apps: Sequence[AppSpec]) -> ScriptDirectory:
    folders = [CORE_MIGRATIONS, *(app.folder / app.migrations for app in apps)]
    present = [folder for folder in folders if folder.is_dir()]
    return ScriptDirectory(str(CORE_MIGRATIONS), version_locations=[str(folder) for folder in present])


def _standing(connection: Connection) -> tuple[str, ...]:
    return MigrationContext.configure(connection).get_current_heads()


def _missing(script: ScriptDirectory, standing: Sequence[str], chains: Sequence[str]) -> set[str]:
    """Heads the database has not reached.

    Raises:
        StorageError: it stands on a revision of one of ``chains`` that this code does not have.
    """
    known = {revision.revision for revision in script.walk_revisions()}
    strangers = [head for head in standing if head not in known and head.rpartition("_")[0] in chains]
    if strangers:
        raise StorageError(
            "The database must not be newer than the program",
            seen=f"revision {', '.join(strangers)}",
            remedy="Start the Portside version that wrote this database, or a later one",
        )
    return set(script.get_heads()) - set(standing)


def _run(connection: Connection, script: ScriptDirectory, chains: Sequence[str]) -> None:
    known = {revision.revision for revision in script.walk_revisions()}

    def steps(standing: Any, _context: MigrationContext) -> Any:
        heads = _as_tuple(standing)
        _missing(script, heads, chains)
        # A chain whose app is not installed here stays where it is: Alembic must not see its unknown revisions.
        return script._upgrade_revs("heads", tuple(head for head in heads if head in known))  # type: ignore[arg-type]

    environment = EnvironmentContext(Config(), script, fn=steps)
    environment.configure(connection=connection, transactional_ddl=True)
    with environment:
        environment.run_migrations()


def _as_tuple(standing: Any) -> tuple[str, ...]:
    if standing is None:
        return ()
    return (standing,) if isinstance(standing, str) else tuple(standing)


@contextmanager
def _exclusive(database: Database) -> Iterator[Connection]:
    """A transaction in which this process alone may change tables."""
    if not database.is_sqlite:
        with database.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
            yield connection
        return
    with database.engine.connect().execution_options(portside_writes=True) as connection:
        # SQLite alters a table by copying and dropping it. With foreign keys on, the drop would delete the rows that
        # refer to it; the switch works outside a transaction only.
        raw: Any = connection.connection.driver_connection
        raw.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
                _refuse_broken_links(connection)
        finally:
            raw.execute("PRAGMA foreign_keys=ON")


def _refuse_broken_links(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise StorageError("An upgrade must keep rows that refer to each other", seen=f"a row of table {broken[0]}")
