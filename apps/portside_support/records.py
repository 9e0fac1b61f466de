"""The nouns of the support desk: what is said, what may be answered, what waits for a person. Frozen, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

__all__ = [
    "OUTCOME_OF_KIND",
    "Article",
    "Conversation",
    "Correction",
    "Decision",
    "Hit",
    "Intent",
    "Kind",
    "Message",
    "Outcome",
    "Passage",
    "Question",
    "Readiness",
    "Reply",
    "Role",
    "Slot",
    "SlotKind",
    "State",
    "Status",
    "Template",
    "Thresholds",
    "Ticket",
    "TicketStatus",
    "Trust",
    "Turn",
]

Role = Literal["customer", "bot", "agent"]
Kind = Literal["answer", "ask_slot", "retrieve", "hand_over", "silent"]
"""What the bot does: give an approved answer, ask for what it needs, show passages, call a person, or be quiet."""
Status = Literal["bot", "waiting", "agent", "closed"]
"""Who speaks for the company: the bot; nobody yet (a ticket waits); a person; nobody any more."""
Outcome = Literal["none", "answered", "retrieved", "handed_over"]
TicketStatus = Literal["open", "taken", "closed"]
SlotKind = Literal["regex", "choices", "text"]

OUTCOME_OF_KIND: Mapping[Kind, Outcome] = {
    "answer": "answered",
    "retrieve": "retrieved",
    "hand_over": "handed_over",
}
"""How a reply counts for its conversation; a question back to the customer does not count yet."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One thing that an answer may need to know, and how it is found in a message."""

    name: str
    kind: SlotKind
    pattern: str
    """A regular expression, the choices separated by ``|``, or empty for free text."""
    question: str
    """What the bot asks when the message does not give it."""


@dataclass(frozen=True, slots=True)
class Template:
    """The approved answer to one intent; ``{name}`` stands where a slot's value goes."""

    intent: str
    language: str
    answer: str
    approved_by: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A section of an article, short enough for the encoder to read whole."""

    id: str
    slug: str
    title: str
    heading: str
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found; ``similarity`` is the cosine of its vector and the question's, at most 1."""

    passage: Passage
    similarity: float


@dataclass(frozen=True, slots=True)
class Article:
    """One knowledge-base article as its file says, cut into passages."""

    slug: str
    title: str
    category: str
    updated: str
    """The day it was last changed, ISO 8601."""
    url: str
    body: str
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Intent:
    """An intent the current model knows, with an utterance that shows what it means."""

    name: str
    example: str
    utterances: int
    """How many training utterances it was learned from."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What evidence must reach before the bot speaks on its own."""

    confidence: float
    """Least probability of an intent that may be answered, 0 to 1."""
    similarity: float
    """Least cosine of the best passage that may be shown, -1 to 1."""
    failures: int
    """Replies without an approved answer, one after another, before a person is called."""
    slot_attempts: int
    """Times the bot asks for one slot before a person is called."""


@dataclass(frozen=True, slots=True)
class Trust:
    """How far one model version's confidence can be relied on, as validation measured it."""

    confidence: float
    """Least probability of an intent that may be answered, after the temperature was applied."""
    temperature: float = 1.0
    """What the model's scores are divided by to be as sure as they are right; above 1 for an overconfident model."""


@dataclass(frozen=True, slots=True)
class State:
    """Where a conversation stands before a reply is decided."""

    status: Status = "bot"
    failures: int = 0
    pending_intent: str | None = None
    pending_slot: str | None = None
    attempts: int = 0
    """How often the pending slot was asked for."""
    slots: Mapping[str, str] = field(default_factory=dict)
    turn: int = 0
    """Counts changes of the state, so that a decision made on an old one is noticed."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is known of the customer's message when a reply is decided."""

    words: int
    wants_human: bool
    did_not_help: bool
    label: str | None
    """Most probable intent; None when no model is there to say."""
    confidence: float
    hits: tuple[Hit, ...]
    found: Mapping[str, str]
    """Slot values read from this message."""
    outside: bool = False
    """Whether the message is unlike everything the model learned."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the bot does, why, and how the conversation stands afterwards."""

    kind: Kind
    code: str
    """Which rule decided; ``wording.REASONS`` has its sentence."""
    facts: Mapping[str, str | float]
    """The values the rule looked at, as its sentence names them."""
    state: State
    intent: str | None = None
    slot: str | None = None
    """The slot to ask for, when the kind is ``ask_slot``."""


@dataclass(frozen=True, slots=True)
class Message:
    """One thing said, with the decision behind it where the bot said it."""

    id: int
    role: Role
    text: str
    at: datetime
    author: str = ""
    kind: Kind | None = None
    code: str = ""
    facts: Mapping[str, str | float] = field(default_factory=dict)
    intent: str | None = None
    confidence: float | None = None
    model: str = ""
    hits: tuple[Hit, ...] = ()
    question_id: int | None = None
    """The customer's message that a bot's reply belongs to."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as stored; ``messages`` in the order they were said."""

    id: str
    channel: str
    language: str
    status: Status
    outcome: Outcome
    intent: str | None
    started_at: datetime
    updated_at: datetime
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Ticket:
    """A conversation that waits for a person or is with one."""

    id: int
    conversation_id: str
    channel: str
    status: TicketStatus
    code: str
    facts: Mapping[str, str | float]
    question: str
    opened_at: datetime
    agent: str = ""
    taken_at: datetime | None = None
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """A person's word on which intent a customer's message had."""

    message_id: int
    text: str
    intent: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and what came of it, for lists."""

    message_id: int
    conversation_id: str
    channel: str
    at: datetime
    text: str
    kind: Kind
    code: str
    facts: Mapping[str, str | float]
    intent: str | None
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Reply:
    """What the bot did about one message."""

    conversation_id: str
    kind: Kind
    text: str
    """What the customer reads; empty when the bot is silent."""
    code: str
    reason: str
    """Why, in one English sentence, for the agent."""
    intent: str | None
    confidence: float | None
    model: str
    hits: tuple[Hit, ...]
    status: Status


@dataclass(frozen=True, slots=True)
class Readiness:
    """What the desk has to work with."""

    intents: int
    answers: int
    articles: int

    @property
    def can_reply(self) -> bool:
        """Whether anything but handing over is possible."""
        return bool(self.answers or self.articles)
