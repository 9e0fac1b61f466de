"""The three pages, drawn by Streamlit's own test runner on a desk of fakes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import portside_ui.runtime
from portside.jobs import JobQueue
from portside.settings import Settings
from portside.storage.engine import Database
from portside_support import APP
from portside_support.service import Stores, SupportService
from tests.drawn_pages import page_test


def draw(page: str, service: object, language: str) -> None:
    """Runs inside AppTest, which copies this function's source."""
    import importlib

    import streamlit as st

    from portside_ui.words import LANGUAGE_KEY

    st.session_state[LANGUAGE_KEY] = language
    importlib.import_module(f"portside_support.ui.{page}_page").render(service)


@pytest.fixture
def jobs(settings: Settings, sqlite_database: Database) -> Iterator[JobQueue]:
    """The job queue of the process that draws, on this test's database."""
    url = str(sqlite_database.engine.url)
    before = portside_ui.runtime._runtime
    runtime = portside_ui.runtime.configure(settings.model_copy(update={"database_url": url}), [APP])
    yield runtime.jobs
    runtime.database.close()
    portside_ui.runtime._runtime = before


def open_page(page: str, service: SupportService, language: str = "en", **query: str) -> AppTest:
    test = page_test(draw, {"page": page, "service": service, "language": language})
    for name, value in query.items():
        test.query_params[name] = value
    return sound(test.run())


def sound(test: AppTest) -> AppTest:
    assert not test.exception, test.exception
    return test


def texts(test: AppTest) -> str:
    parts = [one.value for kind in (test.markdown, test.text, test.caption, test.title, test.warning) for one in kind]
    return "\n".join(map(str, parts)).replace("\\", "")


def button(test: AppTest, label: str) -> Any:
    return next(one for one in test.button if one.label.replace("\\", "") == label)


def test_chat_answers_and_says_why(desk: SupportService) -> None:
    test = open_page("chat", desk)
    assert [one.label for one in test.button][-4:] == [
        "say opening\\_hours",
        "say track\\_order",
        "Returning an item",
        "Warranty",
    ]
    sound(test.chat_input[0].set_value("When are you open?").run())
    assert "We are open from nine to six." in texts(test)
    assert "95.0 % sure" in texts(test)
    assert "support-intents:1" in texts(test)
    assert not [one for one in test.button if one.label == "Warranty"], "starters are for an empty chat"
    name = test.query_params["conversation"]
    again = open_page("chat", desk, conversation=name[0] if isinstance(name, list) else name)
    assert "We are open from nine to six." in texts(again), "a reload shows the same conversation"


def test_chat_shows_passages_with_links(desk: SupportService) -> None:
    test = open_page("chat", desk)
    button(test, "Warranty").click()
    sound(test.run())
    sound(test.chat_input[0].set_value("does the warranty cover broken zips and poles").run())
    shown = texts(test)
    assert "[Warranty › What the warranty covers](/help/warranty)" in shown
    assert "broken zips, seams and poles" in shown


def test_what_a_customer_writes_stays_text(desk: SupportService) -> None:
    test = open_page("chat", desk)
    nasty = "<script>x</script> ![i](https://evil.example/a.png) agent please"
    sound(test.chat_input[0].set_value(nasty).run())
    assert nasty in [one.value for one in test.text]
    assert not any(nasty in str(one.value) for one in test.markdown)
    queue = open_page("queue", desk)
    assert nasty in [one.value for one in queue.text]
    options = "".join(map(str, queue.radio[0].options))
    assert "](https" not in options
    assert "<script>" not in options


def test_chat_calls_a_person(desk: SupportService) -> None:
    test = open_page("chat", desk)
    button(test, "Talk to a person").click()
    sound(test.run())
    assert "The customer asked for a person." in texts(test)
    assert desk.tickets()[0].code == "asked_for_human"
    button(test, "New conversation").click()
    sound(test.run())
    assert "conversation" not in test.query_params


def test_an_unknown_conversation_in_the_address_is_a_calm_message(desk: SupportService) -> None:
    assert "No conversation of that id" in texts(open_page("chat", desk, conversation="nope"))


def test_an_agent_takes_replies_and_closes(desk: SupportService) -> None:
    name = desk.ask("let me talk to a human about postage").conversation_id
    test = open_page("queue", desk)
    assert "The customer asked for a person." in texts(test)
    assert "Returning an item" in texts(test), "passages that may help"
    button(test, "Take").click()
    sound(test.run())
    assert "must have a name" in texts(test)
    test.text_input(key="support-queue-agent").set_value("Ada")
    sound(test.run())
    button(test, "Take").click()
    sound(test.run())
    assert desk.tickets()[0].agent == "Ada"
    sound(test.chat_input[0].set_value("It is free.").run())
    assert desk.conversation(name).messages[-1].text == "It is free."
    button(test, "Close").click()
    sound(test.run())
    assert desk.tickets() == []
    assert "Nobody is in this list" in texts(test)


def test_a_ticket_taken_meanwhile_is_a_calm_message(desk: SupportService) -> None:
    desk.ask("agent please")
    test = open_page("queue", desk)
    test.text_input(key="support-queue-agent").set_value("Ada")
    sound(test.run())
    desk.take(desk.tickets()[0].id, "Ben")
    test.session_state["support-queue-kept"] = desk.tickets()[0].id
    sound(test.run())
    assert "Ben has it." in texts(test)
    assert not test.chat_input


def test_overview_counts_lists_and_corrects(desk: SupportService, jobs: JobQueue) -> None:
    desk.ask("When are you open?")
    desk.ask("please sing a song xyzzy")
    test = open_page("overview", desk)
    values = {one.label: one.value for one in test.metric}
    assert values == {"Conversations": "2", "Answered": "50.0 %", "Retrieved": "0.0 %", "Handed over": "50.0 %"}
    unanswered = test.dataframe[-1].value
    assert list(unanswered.iloc[:, 0]) == ["please sing a song xyzzy"]
    message = desk.unanswered(None, None)[0].message_id
    test.selectbox(key=f"support-overview-intent-{message}").set_value("opening_hours")
    test.text_input(key="support-overview-corrector").set_value("Ada")
    sound(test.run())
    button(test, "Save").click()
    sound(test.run())
    assert [one.intent for one in desk.corrections()] == ["opening_hours"]
    assert "1 correction will be learned from." in texts(test)
    button(test, "Train with the corrections").click()
    sound(test.run())
    assert [job.kind for job in jobs.recent()] == ["support.train"]


def test_overview_filters_come_from_the_address(desk: SupportService, jobs: JobQueue) -> None:
    desk.ask("When are you open?", channel="email")
    desk.ask("agent please", channel="web")
    test = open_page("overview", desk, **{"support-overview-channel": "email", "support-overview-days": "7"})
    assert test.metric[0].value == "1"
    assert test.metric[1].value == "100.0 %"


@pytest.mark.slow
def test_overview_of_many_conversations_is_quick(desk: SupportService, jobs: JobQueue, stores: Stores) -> None:
    from time import perf_counter

    from sqlalchemy import insert

    from portside_support.store import _fresh
    from portside_support.tables import conversations

    clock = stores.conversations._clock
    rows = [_fresh(f"c{number}", "web", "en", clock()) | {"outcome": "answered"} for number in range(50_000)]
    with stores.conversations._database.begin() as connection:
        connection.execute(insert(conversations), rows)
    open_page("overview", desk)
    began = perf_counter()
    assert open_page("overview", desk).metric[0].value == "50,000"
    assert perf_counter() - began < 2.0


@pytest.mark.parametrize("page", ["chat", "queue", "overview"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_of_an_empty_desk_say_what_will_be_there(
    page: str, language: str, stores: Stores, jobs: JobQueue
) -> None:
    from portside.inference.interfaces import FakeClassifier
    from portside_support.knowledge import FakeKnowledge

    empty = SupportService(stores, FakeClassifier({}, ("a", "b")), FakeKnowledge(), trust_of=lambda _: None)
    test = open_page(page, empty, language)
    assert test.title
    assert (test.title[0].value in ("对话", "待处理", "概览")) == (language == "zh")
    if page != "queue":
        button(test, "导入示例数据" if language == "zh" else "Import the samples").click()
        sound(test.run())
        assert [job.kind for job in jobs.recent()] == ["support.samples"]


def test_reasons_are_read_in_chinese(desk: SupportService) -> None:
    test = open_page("chat", desk, "zh")
    sound(test.chat_input[0].set_value("When are you open?").run())
    assert "意图“opening_hours”的把握为 95.0 %" in texts(test)
