"""Headlines unlike everything the sentiment model learned, and how far it may be relied upon."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text, update

from portside.apps import load
from portside.evaluation.risk import RiskPromise
from portside.inference.interfaces import FakeClassifier
from portside.progress import NullProgress
from portside.records import Prediction
from portside.registry import ModelRegistry
from portside.storage.engine import Database
from portside.storage.migrate import upgrade
from portside_finance import APP, tables
from portside_finance.api import build_router
from portside_finance.config import FinanceConfig
from portside_finance.records import Filters, Readings
from portside_finance.scoring import STORED_DIGITS, score_pending, scored_of
from portside_finance.service import FinanceService
from portside_finance.store import FinanceStore
from portside_finance.sureness import Sureness, sureness_reader
from tests.kept_rows import LABELS, kept_rows

PROMISE = RiskPromise(0.05, 0.95, threshold=0.9, answered=0.8, wrong=0.02, n=500, needed=59)


@dataclass
class Estranged(FakeClassifier):
    """A keyword classifier that never learned of recalls."""

    def predict(self, texts: Any) -> list[Prediction]:
        return [
            replace(one, outside="recall" in told.lower())
            for one, told in zip(super().predict(texts), texts, strict=True)
        ]


@pytest.fixture
def estranged() -> Estranged:
    words = {"recall": "negative", "loss": "negative", "profit": "positive"}
    return Estranged(words, ("neutral", "negative", "positive"), model="finance-sentiment:1")


@pytest.fixture
def desk(store: FinanceStore, estranged: Estranged, topic: FakeClassifier, tmp_path: Path, make: Any) -> FinanceService:
    """On both back ends: two copies of an unfamiliar story, a sure one and an unsure one."""
    service: FinanceService = make.service(store, estranged, topic, tmp_path)
    make.add(
        store,
        [
            make.headline("Ford to recall cars over brakes", make.now, "Wire"),
            make.headline("Ford to recall cars over brakes", make.now + timedelta(hours=1), "Post"),
            make.headline("Profit beats at Apple", make.now, "Wire"),
            make.headline("Northgate Bank opens an office", make.now - timedelta(days=3), "Wire"),
        ],
    )
    service.score()
    return service


def test_what_the_model_did_not_know_is_kept_and_counted_in_the_chosen_period(desk: FinanceService, make: Any) -> None:
    trends = desk.store.trends
    assert trends.readings(Filters()) == Readings(known=4, outside=2)
    assert trends.readings(Filters(), one_vote=True) == Readings(known=3, outside=1)
    assert trends.readings(Filters(since=make.now.date()), one_vote=True) == Readings(known=2, outside=1)
    assert trends.readings(Filters(), version="finance-sentiment:1", least=0.9) == Readings(4, 2, by_version=4, sure=1)
    assert trends.readings(Filters(), version="finance-sentiment:2", least=0.9) == Readings(4, 2)
    assert [row.outside for row in desk.headlines(Filters(ticker="FRD")).rows] == [True, True]
    row = desk.headlines(Filters(ticker="AAPL")).rows[0]
    detail = desk.headline(row.id)
    assert detail is not None
    assert (row.outside, detail.scored.outside, detail.scored.sentiment_confidence) == (False, False, 0.95)
    overview = desk.overview(Filters())
    assert overview is not None
    assert overview.readings == Readings(known=3, outside=1)


def test_of_what_was_read_before_it_is_unknown_until_it_is_read_again(desk: FinanceService) -> None:
    with desk.store.database.begin() as connection:
        connection.execute(update(tables.texts).values(outside=None, sentiment_confidence=None))
    assert desk.store.trends.readings(Filters()) == Readings()
    assert {row.outside for row in desk.headlines(Filters()).rows} == {None}
    assert desk.score().texts == 0
    assert desk.score(rescore=True).texts == 3
    assert desk.store.trends.readings(Filters()) == Readings(known=4, outside=2)
    assert desk.score(rescore=True).texts == 0


def test_a_reading_of_topics_alone_leaves_it_unknown(desk: FinanceService, topic: FakeClassifier, make: Any) -> None:
    make.add(desk.store, [make.headline("Target hires", make.now)])
    before = desk.store.trends.readings(Filters())
    score_pending(desk.store, FakeClassifier({}, LABELS, model=""), topic, FinanceConfig().score, NullProgress())
    assert desk.store.trends.readings(Filters()) == before


def test_an_older_database_gets_the_columns_and_keeps_its_readings(database: Database) -> None:
    with database.begin() as connection:
        for column in ("outside", "sentiment_confidence"):
            connection.execute(text(f"ALTER TABLE finance_texts DROP COLUMN {column}"))
        connection.execute(
            text("UPDATE alembic_version SET version_num = 'finance_0001' WHERE version_num = 'finance_0002'")
        )
        connection.execute(
            text(
                "INSERT INTO finance_texts (hash, text, sentiment, sentiment_probabilities, sentiment_model, topic, "
                "topic_probabilities, topic_model, corrected_sentiment, corrected_topic) VALUES "
                "('h', 'Loss', 'negative', '{}', 'finance-sentiment:1', '', '{}', '', '', '')"
            )
        )
    upgrade(database, [APP])
    with database.read() as connection:
        rows = connection.execute(text("SELECT sentiment, outside, sentiment_confidence FROM finance_texts")).all()
    assert [tuple(row) for row in rows] == [("negative", None, None)]


@pytest.fixture
def alerted(service: FinanceService, estranged: Estranged, make: Any) -> FinanceService:
    found = replace(service, sentiment=estranged)
    make.add(found.store, make.calm_weeks() + make.surge(make.now - timedelta(days=2)))
    found.score()
    found.update_alerts()
    return found


def test_an_alert_says_how_many_of_its_headlines_the_model_did_not_know(alerted: FinanceService) -> None:
    rows = {row.episode.series.name: row for row in alerted.alerts()}
    assert (rows["FRD"].headlines, rows["FRD"].outside) == (12, 12)
    assert all(row.outside <= row.headlines for row in rows.values())


def test_the_api_says_it_of_headlines_texts_and_alerts(alerted: FinanceService) -> None:
    app = FastAPI()
    app.include_router(build_router(lambda: alerted))
    client = TestClient(app)
    told = client.post("/score", json={"texts": ["Ford to recall cars", "Profit at $AAPL"]}).json()
    assert [one["outside"] for one in told] == [True, False]
    found = client.get("/headlines", params={"company": "FRD"}).json()["headlines"]
    assert {one["outside"] for one in found} == {True}
    alert = next(one for one in client.get("/alerts").json() if one["kind"] == "company")
    assert alert["outside"] == len(alert["headlines"]) == 12


@pytest.mark.parametrize(("by_model", "promised"), [(True, True), (False, False)])
def test_what_can_be_promised_is_of_familiar_headlines_that_the_model_itself_read(
    by_model: bool, promised: bool, tmp_path: Path
) -> None:
    registry = ModelRegistry(tmp_path)
    with registry.staging("finance-sentiment") as folder:
        kept_rows(folder, 500, wrong=20, by_model=by_model, gate=True)
        registry.register("finance-sentiment", folder, {}, actor="a", reason="r", promote=True, check=lambda _: None)
    found = sureness_reader(registry, "finance-sentiment")()
    assert found is not None
    assert (found.promise is not None) is promised
    if found.promise is not None:
        assert (found.promise.risk, found.promise.wrong, found.promise.n <= 480) == (0.05, 0.0, True)
        assert found.promise.threshold is not None, "of all rows none could be given: the strange ones are wrong"


def test_the_promise_is_that_of_the_version_that_serves(tmp_path: Path) -> None:
    registry = ModelRegistry(tmp_path)
    read = sureness_reader(registry, "finance-sentiment")
    assert read() is None
    for rows in (50, 500):
        with registry.staging("finance-sentiment") as folder:
            kept_rows(folder, rows)
            version = registry.register(
                "finance-sentiment", folder, {}, actor="a", reason="r", promote=True, check=lambda _: None
            )
        found = read()
        assert found is not None
        assert found.promise is not None
        assert (found.promise.n, found.promise.threshold is None) == (rows, rows == 50)
        assert found.model == f"finance-sentiment:{version.version}"


def test_what_can_be_promised_is_found_out_before_a_page_asks(service: FinanceService) -> None:
    asked: list[str] = []
    load(APP.warm)(replace(service, sureness_of=lambda: asked.append("sentiment")))
    assert asked == ["sentiment"]


def test_the_service_tells_which_headlines_the_promise_covers(desk: FinanceService) -> None:
    assert desk.sureness(Filters()) is None
    sure = replace(desk, sureness_of=lambda: Sureness("finance-sentiment:1", PROMISE))
    found = sure.sureness(Filters())
    assert found is not None
    assert found[1] == Readings(4, 2, by_version=4, sure=1)
    few = replace(desk, sureness_of=lambda: Sureness("finance-sentiment:1", None))
    told = few.sureness(Filters())
    assert told is not None
    assert told[1].sure == 0


def test_what_is_shown_at_once_is_what_is_stored_but_for_the_digits() -> None:
    mood = Prediction("up", 2 / 3, {"up": 2 / 3, "down": 1 / 3}, "finance-sentiment:1", outside=True)
    shown, stored = scored_of(mood, None), scored_of(mood, None, digits=STORED_DIGITS)
    assert (shown.sentiment_probabilities["up"], stored.sentiment_probabilities["up"]) == (2 / 3, 0.66667)
    assert replace(stored, sentiment_probabilities=shown.sentiment_probabilities) == shown
    assert (shown.sentiment, shown.sentiment_confidence, shown.outside) == ("up", 2 / 3, True)
    assert (shown.topic, shown.topic_model, dict(shown.topic_probabilities)) == ("", "", {})
