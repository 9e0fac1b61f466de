from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import create_engine

from portside.errors import ModelNotFound, UsageError
from portside.inference.interfaces import FakeClassifier
from portside.storage.engine import Database
from portside_support.config import SupportConfig
from portside_support.importing import read_conversations
from portside_support.knowledge import FakeKnowledge
from portside_support.records import Hit, Passage, Slot, Template, Ticket, Trust
from portside_support.service import Stores, SupportService
from portside_support.store import SupportStore
from portside_support.store_content import ContentStore
from portside_support.store_figures import FigureStore
from portside_support.store_tickets import TicketStore
from portside_support.tables import metadata


class NoModel:
    """A classifier that nobody has trained yet."""

    labels: tuple[str, ...] = ()
    model = ""

    def predict(self, texts: object) -> list[object]:
        raise ModelNotFound("There is no model 'support-intents'")


def test_answer_with_its_reason(desk: SupportService) -> None:
    reply = desk.ask("When are you open?")
    assert (reply.kind, reply.text, reply.intent, reply.model) == (
        "answer",
        "We are open from nine to six.",
        "opening_hours",
        "support-intents:1",
    )
    assert "“opening_hours” is 95.0 % sure" in reply.reason
    assert "approved by Ada" in reply.reason


def test_a_missing_slot_is_asked_for_and_remembered(desk: SupportService) -> None:
    first = desk.ask("where is my parcel")
    assert (first.kind, first.text) == ("ask_slot", "What is your order number?")
    second = desk.ask("it's lm-1234567", conversation_id=first.conversation_id)
    assert (second.kind, second.text) == ("answer", "Order lm-1234567 is at https://shop.example/track/lm-1234567.")
    third = desk.ask("and where is my parcel now", conversation_id=first.conversation_id)
    assert third.kind == "answer"


def test_passages_with_their_sources(desk: SupportService) -> None:
    reply = desk.ask("does the warranty cover broken zips and poles")
    assert (reply.kind, reply.hits[0].passage.slug, reply.hits[0].passage.url) == (
        "retrieve",
        "warranty",
        "/help/warranty",
    )
    assert "under “Warranty, What the warranty covers”" in reply.text
    assert all(hit.similarity >= desk.config.retrieve_similarity for hit in reply.hits)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("please sing a song xyzzy", "nothing_unsure"),
        ("let me talk to a human", "asked_for_human"),
        ("a colleague would be good", "asked_for_human"),
        ("martian weather xyzzy", "nothing_out_of_scope"),
    ],
)
def test_handing_over_opens_a_ticket(desk: SupportService, text: str, code: str) -> None:
    reply = desk.ask(text)
    assert (reply.kind, reply.code, reply.status) == ("hand_over", code, "waiting")
    assert reply.text, "never without a word to the customer"
    (ticket,) = desk.tickets()
    assert (ticket.code, ticket.question, ticket.conversation_id) == (code, text, reply.conversation_id)


def test_a_button_calls_a_person_whatever_the_words(desk: SupportService) -> None:
    assert desk.ask("我想和客服人员交谈", wants_human=True).code == "asked_for_human"


def test_did_not_help_counts_only_after_a_reply(desk: SupportService) -> None:
    assert desk.ask("that didn't help with the parcel").code == "needs_slot"
    first = desk.ask("When are you open?")
    assert desk.ask("that didn't help", conversation_id=first.conversation_id).code == "did_not_help"


def test_the_bot_is_silent_while_a_person_has_the_conversation(desk: SupportService) -> None:
    name = desk.ask("agent please").conversation_id
    assert desk.ask("hello?", conversation_id=name).kind == "silent"
    ticket = desk.take(desk.tickets()[0].id, " Ada  Lovelace ")
    assert ticket.agent == "Ada Lovelace"
    silent = desk.ask("when are you open?", conversation_id=name)
    assert (silent.kind, silent.text, silent.status) == ("silent", "", "agent")
    desk.reply_as_agent(ticket.id, "Ada Lovelace", "From nine.")
    desk.close(ticket.id, "Ada Lovelace")
    roles = [one.role for one in desk.conversation(name).messages]
    assert roles == ["customer", "bot", "customer", "customer", "agent"]
    assert desk.ask("when are you open?", conversation_id=name).kind == "answer"


def test_without_a_model_it_still_retrieves_and_hands_over(stores: Stores, desk: SupportService) -> None:
    hit = Hit(Passage("r#1", "r", "Returns", "", "By post.", "/r"), 0.9)
    bare = SupportService(stores, NoModel(), FakeKnowledge({"return": [hit]}), trust_of=lambda _: None)  # type: ignore[arg-type]
    assert bare.ask("how do I return it").code == "passages_no_model"
    assert bare.ask("something else").code == "nothing_no_model"


@pytest.mark.parametrize(
    ("measured", "kind"),
    [(Trust(0.6), "answer"), (None, "hand_over"), (Trust(0.8), "hand_over"), (Trust(0.6, 3.0), "hand_over")],
)
def test_the_threshold_of_the_served_version_decides(
    stores: Stores, desk: SupportService, measured: Trust | None, kind: str
) -> None:
    classifier = FakeClassifier({"open": "opening_hours"}, ("opening_hours", "x"), confidence=0.7)
    strict = SupportService(stores, classifier, FakeKnowledge(), trust_of=lambda _: measured)
    assert strict.ask("when open").kind == kind


@pytest.mark.parametrize("text", ["", "  \n ", "\x00\x07", "x" * 2001])
def test_messages_must_have_text_and_an_end(desk: SupportService, text: str) -> None:
    with pytest.raises(UsageError, match="A message"):
        desk.ask(text)
    assert desk.channels() == []


@pytest.mark.parametrize(
    "text", ["nul\x00byte", "half \ud800 pair", "🎒 ¿dónde?", "<script>alert(1)</script>", "{slot} %s"]
)
def test_strange_messages_are_kept(desk: SupportService, text: str) -> None:
    name = desk.ask(text).conversation_id
    stored = desk.conversation(name).messages[0].text
    assert stored == text.replace("\x00", "").replace("\ud800", "")


def test_many_messages_at_once_lose_none(desk: SupportService) -> None:
    name = desk.ask("When are you open?").conversation_id
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda _: desk.ask("are you open", conversation_id=name), range(8)))
    assert [one.kind for one in replies] == ["answer"] * 8
    roles = [one.role for one in desk.conversation(name).messages]
    assert (roles.count("customer"), roles.count("bot")) == (9, 9)


def test_corrections_name_known_intents(desk: SupportService) -> None:
    name = desk.ask("please sing a song xyzzy").conversation_id
    asked = desk.conversation(name).messages[0].id
    assert [one.text for one in desk.unanswered(None, None)] == ["please sing a song xyzzy"]
    with pytest.raises(UsageError, match="known intent"):
        desk.correct(asked, "singing", "Ada")
    with pytest.raises(UsageError, match="must have a name"):
        desk.correct(asked, "opening_hours", " ")
    desk.correct(asked, "opening_hours", "Ada")
    assert [one.intent for one in desk.corrections()] == ["opening_hours"]
    assert desk.unanswered(None, None) == []


def test_starters_are_the_desks_own_questions(desk: SupportService, stores: Stores) -> None:
    assert desk.starters() == ["say opening_hours", "say track_order", "Returning an item", "Warranty"]
    stores.content.replace_answers([], {})
    assert desk.starters() == ["Returning an item", "Warranty"]


def test_overview_compares_with_the_period_before(desk: SupportService) -> None:
    desk.ask("When are you open?")
    desk.ask("agent please")
    overview = desk.overview(7, None)
    assert [(one.outcome, one.conversations) for one in overview.days] == [("answered", 1), ("handed_over", 1)]
    assert (overview.before, overview.intents[0].intent, overview.intents[0].answered) == ([], "opening_hours", 1)
    assert desk.overview(None, "email").days == []


def test_suggestions_for_the_agent_need_not_be_alike(desk: SupportService) -> None:
    desk.ask("let me talk to a human about postage")
    assert desk.suggestions(desk.tickets()[0])[0].passage.slug == "returning-an-item"


def test_past_conversations_get_an_intent_and_a_marked_reply(desk: SupportService, tmp_path: Path) -> None:
    path = tmp_path / "past.jsonl"
    line = (
        '{"id": "c1", "channel": "web", "started_at": "2026-06-01T10:00:00Z", "outcome": "handed_over", "messages": ['
        '{"role": "customer", "text": "is it open", "at": "2026-06-01T10:00:00Z"},'
        '{"role": "bot", "text": "one moment", "at": "2026-06-01T10:00:01Z"},'
        '{"role": "agent", "text": "yes", "at": "2026-06-01T10:01:00Z"}]}\n'
    )
    path.write_text(line)
    assert desk.import_conversations(read_conversations(path)) == 1
    stored = desk.conversation("c1")
    assert (stored.intent, stored.outcome, stored.messages[1].kind) == ("opening_hours", "handed_over", "hand_over")
    assert [one.text for one in desk.unanswered(None, "web")] == ["is it open"]


@pytest.mark.parametrize("change", [{"retrieve_similarity": 2}, {"target_precision": 1.5}, {"passages_shown": 0}])
def test_settings_that_cannot_be_are_refused_by_name(change: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(change))):
        SupportConfig(**change)  # type: ignore[arg-type]


class HandoverMachine(RuleBasedStateMachine):
    """Customers, agents and the bot do what they like; who may speak must always be clear."""

    def __init__(self) -> None:
        super().__init__()
        engine = create_engine("sqlite://")
        metadata.create_all(engine)
        database = Database(engine)
        stores = Stores(SupportStore(database), TicketStore(database), ContentStore(database), FigureStore(database))
        stores.content.replace_answers(
            [Template("hours", "en", "Nine.", "Ada"), Template("track", "en", "On its way: {order}", "Ada")],
            {"order": Slot("order", "regex", "[0-9]{3}", "Which?")},
        )
        hit = Hit(Passage("r#1", "r", "Returns", "", "By post.", "/r"), 0.9)
        classifier = FakeClassifier({"open": "hours", "parcel": "track"}, ("x", "hours", "track"))
        self.desk = SupportService(
            stores, classifier, FakeKnowledge({"return": [hit]}), trust_of=lambda _: Trust(0.7), config=SupportConfig()
        )
        self.name: str | None = None
        self.said: list[str] = []
        self.replies_after_take = 0

    def ticket(self) -> Ticket | None:
        return next(iter(self.desk.tickets()), None)

    def say(self, text: str) -> None:
        before = self.desk.conversation(self.name).status if self.name else "bot"
        reply = self.desk.ask(text, conversation_id=self.name)
        self.name = reply.conversation_id
        self.said.append(text)
        assert (reply.kind == "silent") == (before in ("waiting", "agent"))
        assert bool(reply.text) == (reply.kind != "silent")

    @rule()
    def asks_known(self) -> None:
        self.say("are you open")

    @rule()
    def asks_for_parcel(self) -> None:
        self.say("where is my parcel")

    @rule()
    def gives_order(self) -> None:
        self.say("123")

    @rule()
    def asks_article(self) -> None:
        self.say("how do I return")

    @rule()
    def asks_unknown(self) -> None:
        self.say("xyzzy")

    @rule()
    def asks_for_person(self) -> None:
        self.say("agent please")

    @precondition(lambda self: self.ticket() is not None)
    @rule()
    def agent_takes(self) -> None:
        ticket = self.ticket()
        assert ticket is not None
        self.desk.take(ticket.id, ticket.agent or "Ada")

    @precondition(lambda self: self.ticket() is not None and self.ticket().status == "taken")
    @rule()
    def agent_replies(self) -> None:
        ticket = self.ticket()
        assert ticket is not None
        self.desk.reply_as_agent(ticket.id, "Ada", "hello")

    @precondition(lambda self: self.ticket() is not None and self.ticket().status == "taken")
    @rule()
    def agent_closes(self) -> None:
        ticket = self.ticket()
        assert ticket is not None
        self.desk.close(ticket.id, "Ada")

    @invariant()
    def status_and_tickets_agree(self) -> None:
        if self.name is None:
            return
        conversation = self.desk.conversation(self.name)
        standing = [ticket.status for ticket in self.desk.tickets()]
        assert standing == {"waiting": ["open"], "agent": ["taken"]}.get(conversation.status, [])

    @invariant()
    def nothing_is_lost_and_every_silence_was_announced(self) -> None:
        if self.name is None:
            return
        messages = self.desk.conversation(self.name).messages
        assert [one.text for one in messages if one.role == "customer"] == self.said
        for place, message in enumerate(messages):
            if message.role == "agent":
                bots = [one for one in messages[:place] if one.role == "bot"]
                assert bots[-1].kind == "hand_over"


HandoverMachine.TestCase.settings = hypothesis_settings(max_examples=10, stateful_step_count=15, deadline=None)
TestHandover = HandoverMachine.TestCase
