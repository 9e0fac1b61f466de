"""What the support desk does: answer customers, hand over to people, show how it goes, learn from corrections."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from portside.clock import Clock, utc_now
from portside.errors import Busy, ModelError, PortsideError, UsageError
from portside.inference.interfaces import TextClassifier
from portside.records import Prediction
from portside_support.config import SupportConfig
from portside_support.history import marked
from portside_support.knowledge import Knowledge
from portside_support.learning import softened
from portside_support.records import (
    Conversation,
    Correction,
    Decision,
    Hit,
    Intent,
    Question,
    Readiness,
    Reply,
    Slot,
    State,
    Template,
    Thresholds,
    Ticket,
    TicketStatus,
    Trust,
    Turn,
)
from portside_support.rules import Desk, asks_for_human, decide, says_it_did_not_help, shown
from portside_support.slots import find_values
from portside_support.store import Said, SupportStore
from portside_support.store_content import ContentStore
from portside_support.store_figures import DayCount, FigureStore, IntentCount
from portside_support.store_tickets import TicketStore
from portside_support.wording import compose, reason_sentence

__all__ = ["Overview", "Stores", "SupportService"]

log = logging.getLogger(__name__)

RACES = 8
"""How often a reply is decided anew because the conversation moved on meanwhile; more is somebody's loop."""
TOP_INTENTS = 10
AGENT_NAME_LIMIT = 80


@dataclass(frozen=True)
class Stores:
    """The desk's stores, all on one database."""

    conversations: SupportStore
    tickets: TicketStore
    content: ContentStore
    figures: FigureStore


@dataclass(frozen=True)
class Overview:
    """How it goes over a period, beside the period of the same length before it."""

    since: date | None
    days: list[DayCount]
    before: list[DayCount]
    """Empty when the period has no beginning."""
    intents: list[IntentCount]


@dataclass(frozen=True)
class _Heard:
    """A customer's message with all that is known of it, read once however often the reply is decided."""

    text: str
    wants_human: bool
    prediction: Prediction | None
    hits: tuple[Hit, ...]
    templates: dict[str, Template]
    slots: dict[str, Slot]

    def question(self, state: State) -> Question:
        return Question(
            words=len(self.text.split()),
            wants_human=self.wants_human or asks_for_human(self.text),
            did_not_help=state.turn > 0 and says_it_did_not_help(self.text),
            label=self.prediction.label if self.prediction is not None else None,
            confidence=self.prediction.confidence if self.prediction is not None else 0.0,
            outside=self.prediction is not None and self.prediction.outside,
            hits=self.hits,
            found=find_values(self.slots, self.text, asked=state.pending_slot),
        )


class SupportService:
    """The use cases of the support desk. Holds no conversation's state; safe to share between threads."""

    def __init__(
        self,
        stores: Stores,
        classifier: TextClassifier,
        knowledge: Knowledge,
        *,
        trust_of: Callable[[str], Trust | None],
        config: SupportConfig | None = None,
        clock: Clock = utc_now,
    ) -> None:
        """``trust_of`` gives what validation measured for a model version, or None."""
        self.config = config or SupportConfig()
        self._stores = stores
        self._classifier = classifier
        self._knowledge = knowledge
        self._trust_of = trust_of
        self._clock = clock

    # -- the customer's side -------------------------------------------------------------------------------------

    def ask(
        self, text: str, *, conversation_id: str | None = None, channel: str = "chat", wants_human: bool = False
    ) -> Reply:
        """Keep a customer's message and reply to it. Without a conversation's id, a new conversation begins.

        Raises:
            UsageError: the message is empty or too long, or there is no such conversation.
        """
        text = self._clean(text)
        store = self._stores.conversations
        said = store.customer_says(conversation_id or store.start(channel, self.config.language), text)
        if said.state.status != "bot":
            return self._silent(said.conversation_id, said.state)
        heard = self._hear(text, wants_human)
        desk = self._desk(heard)
        for _ in range(RACES):
            decision = decide(heard.question(said.state), said.state, desk)
            if decision.kind == "silent":
                return self._silent(said.conversation_id, said.state)
            reply = self._reply(said, heard, decision)
            if reply is not None:
                return reply
            said = replace(said, state=store.state(said.conversation_id))
        raise UsageError(
            "A conversation takes one message at a time", seen=said.conversation_id, remedy="Wait for the reply"
        )

    def warm(self) -> None:
        """Load model and knowledge base, so that the first customer does not wait for them."""
        self._hear("hello", wants_human=False)

    def conversation(self, conversation_id: str) -> Conversation:
        """The conversation with its messages.

        Raises:
            UsageError: there is no such conversation.
        """
        return self._stores.conversations.conversation(conversation_id)

    def starters(self) -> list[str]:
        """Questions that the desk can help with: what its answered intents mean, and its newest articles by subject."""
        count = self.config.starters
        answered = self._stores.content.templates(self.config.language)
        asked = {one.intent: one.conversations for one in self._stores.figures.by_intent(None, None, None, 100)}
        examples = [one for one in self._stores.content.intents() if one.name in answered and one.example]
        examples.sort(key=lambda one: (-asked.get(one.name, 0), one.name))
        titles: dict[str, str] = {}
        for article in self._stores.content.articles():
            titles.setdefault(article.category, article.title)
        chosen = [one.example for one in examples[: (count + 1) // 2]]
        chosen += list(titles.values())[: count - len(chosen)]
        return chosen

    def readiness(self) -> Readiness:
        """What the desk has to work with."""
        counts = self._stores.content.counts()
        return Readiness(counts["intents"], counts["templates"], counts["articles"])

    # -- the agents' side ------------------------------------------------------------------------------------------

    def tickets(self, statuses: Sequence[TicketStatus] = ("open", "taken")) -> list[Ticket]:
        """Tickets of these statuses, the longest waiting first."""
        return self._stores.tickets.tickets(statuses)

    def take(self, ticket_id: int, agent: str) -> Ticket:
        """Take a ticket; from now on the bot is silent in its conversation.

        Raises:
            UsageError: another agent has it, or it is closed.
        """
        return self._stores.tickets.take(ticket_id, self._agent(agent))

    def reply_as_agent(self, ticket_id: int, agent: str, text: str) -> int:
        """Say something to the customer; returns the message's id.

        Raises:
            UsageError: the ticket is not this agent's, or the text is empty or too long.
        """
        return self._stores.tickets.agent_replies(ticket_id, self._agent(agent), self._clean(text))

    def close(self, ticket_id: int, agent: str) -> Ticket:
        """Close a ticket; the customer's next message begins with the bot again.

        Raises:
            UsageError: the ticket is not this agent's.
        """
        return self._stores.tickets.close(ticket_id, self._agent(agent))

    def suggestions(self, ticket: Ticket) -> tuple[Hit, ...]:
        """Passages that may help the agent, however unlike the question they are."""
        return self._search(ticket.question)[: self.config.passages_shown]

    # -- how it goes -----------------------------------------------------------------------------------------------

    def overview(self, days: int | None, channel: str | None) -> Overview:
        """Figures of the last ``days`` days (None: of all time), with today."""
        figures = self._stores.figures
        since = self._since(days)
        before = figures.by_day(since - timedelta(days=days), since, channel) if since and days else []
        return Overview(
            since,
            figures.by_day(since, None, channel),
            before,
            figures.by_intent(since, None, channel, TOP_INTENTS),
        )

    def unanswered(self, days: int | None, channel: str | None, limit: int = 50) -> list[Turn]:
        """The latest questions without an approved answer that nobody has given an intent yet."""
        return self._stores.figures.unanswered(self._since(days), channel, limit)

    def channels(self) -> list[str]:
        """Every channel that conversations came by."""
        return self._stores.figures.channels()

    def intents(self) -> list[Intent]:
        """Every intent a message can be given: those the model was trained on and those with an answer."""
        known = {intent.name: intent for intent in self._stores.content.intents()}
        for name in self._stores.content.templates(self.config.language):
            known.setdefault(name, Intent(name, "", 0))
        return [known[name] for name in sorted(known)]

    def correct(self, message_id: int, intent: str, actor: str) -> Correction:
        """Keep which intent a customer's message had; the next training learns from it.

        Raises:
            UsageError: no such intent, or the message is not a customer's.
        """
        names = [one.name for one in self.intents()]
        if intent not in names:
            remedy = f"Use one of: {', '.join(names[:12])}" if names else "Train the intent model first"
            raise UsageError("A correction names a known intent", seen=intent, remedy=remedy)
        return self._stores.content.correct(message_id, intent, self._agent(actor))

    def corrections(self) -> list[Correction]:
        """Every correction that the next training will learn from."""
        return self._stores.content.corrections()

    def import_conversations(self, past: Sequence[Conversation]) -> int:
        """Store past conversations with what the present model thinks they were about; returns how many were new."""
        return self._stores.conversations.import_conversations([self._judged(one) for one in past])

    # -- inside ----------------------------------------------------------------------------------------------------

    def _clean(self, text: str) -> str:
        # NUL cannot be stored; other control characters but line breaks and tabs have no place in a message.
        cleaned = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|[\ud800-\udfff]", "", text).strip()
        if not cleaned:
            raise UsageError("A message must have text", remedy="Write what you want to know")
        if len(cleaned) > self.config.message_limit:
            raise UsageError(
                f"A message has at most {self.config.message_limit:,} characters",
                seen=f"{len(cleaned):,}",
                remedy="Shorten it, or send it in parts",
            )
        return cleaned

    def _agent(self, name: str) -> str:
        cleaned = " ".join(name.split())[:AGENT_NAME_LIMIT]
        if not cleaned:
            raise UsageError("An agent must have a name", remedy="Write your name for the others to see")
        return cleaned

    def _since(self, days: int | None) -> date | None:
        return self._clock().date() - timedelta(days=days - 1) if days else None

    def _predict(self, text: str) -> Prediction | None:
        try:
            prediction = self._classifier.predict([text])[0]
        except ModelError as error:
            # A desk without a model can still search and hand over; the reason of the reply says so.
            log.warning("no intent model: %s", error)
            return None
        return softened(prediction, self._trust(prediction).temperature)

    def _search(self, text: str) -> tuple[Hit, ...]:
        try:
            return self._knowledge.search(text, self.config.candidates)
        except Busy:
            raise
        except PortsideError as error:
            log.warning("no knowledge base: %s", error)
            return ()

    def _trust(self, prediction: Prediction | None) -> Trust:
        measured = self._trust_of(prediction.model) if prediction is not None else None
        return measured or Trust(self.config.default_confidence)

    def _hear(self, text: str, wants_human: bool) -> _Heard:
        content = self._stores.content
        templates, slots = content.templates(self.config.language), content.slots()
        return _Heard(text, wants_human, self._predict(text), self._search(text), templates, slots)

    def _desk(self, heard: _Heard) -> Desk:
        config = self.config
        return Desk(
            heard.templates,
            Thresholds(
                self._trust(heard.prediction).confidence,
                config.retrieve_similarity,
                config.failures_before_handover,
                config.slot_attempts,
            ),
            config.human_intents,
            config.out_of_scope_intents,
            frozenset(name for name, slot in heard.slots.items() if slot.kind == "text"),
            config.subject_words,
        )

    def _reply(self, said: Said, heard: _Heard, decision: Decision) -> Reply | None:
        fits = shown(heard.hits, self.config.retrieve_similarity, self.config.passages_shown)
        evidence = heard.hits[: self.config.passages_shown] if decision.kind == "hand_over" else fits
        text = compose(decision, heard.templates, heard.slots, fits)
        confidence = heard.prediction.confidence if heard.prediction is not None else None
        model = heard.prediction.model if heard.prediction is not None else ""
        kept = self._stores.conversations.bot_replies(
            said, decision, text=text, question=heard.text, confidence=confidence, model=model, hits=evidence
        )
        if kept is None:
            return None
        return Reply(
            said.conversation_id,
            decision.kind,
            text,
            decision.code,
            reason_sentence(decision.code, decision.facts),
            decision.intent,
            confidence,
            model,
            evidence,
            decision.state.status,
        )

    def _silent(self, conversation_id: str, state: State) -> Reply:
        code = f"silent_{state.status}"
        return Reply(conversation_id, "silent", "", code, reason_sentence(code, {}), None, None, "", (), state.status)

    def _judged(self, past: Conversation) -> Conversation:
        first = next((one for one in past.messages if one.role == "customer"), None)
        prediction = self._predict(first.text[: self.config.message_limit]) if first is not None else None
        if prediction is None:
            return replace(past, messages=marked(past, None))
        sure = not prediction.outside and prediction.confidence >= self._trust(prediction).confidence
        about = prediction.label if sure and prediction.label not in self.config.out_of_scope_intents else None
        return replace(past, intent=about, messages=marked(past, prediction))
