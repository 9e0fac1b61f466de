"""An import that is killed at any moment leaves a store that works, and the same import again completes it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from portside.apps import find_app, load
from portside.settings import Settings
from portside.storage.engine import open_database

SAMPLES = Path(__file__).parents[1] / "data_samples"
KILLS = 2
BOOKKEEPING = {"version", "generation"}
"""Columns that count changes or name a file: an import in two goes leaves others there."""


@dataclass(frozen=True)
class Import:
    """A released command that imports, and the tables that it fills."""

    app: str
    words: tuple[str, ...]
    fills: str

    def __str__(self) -> str:
        return " ".join(self.words[:2])


IMPORTS = (
    Import("finance", ("finance", "ingest", f"{SAMPLES}/finance/headlines.csv.gz", "--no-score"), "finance_headlines"),
    Import(
        "recommend",
        (
            *("recommend", "ingest"),
            *("--items", f"{SAMPLES}/recommend/items.csv"),
            *("--events", f"{SAMPLES}/recommend/events.csv.gz"),
        ),
        "recommend_events",
    ),
    Import("support", ("support", "import-kb", f"{SAMPLES}/support/kb"), "support_passages"),
)


def start(words: tuple[str, ...], settings: Settings) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    environment |= {"PORTSIDE_HOME": str(settings.home), "PORTSIDE_ENCODER": settings.encoder}
    return subprocess.Popen(
        [sys.executable, "-m", "portside.cli", *words],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(words: tuple[str, ...], settings: Settings) -> None:
    process = start(words, settings)
    _, told = process.communicate(timeout=240)
    assert process.returncode == 0, told


def content(settings: Settings, app: str) -> dict[str, list[Mapping[str, Any]]]:
    """Rows of every table of the app, without the times at which they were written."""
    database = open_database(settings)
    try:
        with database.read() as connection:
            return {
                name: [
                    {
                        column: value
                        for column, value in row.items()
                        if not isinstance(value, (datetime, date)) and column not in BOOKKEEPING
                    }
                    for row in connection.execute(sqlalchemy.select(table).order_by(*table.primary_key)).mappings()
                ]
                for name, table in load(find_app(app).tables).tables.items()
            }
    finally:
        database.close()


def assert_usable(settings: Settings, app: str) -> None:
    database = open_database(settings)
    try:
        with database.read() as connection:
            assert connection.execute(sqlalchemy.text("PRAGMA integrity_check")).scalar() == "ok"
            assert connection.execute(sqlalchemy.text("PRAGMA foreign_key_check")).first() is None
    finally:
        database.close()
    assert load(find_app(app).health)(settings)


@pytest.mark.slow
@pytest.mark.parametrize("given", IMPORTS, ids=str)
def test_a_killed_import_is_completed_by_the_next(given: Import, tiny_encoder: Path, tmp_path: Path) -> None:
    # A tiny encoder, so that most of the time is spent writing, which is where a kill can do harm.
    whole, cut = (Settings(home=tmp_path / name, encoder=str(tiny_encoder)) for name in ("whole", "cut"))
    began = time.monotonic()
    finish(given.words, whole)
    took = time.monotonic() - began
    wanted = content(whole, given.app)
    assert wanted[given.fills]
    moments = random.Random(7)
    for _ in range(KILLS):
        process = start(given.words, cut)
        # Starting Python takes the first part of the time; nothing of interest happens there.
        time.sleep(took * moments.uniform(0.4, 1.0))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if (cut.home / "portside.db").is_file():
            assert_usable(cut, given.app)
    finish(given.words, cut)
    assert content(cut, given.app) == wanted
