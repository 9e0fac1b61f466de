from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, inspect, text

from portside.apps import AppSpec
from portside.errors import StorageError
from portside.settings import Settings
from portside.storage.engine import Database, open_database
from portside.storage.migrate import schema_differences, upgrade


def an_app(name: str) -> AppSpec:
    """An app of tests: a package in a temporary folder."""
    package = f"portside_{name}"
    return AppSpec(
        name=name,
        title=name,
        summary="",
        icon="",
        pages=(),
        build=f"{package}:build",
        router="",
        commands="",
        tables=f"{package}:TABLES",
        demo="",
        health="",
    )


@pytest.fixture
def boats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppSpec:
    """An app with two tables that refer to each other, in two revisions; the second recreates the first's table."""
    package = tmp_path / "apps" / "portside_boats"
    (package / "migrations").mkdir(parents=True)
    (package / "__init__.py").write_text(
        "from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table\n"
        "TABLES = MetaData()\n"
        "Table('boats_boat', TABLES, Column('id', Integer, primary_key=True), Column('name', String(20)))\n"
        "Table('boats_trip', TABLES, Column('id', Integer, primary_key=True),\n"
        "      Column('boat', ForeignKey('boats_boat.id', ondelete='CASCADE'), nullable=False))\n"
    )
    (package / "migrations" / "boats_0001.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        "revision = 'boats_0001'\ndown_revision = None\nbranch_labels = ('boats',)\n"
        "def upgrade():\n"
        "    op.create_table('boats_boat', sa.Column('id', sa.Integer, primary_key=True))\n"
        "    op.create_table('boats_trip', sa.Column('id', sa.Integer, primary_key=True),\n"
        "        sa.Column('boat', sa.Integer, sa.ForeignKey('boats_boat.id', ondelete='CASCADE'), nullable=False))\n"
        "    op.execute('INSERT INTO boats_boat (id) VALUES (1)')\n"
        "    op.execute('INSERT INTO boats_trip (id, boat) VALUES (7, 1)')\n"
        "def downgrade(): pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "apps"))
    monkeypatch.delitem(sys.modules, "portside_boats", raising=False)
    return an_app("boats")


SECOND_REVISION = (
    "import sqlalchemy as sa\nfrom alembic import op\n"
    "revision = 'boats_0002'\ndown_revision = 'boats_0001'\nbranch_labels = None\n"
    "def upgrade():\n"
    "    how = 'always' if op.get_bind().dialect.name == 'sqlite' else 'never'\n"
    "    with op.batch_alter_table('boats_boat', recreate=how) as batch:\n"
    "        batch.add_column(sa.Column('name', sa.String(20)))\n"
    "def downgrade(): pass\n"
)


def add_second_revision(app: AppSpec) -> None:
    (app.folder / "migrations" / "boats_0002.py").write_text(SECOND_REVISION)


def trips(database: Database) -> list[int]:
    with database.read() as connection:
        return list(connection.execute(text("SELECT id FROM boats_trip")).scalars())


def test_upgraded_tables_equal_the_metadata_of_core_and_every_app(
    database: Database, database_apps: tuple[AppSpec, ...]
) -> None:
    assert schema_differences(database, database_apps) == []


def test_a_table_that_no_revision_makes_is_a_difference(database: Database, database_apps: tuple[AppSpec, ...]) -> None:
    with database.begin() as connection:
        Table("core_stray", MetaData(), Column("id", Integer, primary_key=True)).create(connection)
    assert [difference[0] for difference in schema_differences(database, database_apps)] == ["remove_table"]


def test_upgrading_twice_changes_nothing(database: Database, database_apps: tuple[AppSpec, ...]) -> None:
    upgrade(database, database_apps)
    assert schema_differences(database, database_apps) == []


def test_an_app_that_comes_later_gets_its_tables(database: Database, boats: AppSpec) -> None:
    upgrade(database, [boats])
    assert trips(database) == [7]


def test_a_recreated_table_keeps_the_rows_that_refer_to_it(sqlite_database: Database, boats: AppSpec) -> None:
    upgrade(sqlite_database, [boats])
    add_second_revision(boats)
    upgrade(sqlite_database, [boats])
    assert trips(sqlite_database) == [7]
    assert "name" in {column["name"] for column in inspect(sqlite_database.engine).get_columns("boats_boat")}
    with sqlite_database.read() as connection:
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1


def test_an_app_that_is_gone_does_not_stop_the_others(database: Database, boats: AppSpec) -> None:
    upgrade(database, [boats])
    upgrade(database, [])
    assert trips(database) == [7]


def test_a_database_of_a_newer_program_is_refused(database: Database, boats: AppSpec) -> None:
    add_second_revision(boats)
    upgrade(database, [boats])
    (boats.folder / "migrations" / "boats_0002.py").unlink()
    with pytest.raises(StorageError, match="boats_0002"):
        upgrade(database, [boats])


def test_a_revision_that_fails_leaves_nothing_behind(database: Database, boats: AppSpec) -> None:
    broken = boats.folder / "migrations" / "boats_0001.py"
    broken.write_text(broken.read_text().replace("(id, boat) VALUES", "(id, boot) VALUES"))
    with pytest.raises(StorageError, match="up to date"):
        upgrade(database, [boats])
    assert not {name for name in inspect(database.engine).get_table_names() if name.startswith("boats_")}


def test_threads_that_upgrade_at_once_make_the_tables_once(database: Database, boats: AppSpec) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: upgrade(database, [boats]), range(4)))
    assert trips(database) == [7]


@pytest.mark.slow
def test_processes_that_upgrade_at_once_make_the_tables_once(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from portside.settings import Settings\n"
        "from portside.storage.engine import open_database; from portside.storage.migrate import upgrade\n"
        f"upgrade(open_database(Settings(home=Path({str(tmp_path)!r}), database_url='')), [])\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert schema_differences(open_database(Settings(home=tmp_path, database_url="")), []) == []
