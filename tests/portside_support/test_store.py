"""The stores' contract, on both kinds of database."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from threading import Barrier
from typing import TypeVar

import pytest

from portside.errors import UsageError
from portside.storage.engine import Database
from portside_support.articles import parse_article
from portside_support.records import (
    Conversation,
    Decision,
    Hit,
    Intent,
    Message,
    Outcome,
    Passage,
    Slot,
    State,
    Template,
)
from portside_support.service import Stores
from portside_support.store import Said, SupportStore
from portside_support.store_content import ContentStore
from portside_support.store_figures import FigureStore
from portside_support.store_tickets import TicketStore

T = TypeVar("T")
HIT = Hit(Passage("r#1", "r", "Returns", "When", "Soon.", "/r"), 0.5)
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


@pytest.fixture
def stores(database: Database) -> Stores:
    return Stores(SupportStore(database), TicketStore(database), ContentStore(database), FigureStore(database))


def reply(stores: Stores, said: Said, kind: str = "answer", **after: object) -> int | None:
    state = replace(said.state, turn=said.state.turn + 1, **after)  # type: ignore[arg-type]
    if kind == "hand_over":
        state = replace(state, status="waiting")
    decision = Decision(kind, "code", {"intent": "a", "confidence": 0.5}, state, intent="a")  # type: ignore[arg-type]
    return stores.conversations.bot_replies(
        said, decision, text="reply", question="asked", confidence=0.5, model="m:1", hits=[HIT]
    )


def start(stores: Stores, text: str = "hello") -> Said:
    return stores.conversations.customer_says(stores.conversations.start("chat", "en"), text)


def at_once(count: int, work: Callable[[int], T]) -> list[T | UsageError]:
    barrier = Barrier(count)

    def one(number: int) -> T | UsageError:
        barrier.wait()
        try:
            return work(number)
        except UsageError as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_what_was_said_comes_back_in_order_with_its_reasons(stores: Stores) -> None:
    said = start(stores, "héllo 你好")
    assert reply(stores, said, failures=1, slots={"order": "7"}) is not None
    conversation = stores.conversations.conversation(said.conversation_id)
    assert [(one.role, one.text) for one in conversation.messages] == [("customer", "héllo 你好"), ("bot", "reply")]
    bot = conversation.messages[1]
    assert (bot.kind, bot.code, bot.intent, bot.confidence, bot.model) == ("answer", "code", "a", 0.5, "m:1")
    assert (bot.hits, bot.question_id, bot.facts) == ((HIT,), said.message_id, {"intent": "a", "confidence": 0.5})
    assert (conversation.outcome, conversation.intent, conversation.status) == ("answered", "a", "bot")
    assert stores.conversations.state(said.conversation_id) == State(failures=1, slots={"order": "7"}, turn=1)


def test_unknown_conversations_are_refused(stores: Stores) -> None:
    for ask in (stores.conversations.conversation, stores.conversations.state):
        with pytest.raises(UsageError, match="No conversation"):
            ask("nope")
    with pytest.raises(UsageError, match="No conversation"):
        stores.conversations.customer_says("nope", "hello")


def test_a_reply_to_an_old_state_is_not_kept(stores: Stores) -> None:
    said = start(stores)
    assert reply(stores, said) is not None
    assert reply(stores, said) is None
    assert len(stores.conversations.conversation(said.conversation_id).messages) == 2


def test_handing_over_opens_one_ticket_however_many_try(stores: Stores) -> None:
    said = start(stores)
    kept = at_once(6, lambda _: reply(stores, said, "hand_over"))
    assert sum(one is not None for one in kept) == 1
    (ticket,) = stores.tickets.tickets()
    assert (ticket.conversation_id, ticket.status, ticket.question, ticket.channel) == (
        said.conversation_id,
        "open",
        "asked",
        "chat",
    )
    assert stores.conversations.conversation(said.conversation_id).outcome == "handed_over"


def test_exactly_one_of_many_agents_gets_a_ticket(stores: Stores) -> None:
    reply(stores, start(stores), "hand_over")
    (ticket,) = stores.tickets.tickets()
    results = at_once(8, lambda number: stores.tickets.take(ticket.id, f"agent {number}"))
    winners = [one for one in results if not isinstance(one, UsageError)]
    assert len(winners) == 1
    holder = stores.tickets.ticket(ticket.id).agent
    assert winners[0].agent == holder
    assert all(holder in one.seen for one in results if isinstance(one, UsageError))
    assert stores.tickets.take(ticket.id, holder).agent == holder


def test_the_bot_never_speaks_once_an_agent_has_taken_over(stores: Stores) -> None:
    for _ in range(5):
        said = start(stores)
        reply(stores, said, "hand_over")
        ticket = stores.tickets.tickets(("open",))[0]
        later = stores.conversations.customer_says(said.conversation_id, "are you there?")

        def race(number: int, later: Said = later, ticket_id: int = ticket.id) -> object:
            return reply(stores, later) if number else stores.tickets.take(ticket_id, "Ada")

        at_once(3, race)
        messages = stores.conversations.conversation(said.conversation_id).messages
        assert [one.role for one in messages] == ["customer", "bot", "customer"]


def test_only_the_holder_replies_and_closes(stores: Stores) -> None:
    said = start(stores)
    reply(stores, said, "hand_over")
    number = stores.tickets.tickets()[0].id
    with pytest.raises(UsageError, match="taken first"):
        stores.tickets.agent_replies(number, "Ada", "hi")
    stores.tickets.take(number, "Ada")
    stores.tickets.agent_replies(number, "Ada", "hi, Ada here")
    for refused in (
        lambda: stores.tickets.agent_replies(number, "Ben", "hi"),
        lambda: stores.tickets.close(number, "Ben"),
        lambda: stores.tickets.take(number, "Ben"),
    ):
        with pytest.raises(UsageError, match="Ada has ticket"):
            refused()
    assert stores.tickets.close(number, "Ada").closed_at is not None
    with pytest.raises(UsageError, match="must not be closed"):
        stores.tickets.agent_replies(number, "Ada", "one more thing")
    last = stores.conversations.conversation(said.conversation_id)
    assert (last.status, last.messages[-1].author, last.messages[-1].text) == ("closed", "Ada", "hi, Ada here")
    assert stores.tickets.tickets() == []
    with pytest.raises(UsageError, match="No ticket"):
        stores.tickets.take(number + 999, "Ada")


def test_a_closed_conversation_begins_again_with_the_bot_and_stays_counted_as_handed_over(stores: Stores) -> None:
    said = start(stores)
    reply(stores, said, "hand_over")
    number = stores.tickets.tickets()[0].id
    stores.tickets.take(number, "Ada")
    stores.tickets.close(number, "Ada")
    again = stores.conversations.customer_says(said.conversation_id, "one more question")
    assert (again.state.status, again.state.failures) == ("bot", 0)
    assert reply(stores, again) is not None
    assert stores.conversations.conversation(said.conversation_id).outcome == "handed_over"
    third = stores.conversations.customer_says(said.conversation_id, "and more")
    assert reply(stores, third, "hand_over") is not None
    assert len(stores.tickets.tickets()) == 1


def test_answers_and_slots_are_replaced_whole(stores: Stores) -> None:
    slot = Slot("order", "regex", "[0-9]+", "Which?")
    stores.content.replace_answers(
        [Template("a", "en", "A {order}", "Ada"), Template("a", "zh", "甲", "Ada")], {"order": slot}
    )
    assert stores.content.templates("en") == {"a": Template("a", "en", "A {order}", "Ada")}
    assert stores.content.slots() == {"order": slot}
    stores.content.replace_answers([Template("b", "en", "B", "Ben")], {})
    assert (list(stores.content.templates("en")), stores.content.templates("zh"), stores.content.slots()) == (
        ["b"],
        {},
        {},
    )


def test_articles_and_their_index_are_replaced_together(stores: Stores) -> None:
    assert stores.content.knowledge_state() is None
    text = "---\ntitle: T\nslug: {0}\ncategory: C\nupdated: 2026-01-0{1}\n---\nIntro.\n\n## Two\nMore."
    articles = [parse_article(text.format(slug, day), file="f", passage_words=50) for slug, day in (("a", 1), ("b", 2))]
    stores.content.replace_knowledge(articles, generation="g1", encoder="e")
    stores.content.replace_knowledge(articles, generation="g2", encoder="e")
    state = stores.content.knowledge_state()
    assert state is not None
    assert (state.generation, state.encoder) == ("g2", "e")
    assert [one.slug for one in stores.content.articles()] == ["b", "a"]
    assert list(stores.content.passages()) == ["a#1", "a#2", "b#1", "b#2"]
    assert stores.content.passages()["b#2"] == articles[1].passages[1]


def test_corrections_are_of_customers_messages_and_the_last_word_counts(stores: Stores) -> None:
    said = start(stores, "where is it")
    bot = reply(stores, said, "hand_over")
    assert bot is not None
    stores.content.correct(said.message_id, "a", "Ada")
    stores.content.correct(said.message_id, "b", "Ben")
    assert [(one.text, one.intent, one.actor) for one in stores.content.corrections()] == [("where is it", "b", "Ben")]
    for wrong in (bot, 10**6):
        with pytest.raises(UsageError, match="Only a customer's message"):
            stores.content.correct(wrong, "a", "Ada")


def test_counts(stores: Stores) -> None:
    stores.content.replace_intents([Intent("a", "x", 3), Intent("b", "", 0)])
    assert stores.content.counts() == {"templates": 0, "articles": 0, "intents": 2, "corrections": 0}
    assert [one.name for one in stores.content.intents()] == ["a", "b"]


def past(name: str, day: int, outcome: Outcome, intent: str | None, channel: str = "web") -> Conversation:
    at = datetime(2026, 6, day, 23, 59, tzinfo=UTC)
    messages = (
        Message(0, "customer", f"question {name}", at),
        Message(0, "bot", "reply", at, kind="retrieve" if outcome == "retrieved" else None, code="imported"),
    )
    return Conversation(name, channel, "en", "closed", outcome, intent, at, at, messages)


def test_past_conversations_are_imported_once(stores: Stores) -> None:
    history = [past("c1", 1, "answered", "a"), past("c2", 2, "retrieved", "b")]
    assert stores.conversations.import_conversations(history) == 2
    assert stores.conversations.import_conversations([*history, past("c3", 3, "none", None)]) == 1
    assert len(stores.conversations.conversation("c1").messages) == 2


def test_figures_count_days_outcomes_channels_and_intents(stores: Stores) -> None:
    stores.conversations.import_conversations(
        [
            past("c1", 1, "answered", "a"),
            past("c2", 1, "answered", "a"),
            past("c3", 2, "handed_over", "a", "email"),
            past("c4", 3, "retrieved", "b"),
            past("c5", 3, "none", None),
        ]
    )
    days = [(one.day.day, one.outcome, one.conversations) for one in stores.figures.by_day(None, None, None)]
    assert days == [(1, "answered", 2), (2, "handed_over", 1), (3, "none", 1), (3, "retrieved", 1)]
    assert len(stores.figures.by_day(date(2026, 6, 2), date(2026, 6, 3), None)) == 1
    assert [one.conversations for one in stores.figures.by_day(None, None, "email")] == [1]
    assert stores.figures.channels() == ["email", "web"]
    intents = [(one.intent, one.conversations, one.answered) for one in stores.figures.by_intent(None, None, None, 5)]
    assert intents == [("a", 3, 2), ("b", 1, 0)]


def test_unanswered_questions_leave_the_list_when_corrected(stores: Stores) -> None:
    stores.conversations.import_conversations([past("c4", 3, "retrieved", "b")])
    said = start(stores, "newer")
    reply(stores, said, "hand_over")
    answered = start(stores, "known")
    reply(stores, answered)
    listed = stores.figures.unanswered(None, None, 10)
    assert [(one.text, one.kind) for one in listed] == [("newer", "hand_over"), ("question c4", "retrieve")]
    assert listed[0].intent == "a"
    stores.content.correct(said.message_id, "b", "Ada")
    assert [one.text for one in stores.figures.unanswered(None, None, 10)] == ["question c4"]
    assert stores.figures.unanswered(None, "email", 10) == []
