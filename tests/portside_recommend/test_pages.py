"""The three pages, drawn by Streamlit's own test runner on a shop of fakes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

import portside_ui.runtime
from portside.jobs import JobQueue
from portside.progress import NullProgress
from portside.settings import Settings
from portside.storage.engine import Database
from portside_recommend import APP
from portside_recommend.reasons import DEEDS, SENTENCES
from portside_recommend.rules import BASES
from portside_recommend.service import RecommendService
from portside_ui.words import catalogue
from tests.drawn_pages import page_test

PAGES = ("lists", "items", "quality")


def draw(page: str, service: object, language: str) -> None:
    """Runs inside AppTest, which copies this function's source."""
    import importlib

    import streamlit as st

    from portside_ui.words import LANGUAGE_KEY

    st.session_state[LANGUAGE_KEY] = language
    importlib.import_module(f"portside_recommend.ui.{page}_page").render(service)


@pytest.fixture(autouse=True)
def jobs(settings: Settings, sqlite_database: Database) -> Iterator[JobQueue]:
    """The job queue of the process that draws, on this test's database."""
    url = str(sqlite_database.engine.url)
    before = portside_ui.runtime._runtime
    runtime = portside_ui.runtime.configure(settings.model_copy(update={"database_url": url}), [APP])
    yield runtime.jobs
    runtime.database.close()
    portside_ui.runtime._runtime = before


def open_page(page: str, service: RecommendService, language: str = "en") -> AppTest:
    return sound(page_test(draw, {"page": page, "service": service, "language": language}).run())


def sound(test: AppTest) -> AppTest:
    assert not test.exception, test.exception
    return test


def texts(test: AppTest) -> str:
    kinds = (test.markdown, test.caption, test.title, test.subheader, test.info, test.success, test.warning)
    return "\n".join(str(one.value) for kind in kinds for one in kind).replace("\\", "")


@pytest.mark.parametrize("page", PAGES)
def test_pages_speak_chinese(page: str, service: RecommendService) -> None:
    test = open_page(page, service, "zh")
    assert any("\u4e00" <= letter <= "\u9fff" for letter in test.title[0].value)


@pytest.mark.parametrize("page", PAGES)
def test_the_empty_state_offers_what_fills_it(page: str, empty_service: RecommendService, jobs: JobQueue) -> None:
    test = open_page(page, empty_service)
    if page == "quality":
        assert all(button.disabled for button in test.button), "nothing can be measured yet"
        return
    key = f"recommend-{page}-samples"
    sound(test.button(key=key).click().run())
    (job,) = jobs.recent()
    assert (job.kind, job.params) == ("recommend.ingest", {"samples": True})


def test_a_user_gets_a_list_with_reasons(service: RecommendService) -> None:
    test = open_page("lists", service)
    sound(test.selectbox(key="recommend-lists-user").set_value("u1").run())
    seen = texts(test)
    assert "From the 3 items this user chose" in seen
    assert "you bought" in seen
    assert "fake-encoder:1" in seen


def test_reasons_are_translated_with_their_values(service: RecommendService) -> None:
    seen = texts(open_page("lists", service, "zh"))
    assert "购买过" in seen
    assert "you bought" not in seen


def test_typed_words_get_a_list(service: RecommendService) -> None:
    test = open_page("lists", service)
    sound(test.radio(key="recommend-lists-basis").set_value("words").run())
    assert "type what is looked for" in texts(test)
    sound(test.text_input(key="recommend-lists-words").set_value("green tea").run())
    assert "1. green tea leaves" in texts(test)
    sound(test.selectbox(key="recommend-lists-category").set_value("Lamps").run())
    assert "green tea leaves" not in texts(test)


def test_an_item_shows_those_like_it(service: RecommendService) -> None:
    test = open_page("items", service)
    sound(test.text_input(key="recommend-items-letters").set_value("mint").run())
    seen = texts(test)
    assert "mint tea bags" in seen
    assert "Similar items" in seen
    assert "1. " in seen


def test_an_item_can_be_added_on_the_page(service: RecommendService) -> None:
    test = open_page("items", service)
    test.text_input(key="recommend-items-new-id").input("NEW")
    test.text_input(key="recommend-items-new-title").input("velvet armchair")
    sound(test.button[-1].click().run())
    assert service.item("NEW").title == "velvet armchair"
    assert "velvet armchair can be found" in texts(test)


def test_an_item_without_a_title_is_advice(service: RecommendService) -> None:
    test = open_page("items", service)
    test.text_input(key="recommend-items-new-id").input("NEW")
    sound(test.button[-1].click().run())
    assert any("needs a title" in one.value for one in test.warning)


def test_quality_starts_jobs_and_shows_the_latest_result(service: RecommendService, jobs: JobQueue) -> None:
    service.evaluate("last", None, NullProgress())
    test = open_page("quality", service)
    seen = texts(test)
    assert "item-kNN" in seen
    assert "24" in seen.split("Measured")[1], "how many people were judged"
    assert len(test.metric) == 4
    sound(test.button(key="recommend-quality-start").click().run())
    (job,) = jobs.recent()
    assert (job.kind, job.params) == ("recommend.evaluate", {"protocol": "time"})


def test_every_reason_and_basis_has_its_chinese() -> None:
    chinese = catalogue("zh")
    said = [*SENTENCES.values(), *DEEDS.values(), *DEEDS, *BASES.values(), "The catalogue is empty."]
    assert not [each for each in said if chinese.gettext(each) == each]
