"""The pages, drawn on fakes."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from portside.evaluation.risk import RiskPromise
from portside.settings import Settings
from portside.storage.engine import open_database
from portside_finance import APP, tables
from portside_finance.fetch import FakeFetcher
from portside_finance.records import Filters
from portside_finance.service import FinanceService
from portside_finance.store import FinanceStore
from portside_finance.sureness import Sureness
from tests.drawn_pages import page_test

PAGES = ("overview", "headlines", "alerts", "sources")


def draw(service: object, page: str, settings: object, language: str) -> None:
    """Runs inside AppTest, which copies this function's source without its module."""
    from importlib import import_module

    import streamlit as st

    from portside.apps import find_apps
    from portside.settings import Settings
    from portside_ui.runtime import configure
    from portside_ui.words import LANGUAGE_KEY

    st.session_state[LANGUAGE_KEY] = language
    assert isinstance(settings, Settings)
    configure(settings, [app for app in find_apps() if app.name == "finance"])
    import_module(f"portside_finance.ui.{page}_page").render(service)


@pytest.fixture(scope="module")
def filled(make: Any, sqlite_template: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a monitor with forty calm days, a surge about Ford, a feed."""
    folder = tmp_path_factory.mktemp("filled")
    shutil.copyfile(sqlite_template([APP]), folder / "filled.db")
    database = open_database(Settings(database_url=f"sqlite:///{folder / 'filled.db'}"))
    service: FinanceService = make.service(FinanceStore(database), make.sentiment(), make.topic(), folder)
    make.add(service.store, make.calm_weeks() + make.surge(make.now - timedelta(days=2)))
    service.score()
    service.update_alerts()
    service.add_feed("https://f.example/rss", "Wire")
    database.close()
    return folder / "filled.db"


@pytest.fixture
def full(service: FinanceService, filled: Path, tmp_path: Path) -> FinanceService:
    """A monitor of this test's own with what ``filled`` holds."""
    with closing(sqlite3.connect(filled)) as source, closing(sqlite3.connect(tmp_path / "fresh.db")) as target:
        source.backup(target)
    return service


Open = Callable[..., AppTest]


@pytest.fixture
def open_page(sqlite_database: Any, tmp_path: Path) -> Open:
    url = sqlite_database.engine.url.render_as_string(hide_password=False)
    settings = Settings(home=tmp_path / "home", database_url=url)

    def opened(service: FinanceService, page: str, language: str = "en") -> AppTest:
        arguments = {"service": service, "page": page, "settings": settings, "language": language}
        return page_test(draw, arguments)

    return opened


def words(page: AppTest) -> str:
    return "\n".join(
        str(part.value) for part in (*page.title, *page.caption, *page.markdown, *page.subheader, *page.info)
    )


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_draws_full_and_empty(
    service: FinanceService, full: FinanceService, open_page: Open, name: str, language: str
) -> None:
    page = open_page(full, name, language).run()
    assert not page.exception, page.exception
    assert page.title[0].value


def test_the_overview_shows_figures_with_interval_and_follows_its_filters(
    full: FinanceService, open_page: Open
) -> None:
    page = open_page(full, "overview").run()
    share = page.metric[0]
    assert "±" in share.value
    assert page.metric[3].value == str(full.alert_counts()["firing"])
    assert "stories negative" in words(page)
    before = page.metric[1].value
    page.selectbox(key="finance-overview-company").set_value("FRD").run()
    assert not page.exception
    assert page.metric[1].value == "12" != before
    page.selectbox(key="finance-overview-topic").set_value("markets").run()
    assert "No stories match" in words(page)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_links_name_filters_by_code_in_every_language(full: FinanceService, open_page: Open, language: str) -> None:
    page = open_page(full, "headlines", language)
    asked = {"period": "all", "company": "FRD", "topic": "products", "sentiment": "negative"}
    for name, code in asked.items():
        page.query_params[f"finance-headlines-{name}"] = code
    page.run()
    assert not page.exception
    assert {name: page.selectbox(key=f"finance-headlines-{name}").value for name in asked} == asked
    assert not page.warning
    assert len(page.dataframe[0].value) == 10


def test_unread_headlines_are_said_to_be_missing(full: FinanceService, open_page: Open, make: Any) -> None:
    make.add(full.store, [make.headline("A text nobody has read", make.now)])
    assert "1 text is not read" in words(open_page(full, "overview").run())


def test_the_explorer_searches_pages_and_corrects(full: FinanceService, open_page: Open) -> None:
    page = open_page(full, "headlines").run()
    page.text_input(key="finance-headlines-search").set_value("recall brakes").run()
    assert not page.exception
    assert len(page.dataframe[0].value) == 1
    row = full.headlines(Filters(search="recall brakes")).rows[0]
    assert "95.0 %" in words(page).replace("\\", "")
    page.button(key=f"why-finance-headlines-{row.id}-correct").click().run()
    page.selectbox(key=f"finance-headlines-right-{row.id}-sentiment").set_value("positive")
    next(b for b in page.button if b.label == "Save the correction").click().run()
    assert not page.exception
    assert full.headlines(Filters(search="recall brakes")).rows[0].sentiment == "positive"


def test_no_page_speaks_of_unfamiliar_headlines_where_there_are_none(full: FinanceService, open_page: Open) -> None:
    for name in ("overview", "headlines", "alerts"):
        page = open_page(full, name).run()
        assert "unlike anything" not in words(page)
        assert all("Note" not in table.value.columns for table in page.dataframe)


def test_headlines_that_the_model_did_not_know_are_marked_and_their_share_is_told(
    full: FinanceService, open_page: Open
) -> None:
    with full.store.database.begin() as connection:
        connection.execute(tables.texts.update().where(tables.texts.c.text.icontains("recall")).values(outside=True))
    page = open_page(full, "overview").run()
    known = full.store.trends.readings(Filters(), one_vote=True).known
    assert f"12 of {known}" in words(page)
    assert "about 5 % is usual" in words(page).replace("\\", "")
    page = open_page(full, "headlines").run()
    page.text_input(key="finance-headlines-search").set_value("recall brakes").run()
    assert not page.exception
    assert list(page.dataframe[0].value["Note"]) == ["Unfamiliar"]
    assert "The headline is unlike anything it learned from" in words(page)
    assert "12 headlines behind it are unlike anything" in words(open_page(full, "alerts").run())
    assert "12 条标题" in words(open_page(full, "alerts", "zh").run())


@pytest.mark.parametrize(
    ("promise", "told"),
    [
        (RiskPromise(0.05, 0.95, 0.9, 0.8, 0.02, 500, 59), "is at least 90.0 % sure of a familiar headline"),
        (RiskPromise(0.05, 0.95, None, 0.0, 0.0, 50, 59), "50 labelled rows are too few, it takes at least 118"),
        (None, "keeps no labelled rows that it did not learn from"),
    ],
)
def test_the_page_says_from_where_on_the_model_may_be_relied_upon(
    full: FinanceService, open_page: Open, promise: RiskPromise | None, told: str
) -> None:
    service = replace(full, sureness_of=lambda: Sureness("finance-sentiment:1", promise))
    page = open_page(service, "headlines").run()
    assert not page.exception
    said = words(page).replace("\\", "")
    assert told in said
    assert "finance-sentiment:1" in said
    found = service.sureness(Filters())
    assert found is not None
    share = f"{found[1].sure / found[1].by_version:.0%}".replace("%", " %")
    assert (f"{share} of the headlines here are such" in said) == (promise is not None and bool(promise.threshold))
    assert "% wrong" not in words(open_page(service, "headlines", "zh").run())


def test_markup_in_a_headline_stays_text(full: FinanceService, open_page: Open, make: Any) -> None:
    make.add(full.store, [make.headline("Loss **bold** [x](javascript:1) $a$ <script>", make.now)])
    full.score()
    page = open_page(full, "headlines").run()
    assert not page.exception
    assert "**bold**" not in words(page)


def test_an_alert_shows_its_headlines_and_is_acknowledged(full: FinanceService, open_page: Open) -> None:
    page = open_page(full, "alerts").run()
    row = next(row for row in full.alerts() if row.episode.series.kind == "company")
    text = words(page).replace("\\", "")
    assert "Ford Motor" in text
    assert "12 negative stories" in text
    page.text_input(key=f"finance-alerts-comment-{row.id}").set_value("brake supplier")
    page.button(key=f"finance-alerts-ack-{row.id}").click().run()
    assert not page.exception
    assert "brake supplier" in words(page)
    assert next(found for found in full.alerts() if found.id == row.id).acknowledged_by == "ann"


def test_a_sick_feed_is_seen(full: FinanceService, open_page: Open) -> None:
    broken = replace(full, fetcher=FakeFetcher({}))
    broken.poll(everything=True)
    page = open_page(broken, "alerts").run()
    assert page.metric[3].value == "1"


def test_feeds_are_added_and_refused_with_advice(full: FinanceService, open_page: Open) -> None:
    page = open_page(full, "sources").run()
    page.text_input(key="finance-sources-url").set_value("file:///etc/passwd")
    next(b for b in page.button if b.label == "Watch this feed").click().run()
    assert not page.exception
    assert "http" in page.warning[0].value
    page.text_input(key="finance-sources-url").set_value("https://g.example/rss")
    next(b for b in page.button if b.label == "Watch this feed").click().run()
    assert {feed.url for feed, _state in full.feeds()} == {"https://f.example/rss", "https://g.example/rss"}


def test_uploads_keep_their_bytes_and_lose_their_path(service: FinanceService) -> None:
    path = service.keep_upload("../../etc/pass wd.csv", b"x")
    assert path.parent.parent == service.uploads.resolve()
    assert path.read_bytes() == b"x"
    assert service.keep_upload("../../etc/pass wd.csv", b"x") == path
