from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, text

from portside.errors import StorageError
from portside.settings import Settings
from portside.storage.engine import Database, open_database
from portside.storage.types import UtcTime

MOMENTS = MetaData()
moments = Table("moments", MOMENTS, Column("id", Integer, primary_key=True), Column("at", UtcTime))


def test_the_embedded_database_is_in_wal_mode_with_foreign_keys(settings: Settings) -> None:
    database = open_database(settings)
    with database.read() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
    assert (settings.home / "portside.db").exists()


@pytest.mark.parametrize("how", ["deleted", "changed", "cascade", "a long one"])
def test_what_is_deleted_leaves_the_files(settings: Settings, how: str) -> None:
    said = "my card number is 4929 1234" * (1_000 if how == "a long one" else 1)  # a long one has pages of its own
    database = open_database(settings)
    with database.begin() as connection:
        for statement in (
            "CREATE TABLE talks (id INTEGER PRIMARY KEY)",
            "CREATE TABLE messages (id INTEGER PRIMARY KEY, text TEXT, "
            "talk INTEGER REFERENCES talks (id) ON DELETE CASCADE)",
            "CREATE INDEX by_text ON messages (text)",
            "INSERT INTO talks VALUES (1)",
        ):
            connection.execute(text(statement))
        for number in range(50):
            words = {"id": number, "text": f"{number} {said}" if number % 2 else f"{number} good morning"}
            connection.execute(text("INSERT INTO messages VALUES (:id, :text, 1)"), words)
    files = [settings.home / name for name in ("portside.db", "portside.db-wal")]
    assert any(b"4929 1234" in path.read_bytes() for path in files)
    change = {"cascade": "DELETE FROM talks", "changed": "UPDATE messages SET text = '-' WHERE id % 2"}
    with database.begin() as connection:
        connection.execute(text(change.get(how, "DELETE FROM messages WHERE id % 2")))
    with database.read() as connection:
        connection.execute(text("ROLLBACK"))
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    assert not any(b"4929 1234" in path.read_bytes() for path in files)
    assert how == "cascade" or any(b"good morning" in path.read_bytes() for path in files)
    database.close()


def test_a_home_that_cannot_be_made_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="PORTSIDE_HOME"):
        open_database(Settings(home=tmp_path / "file" / "home", database_url=""))


def test_a_server_that_does_not_answer_is_refused_without_its_password() -> None:
    url = "postgresql+psycopg://me:sesame@127.0.0.1:1/none"
    with pytest.raises(StorageError, match="PORTSIDE_DATABASE_URL") as refusal:
        open_database(Settings(database_url=url))
    assert "sesame" not in str(refusal.value)


def insert_then_fail(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(insert(moments).values(id=1))
        _ = 1 / 0


def test_a_block_that_raises_is_rolled_back(database: Database) -> None:
    with database.begin() as connection:
        MOMENTS.create_all(connection)
    with pytest.raises(ZeroDivisionError):
        insert_then_fail(database)
    with database.read() as connection:
        assert connection.execute(select(moments)).all() == []


def test_times_come_back_in_utc_and_need_a_zone(database: Database) -> None:
    there = datetime(2026, 3, 1, 12, 30, 0, 250_000, tzinfo=timezone(timedelta(hours=8)))
    with database.begin() as connection:
        MOMENTS.create_all(connection)
        connection.execute(insert(moments).values(id=1, at=there))
    with database.read() as connection:
        back = connection.execute(select(moments.c.at)).scalar_one()
    assert back == there
    assert back.tzinfo is UTC
    with pytest.raises(Exception, match="time zone"), database.begin() as connection:
        connection.execute(insert(moments).values(id=2, at=datetime(2026, 3, 1)))
