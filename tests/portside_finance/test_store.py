"""The store's contract, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from portside.inference.interfaces import FakeClassifier
from portside_finance.records import Company, Filters, NewHeadline
from portside_finance.service import FinanceService
from portside_finance.store import FinanceStore


@pytest.fixture
def desk(
    store: FinanceStore, sentiment: FakeClassifier, topic: FakeClassifier, tmp_path: Path, make: Any
) -> FinanceService:
    service: FinanceService = make.service(store, sentiment, topic, tmp_path)
    return service


def test_a_headline_is_stored_once_and_scored_once(desk: FinanceService, make: Any) -> None:
    rows = [
        make.headline("Ford to recall cars over brakes", make.now, "Wire"),
        make.headline("Ford to recall cars over brakes", make.now + timedelta(hours=1), "Post"),
        make.headline("Profit beats at Apple", make.now, "Wire"),
    ]
    make.add(desk.store, rows)
    make.add(desk.store, rows)
    assert desk.totals()["headlines"] == 3
    assert desk.totals()["texts"] == 2
    assert desk.totals()["unscored"] == 2
    assert desk.score().texts == 2
    assert desk.score().texts == 0
    points = desk.store.trends.by_day(Filters())
    assert [(p.stories, p.negative, p.positive) for p in points] == [(2, 1, 1)], "copies of a story have one vote"


def test_a_source_of_its_own_votes_with_its_own_copy(desk: FinanceService, make: Any) -> None:
    make.add(desk.store, [make.headline("Ford to recall cars over brakes", make.now, "Wire")])
    make.add(desk.store, [make.headline("Ford to recall cars over brakes", make.now + timedelta(hours=1), "Post")])
    desk.score()
    for source in ("Wire", "Post"):
        assert [p.stories for p in desk.store.trends.by_day(Filters(source=source))] == [1]
    row = desk.headlines(Filters()).rows[0]
    assert (row.copies, row.tickers, row.topic) == (2, ("FRD",), "products")


def test_filters_narrow_lists_and_counts_alike(desk: FinanceService, make: Any) -> None:
    make.add(desk.store, [*make.surge(make.now, 5), make.headline("Profit 100% beats_all at Apple", make.now, "Post")])
    desk.score()
    for filters, expected in (
        (Filters(), 6),
        (Filters(ticker="FRD"), 5),
        (Filters(source="Post"), 1),
        (Filters(topic="products"), 5),
        (Filters(sentiment="positive"), 1),
        (Filters(search="RECALL brakes"), 1),
        (Filters(search="100% beats_all"), 1),
        (Filters(search="_"), 1),
        (Filters(since=(make.now + timedelta(days=1)).date()), 0),
        (Filters(until=make.now.date()), 6),
    ):
        assert desk.store.trends.count(filters) == expected, filters
        assert len(desk.store.trends.page(filters, offset=0, limit=50)) == expected, filters


def test_pages_are_in_order_and_whole(desk: FinanceService, make: Any) -> None:
    make.add(desk.store, make.calm_weeks(3))
    total = desk.headlines(Filters()).total
    seen = [row.id for number in range(1, 5) for row in desk.headlines(Filters(), number).rows]
    assert len(seen) == len(set(seen)) == total
    times = [row.published_at for number in range(1, 5) for row in desk.headlines(Filters(), number).rows]
    assert times == sorted(times, reverse=True)
    assert desk.headlines(Filters(), 99).number == 4


def test_corrections_count_at_once_and_survive_rescoring(desk: FinanceService, make: Any) -> None:
    make.add(
        desk.store,
        [make.headline("Ford to recall cars", make.now), make.headline("Ford to recall cars", make.now, "Post")],
    )
    desk.score()
    row = desk.headlines(Filters()).rows[0]
    desk.correct(row.id, "sentiment", "neutral")
    assert [r.sentiment for r in desk.headlines(Filters()).rows] == ["neutral", "neutral"]
    newer = replace(
        desk, sentiment=FakeClassifier({"recall": "positive"}, ("neutral", "positive"), model="finance-sentiment:2")
    )
    assert newer.score().texts == 0
    assert newer.score(rescore=True).texts == 1
    detail = newer.headline(row.id)
    assert detail is not None
    assert (detail.row.sentiment, detail.corrected_sentiment) == ("neutral", "neutral")
    assert (detail.scored.sentiment, detail.scored.sentiment_model) == ("positive", "finance-sentiment:2")
    assert desk.store.headlines.corrected("sentiment") == [("Ford to recall cars", "neutral")]


def test_companies_replace_and_link_anew(desk: FinanceService, make: Any, tmp_path: Path) -> None:
    make.add(desk.store, [make.headline("Loss at Wenlow Water", make.now)])
    assert desk.headlines(Filters(ticker="WNL")).total == 0
    path = tmp_path / "companies.csv"
    path.write_text("ticker,name,aliases,sector\nWNL,Wenlow Water,Wenlow,Utilities\n")
    assert desk.import_companies(path) == 1
    assert desk.companies() == [Company("WNL", "Wenlow Water", ("Wenlow",), "Utilities")]
    assert desk.headlines(Filters(ticker="WNL")).total == 1
    detail = desk.headline(desk.headlines(Filters()).rows[0].id)
    assert detail is not None
    assert [(link.matched, link.how) for link in detail.links] == [("Wenlow Water", "name")]


def fill(desk: FinanceService, rows: Sequence[NewHeadline], add: Callable[..., None]) -> None:
    add(desk.store, rows)
    desk.score()


def test_a_surge_becomes_one_alert_with_its_headlines(desk: FinanceService, make: Any) -> None:
    day = make.now - timedelta(days=2)
    fill(desk, make.calm_weeks() + make.surge(day), make.add)
    desk.update_alerts()
    desk.update_alerts()
    company = [row for row in desk.alerts() if row.episode.series.kind == "company"]
    assert [row.episode.series.name for row in company] == ["FRD"]
    assert company[0].episode.peak_count == 12
    assert company[0].episode.opened == day.date()
    assert {row.tickers for row in desk.alert_headlines(company[0].id)} == {("FRD",)}
    assert len(desk.alert_headlines(company[0].id)) == 12
    desk.acknowledge(company[0].id, "brake supplier")
    assert [row.comment for row in desk.alerts() if row.id == company[0].id] == ["brake supplier"]


def test_arrival_order_and_restarts_change_no_alert(desk: FinanceService, make: Any) -> None:
    """Late data, evaluation after every part: the same alerts, none lost, none twice, acknowledged ones kept."""
    day = make.now - timedelta(days=20)
    calm, bad = make.calm_weeks(), make.surge(day)
    fill(desk, [row for row in calm if row.published_at < day] + bad[:8], make.add)
    desk.update_alerts()
    first = [row for row in desk.alerts(["firing"]) if row.episode.series.kind == "company"]
    desk.acknowledge(first[0].id, "seen")
    fill(desk, [row for row in calm if row.published_at >= day], make.add)
    desk.update_alerts()
    fill(desk, bad[8:], make.add)  # late
    desk.update_alerts()
    company = [row for row in desk.alerts() if row.episode.series.kind == "company"]
    assert [row.id for row in company] == [first[0].id]
    assert company[0].comment == "seen"
    assert company[0].episode.peak_count == 12
    assert company[0].episode.state == "resolved"


def test_an_evaluation_of_old_counts_is_not_written(desk: FinanceService, make: Any) -> None:
    from portside_finance.alerts import Plan

    fill(desk, make.calm_weeks(20), make.add)
    old = desk.store.alerts.changed()
    fill(desk, make.surge(make.now), make.add)
    plan = Plan((), {}, ())
    assert not desk.store.alerts.apply(plan, revision=old.revision, negative="negative", max_evidence=5, now=make.now)
    assert desk.store.alerts.changed().since is not None


def test_feeds_are_kept_once(store: FinanceStore, make: Any) -> None:
    assert store.feeds.add("https://a.example/rss", "A", make.now)
    assert not store.feeds.add("https://a.example/rss", "A", make.now)
    feed = store.feeds.all()[0]
    store.feeds.record(feed.id, {"errors_in_a_row": 2, "last_error": "x"})
    assert store.feeds.all()[0].errors_in_a_row == 2
    assert store.feeds.remove(feed.id)
    assert not store.feeds.remove(feed.id)
