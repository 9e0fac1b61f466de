"""A small shop on fakes: lamps and tea, people who like one or the other, an encoder that counts words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from portside.apps import AppSpec
from portside.inference.interfaces import FakeEncoder
from portside.inference.threads import prepare_threads
from portside.storage.engine import Database
from portside_recommend import APP
from portside_recommend.config import RecommendConfig
from portside_recommend.library import Library
from portside_recommend.records import Item
from portside_recommend.service import RecommendService
from portside_recommend.store import RecommendStore

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
LAMPS = ["brass desk lamp", "garden lamp solar", "oak floor lamp", "paper lamp shade", "bedside lamp dimmer"]
TEAS = ["green tea leaves", "black tea tin", "mint tea bags", "white tea pearls", "oolong tea cake"]


@pytest.fixture(scope="session", autouse=True)
def _sleeping_threads() -> None:
    """Before any test here loads torch: spinning threads make a tiny training take a minute on a busy machine."""
    prepare_threads()


@pytest.fixture
def database_apps() -> tuple[AppSpec, ...]:
    return (APP,)


@pytest.fixture
def items() -> list[Item]:
    made = [Item(f"L{n}", title, "light for a room", "Lamps", price=20.0 + n) for n, title in enumerate(LAMPS)]
    made += [Item(f"T{n}", title, "a warm drink", "Tea", added_at=NOW) for n, title in enumerate(TEAS)]
    return made


@pytest.fixture
def events() -> pd.DataFrame:
    """Twelve people who buy lamps, twelve who buy tea; each three things on three days, person 0 of each two."""
    rows = []
    for person in range(24):
        kind = "L" if person < 12 else "T"
        for step in range(2 if person in (0, 12) else 3):
            at = NOW - timedelta(days=30 - 5 * step, minutes=person)
            item = f"{kind}{(person + step) % 5}"
            rows.append((f"u{person}", item, "purchase", 1.0, int(at.timestamp() * 1000), True, len(rows)))
    return pd.DataFrame(rows, columns=["user_id", "item_id", "event", "value", "at", "timed", "line"])


@pytest.fixture
def make_service(tmp_path: Path) -> Callable[[Database], RecommendService]:
    def make(database: Database) -> RecommendService:
        encoder = FakeEncoder()
        return RecommendService(
            store=RecommendStore(database),
            library=Library(tmp_path / "library"),
            encoder=lambda: encoder,
            pretrained=encoder,
            config=RecommendConfig(),
            clock=lambda: NOW,
        )

    return make


@pytest.fixture
def empty_service(sqlite_database: Database, make_service: Callable[[Database], RecommendService]) -> RecommendService:
    return make_service(sqlite_database)


@pytest.fixture
def service(empty_service: RecommendService, items: list[Item], events: pd.DataFrame) -> RecommendService:
    """The shop with all that was learned from its events."""
    from portside.progress import NullProgress

    empty_service.add_items(items)
    empty_service.store.put_events(events)
    empty_service.learn(None, NullProgress())
    return empty_service
