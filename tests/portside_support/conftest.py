"""A support desk on fakes: three intents, two answers, two articles, a clock that stands still until told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from portside.apps import AppSpec
from portside.inference.interfaces import FakeClassifier, FakeEncoder
from portside.progress import NullProgress
from portside.storage.engine import Database
from portside_support import APP
from portside_support.articles import parse_article
from portside_support.config import SupportConfig
from portside_support.knowledge import KnowledgeBase
from portside_support.records import Intent, Slot, Template, Trust
from portside_support.service import Stores, SupportService
from portside_support.store import SupportStore
from portside_support.store_content import ContentStore
from portside_support.store_figures import FigureStore
from portside_support.store_tickets import TicketStore

RETURNS = """---
title: Returning an item
slug: returning-an-item
category: Returns
updated: 2026-05-01
url: https://shop.example/help/returning
---
## How long you have
You can return an unused tent or boots within 60 days of delivery.

## Who pays the postage
Return postage is free with the label in the parcel.
"""
WARRANTY = """---
title: Warranty
slug: warranty
category: Repairs
updated: 2026-04-01
url: /help/warranty
---
## What the warranty covers
The warranty covers broken zips, seams and poles for five years.
"""
TEMPLATES = (
    Template("opening_hours", "en", "We are open from nine to six.", "Ada"),
    Template("track_order", "en", "Order {order_number} is at https://shop.example/track/{order_number}.", "Ben"),
)
SLOTS = {"order_number": Slot("order_number", "regex", r"LM-[0-9]{7}", "What is your order number?")}
LABELS = ("opening_hours", "out_of_scope", "talk_to_human", "track_order")
KEYWORDS = {"open": "opening_hours", "parcel": "track_order", "colleague": "talk_to_human", "weather": "out_of_scope"}


@dataclass
class SteppingClock:
    """Time that passes a second at every look, so that order can be seen."""

    now: datetime = field(default_factory=lambda: datetime(2026, 6, 15, 12, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def database_apps() -> tuple[AppSpec, ...]:
    return (APP,)


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


def stores_on(database: Database, clock: SteppingClock) -> Stores:
    return Stores(
        SupportStore(database, clock),
        TicketStore(database, clock),
        ContentStore(database, clock),
        FigureStore(database),
    )


@pytest.fixture
def stores(sqlite_database: Database, clock: SteppingClock) -> Stores:
    """Stores on the embedded database, empty."""
    return stores_on(sqlite_database, clock)


def desk_on(stores: Stores, folder: Path, clock: SteppingClock, **changes: object) -> SupportService:
    config = SupportConfig(retrieve_similarity=0.3, **changes)  # type: ignore[arg-type]
    knowledge = KnowledgeBase(stores.content, FakeEncoder(dim=256), folder, candidates=config.candidates)
    classifier = FakeClassifier(KEYWORDS, LABELS, model="support-intents:1")
    return SupportService(stores, classifier, knowledge, trust_of=lambda _: Trust(0.7), config=config, clock=clock)


@pytest.fixture
def desk(stores: Stores, tmp_path: Path, clock: SteppingClock) -> SupportService:
    """A filled desk."""
    fill(stores, tmp_path / "index")
    return desk_on(stores, tmp_path / "index", clock)


def fill(stores: Stores, folder: Path) -> None:
    """Answers, intents and articles for ``stores``."""
    stores.content.replace_answers(TEMPLATES, SLOTS)
    stores.content.replace_intents([Intent(name, f"say {name}", 30) for name in LABELS])
    articles = [parse_article(text, file="a.md", passage_words=60) for text in (RETURNS, WARRANTY)]
    knowledge = KnowledgeBase(stores.content, FakeEncoder(dim=256), folder, candidates=20)
    knowledge.replace(articles, NullProgress())


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a file below the test's folder."""

    def to(name: str, text: str) -> Path:
        path = tmp_path / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return to
