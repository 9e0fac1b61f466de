"""A finance monitor on fakes: keyword models, five companies, a clock that stands still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from portside.apps import AppSpec
from portside.inference.interfaces import FakeClassifier
from portside.storage.engine import Database
from portside_finance import APP
from portside_finance.config import FinanceConfig
from portside_finance.fetch import FakeFetcher
from portside_finance.headlines import ColumnMapping, check_row
from portside_finance.linking import CompanyLinker
from portside_finance.records import Company, NewHeadline
from portside_finance.service import FinanceService
from portside_finance.store import FinanceStore

NOW = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)
COMPANIES = (
    Company("AAPL", "Apple Inc.", (), "Technology"),
    Company("FRD", "Ford Motor", ("Ford",), "Cars"),
    Company("NGB", "Northgate Bank", ("Northgate",), "Banking"),
    Company("NGF", "Northgate Foods", ("Northgate",), "Food"),
    Company("TGT", "Target Corporation", (), "Retail"),
)
MAPPING = ColumnMapping("headline", "published_at", "source", "url")


def headline(text: str, at: datetime, source: str = "Wire", url: str = "") -> NewHeadline:
    row = {"headline": text, "published_at": at.isoformat(), "source": source, "url": url}
    return check_row(row, MAPPING, now=NOW + timedelta(days=1), config=FinanceConfig().ingest)


@pytest.fixture
def database_apps() -> tuple[AppSpec, ...]:
    return (APP,)


@pytest.fixture
def store(database: Database) -> FinanceStore:
    """On both back ends."""
    return FinanceStore(database)


def reads_sentiment() -> FakeClassifier:
    words = {"loss": "negative", "recall": "negative", "cuts": "negative", "profit": "positive", "beats": "positive"}
    return FakeClassifier(words, ("neutral", "negative", "positive"), model="finance-sentiment:1")


def reads_topics() -> FakeClassifier:
    words = {"recall": "products", "profit": "earnings", "loss": "earnings", "beats": "earnings"}
    return FakeClassifier(words, ("markets", "products", "earnings"), model="finance-topics:1")


@pytest.fixture
def sentiment() -> FakeClassifier:
    return reads_sentiment()


@pytest.fixture
def topic() -> FakeClassifier:
    return reads_topics()


@pytest.fixture
def service(
    sqlite_database: Database, sentiment: FakeClassifier, topic: FakeClassifier, tmp_path: Path
) -> FinanceService:
    return make_service(FinanceStore(sqlite_database), sentiment, topic, tmp_path)


def make_service(store: FinanceStore, sentiment: FakeClassifier, topic: FakeClassifier, folder: Path) -> FinanceService:
    store.save_companies(COMPANIES, replace=True)
    config = replace(FinanceConfig(), page_rows=10)
    return FinanceService(store, sentiment, topic, FakeFetcher(), config, folder / "uploads", "ann", lambda: NOW)


def add(store: FinanceStore, rows: Sequence[NewHeadline]) -> None:
    store.headlines.add(rows, CompanyLinker(store.companies()), FinanceConfig().stories, NOW)


QUIET = (
    "shares little changed",
    "opens an office",
    "names a new treasurer",
    "hosts its yearly meeting",
    "signs a lease",
)


def calm_weeks(days: int = 40, until: datetime = NOW) -> list[NewHeadline]:
    """Ten neutral stories a day, all in different words, and one negative one every other day."""
    rows = []
    for back in range(days, 0, -1):
        at = until - timedelta(days=back)
        for number in range(10):
            name = f"Firm{back}x{number}"
            rows.append(
                headline(f"{name} {QUIET[number % 5]} number{number} day{back}", at + timedelta(minutes=number))
            )
        if back % 2:
            rows.append(headline(f"Firm{back}z reports a loss after week {back}", at))
    return rows


def surge(day: datetime, count: int = 12, company: str = "Ford") -> list[NewHeadline]:
    """Many different negative stories about one company on one day."""
    plants = [
        "brakes",
        "doors",
        "airbags",
        "engines",
        "seats",
        "tyres",
        "lamps",
        "wheels",
        "pumps",
        "belts",
        "keys",
        "mirrors",
    ]
    return [
        headline(f"{company} to recall cars over {plants[n % 12]} in region{n}", day + timedelta(minutes=n))
        for n in range(count)
    ]


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """The builders above, for tests that are no modules of a package."""
    return SimpleNamespace(
        now=NOW,
        headline=headline,
        add=add,
        calm_weeks=calm_weeks,
        surge=surge,
        service=make_service,
        sentiment=reads_sentiment,
        topic=reads_topics,
        companies=COMPANIES,
    )
