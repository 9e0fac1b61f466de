"""Conversations as stored, and the changes of them that must happen whole or not at all.

Who may speak is decided here and in ``store_tickets``, by the database: each change of a status says which status it
expects, and only one of several that try at once finds it. What the desk knows lies in ``store_content``, what it
counts in ``store_figures``.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from portside.clock import Clock, utc_now
from portside.errors import UsageError
from portside.storage.engine import Database
from portside_support.records import (
    OUTCOME_OF_KIND,
    Conversation,
    Decision,
    Hit,
    Message,
    Passage,
    State,
)
from portside_support.tables import conversations, messages, tickets

__all__ = ["Said", "SupportStore", "hits_to_json", "say", "touch"]


@dataclass(frozen=True)
class Said:
    """A stored message of a customer's, with the conversation as it stands after it."""

    conversation_id: str
    message_id: int
    state: State


class SupportStore:
    """Conversations and their messages. Safe to share between threads and processes."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock

    def start(self, channel: str, language: str) -> str:
        """A new conversation's id, not to be guessed."""
        now = self._clock()
        name = uuid.uuid4().hex
        with self._database.begin() as connection:
            connection.execute(insert(conversations).values(_fresh(name, channel, language, now)))
        return name

    def customer_says(self, conversation_id: str, text: str) -> Said:
        """Keep a customer's message. A closed conversation is open again afterwards, with the bot.

        Raises:
            UsageError: there is no such conversation.
        """
        now = self._clock()
        with self._database.begin() as connection:
            reopened = {"status": "bot", "failures": 0, "attempts": 0, "pending_intent": None, "pending_slot": None}
            connection.execute(
                update(conversations)
                .where(conversations.c.id == conversation_id, conversations.c.status == "closed")
                .values(**reopened, turn=conversations.c.turn + 1)
            )
            state = self._state(connection, conversation_id)
            message_id = say(connection, conversation_id, "customer", text, now)
            touch(connection, conversation_id, now)
        return Said(conversation_id, message_id, state)

    def state(self, conversation_id: str) -> State:
        """Where the conversation stands.

        Raises:
            UsageError: there is no such conversation.
        """
        with self._database.read() as connection:
            return self._state(connection, conversation_id)

    def bot_replies(
        self,
        said: Said,
        decision: Decision,
        *,
        text: str,
        question: str,
        confidence: float | None,
        model: str,
        hits: Sequence[Hit],
    ) -> int | None:
        """Keep the bot's reply, the state after it, and the ticket when it hands over; all or nothing.

        Returns the message's id, or None when the conversation has moved on since the decision's state was read
        (a person took it, or another message was answered): then nothing is kept and the bot stays silent.
        """
        now = self._clock()
        with self._database.begin() as connection:
            moved = connection.execute(
                update(conversations)
                .where(
                    conversations.c.id == said.conversation_id,
                    conversations.c.status == "bot",
                    conversations.c.turn == decision.state.turn - 1,
                )
                .values(updated_at=now, **_state_columns(decision.state))
            )
            if moved.rowcount != 1:
                return None
            _count_outcome(connection, said.conversation_id, decision)
            message_id = say(
                connection,
                said.conversation_id,
                "bot",
                text,
                now,
                kind=decision.kind,
                code=decision.code,
                facts=dict(decision.facts),
                intent=decision.intent,
                confidence=confidence,
                model=model,
                hits=hits_to_json(hits),
                question_id=said.message_id,
            )
            if decision.kind == "hand_over":
                connection.execute(
                    insert(tickets).values(
                        conversation_id=said.conversation_id,
                        status="open",
                        code=decision.code,
                        facts=dict(decision.facts),
                        question=question,
                        opened_at=now,
                        agent="",
                    )
                )
        return message_id

    def conversation(self, conversation_id: str) -> Conversation:
        """The conversation with all its messages.

        Raises:
            UsageError: there is no such conversation.
        """
        with self._database.read() as connection:
            row = connection.execute(select(conversations).where(conversations.c.id == conversation_id)).first()
            if row is None:
                raise _unknown_conversation(conversation_id)
            said = connection.execute(
                select(messages).where(messages.c.conversation_id == conversation_id).order_by(messages.c.id)
            ).all()
        return Conversation(
            row.id,
            row.channel,
            row.language,
            row.status,
            row.outcome,
            row.intent,
            row.started_at,
            row.updated_at,
            tuple(_message(line) for line in said),
        )

    def import_conversations(self, past: Sequence[Conversation]) -> int:
        """Store past conversations that are not there yet, all or none; returns how many were new."""
        new = 0
        with self._database.begin() as connection:
            for conversation in past:
                if self._insert_new(connection, conversation):
                    new += 1
        return new

    def _insert_new(self, connection: Connection, conversation: Conversation) -> bool:
        values = _fresh(conversation.id, conversation.channel, conversation.language, conversation.started_at)
        values |= {
            "status": "closed",
            "outcome": conversation.outcome,
            "intent": conversation.intent,
            "updated_at": conversation.updated_at,
            "imported": True,
        }
        upsert = sqlite.insert if self._database.is_sqlite else postgresql.insert
        fresh = upsert(conversations).values(values).on_conflict_do_nothing().returning(conversations.c.id)
        if connection.execute(fresh).first() is None:
            return False
        question_id: int | None = None
        for message in conversation.messages:
            replied = message.role == "bot" and message.kind is not None
            number = say(
                connection,
                conversation.id,
                message.role,
                message.text,
                message.at,
                kind=message.kind,
                code=message.code,
                intent=message.intent,
                confidence=message.confidence,
                model=message.model,
                question_id=question_id if replied else None,
            )
            question_id = number if message.role == "customer" else question_id
        return True

    def _state(self, connection: Connection, conversation_id: str) -> State:
        c = conversations.c
        row = connection.execute(
            select(c.status, c.failures, c.pending_intent, c.pending_slot, c.attempts, c.slots, c.turn).where(
                c.id == conversation_id
            )
        ).first()
        if row is None:
            raise _unknown_conversation(conversation_id)
        return State(
            row.status, row.failures, row.pending_intent, row.pending_slot, row.attempts, dict(row.slots), row.turn
        )


def hits_to_json(hits: Sequence[Hit]) -> list[dict[str, Any]]:
    """Passages as they are kept with a reply, so that it can be traced after the articles have changed."""
    return [
        {
            "id": hit.passage.id,
            "slug": hit.passage.slug,
            "title": hit.passage.title,
            "heading": hit.passage.heading,
            "text": hit.passage.text,
            "url": hit.passage.url,
            "similarity": hit.similarity,
        }
        for hit in hits
    ]


def _hits(raw: Sequence[Mapping[str, Any]]) -> tuple[Hit, ...]:
    return tuple(
        Hit(Passage(one["id"], one["slug"], one["title"], one["heading"], one["text"], one["url"]), one["similarity"])
        for one in raw
    )


def _fresh(name: str, channel: str, language: str, now: datetime) -> dict[str, Any]:
    return {
        "id": name,
        "channel": channel,
        "language": language,
        "status": "bot",
        "outcome": "none",
        "intent": None,
        "started_at": now,
        "started_day": now.date().isoformat(),
        "updated_at": now,
        "failures": 0,
        "pending_intent": None,
        "pending_slot": None,
        "attempts": 0,
        "slots": {},
        "turn": 0,
        "imported": False,
    }


def say(connection: Connection, conversation_id: str, role: str, text: str, at: datetime, **decision: Any) -> int:
    """Add one message inside the caller's transaction; ``decision`` holds further columns. Returns its id."""
    values: dict[str, Any] = {"author": "", "code": "", "facts": {}, "model": "", "hits": []} | decision
    written = connection.execute(
        insert(messages).values(conversation_id=conversation_id, role=role, text=text, at=at, **values)
    )
    number = written.inserted_primary_key
    assert number is not None
    return int(number[0])


def touch(connection: Connection, conversation_id: str, now: datetime) -> None:
    """Note that something happened in the conversation."""
    connection.execute(update(conversations).where(conversations.c.id == conversation_id).values(updated_at=now))


def _state_columns(state: State) -> dict[str, Any]:
    return {
        "status": state.status,
        "failures": state.failures,
        "pending_intent": state.pending_intent,
        "pending_slot": state.pending_slot,
        "attempts": state.attempts,
        "slots": dict(state.slots),
        "turn": state.turn,
    }


def _count_outcome(connection: Connection, conversation_id: str, decision: Decision) -> None:
    outcome = OUTCOME_OF_KIND.get(decision.kind)
    if outcome is not None:
        # Handed over stays handed over: what the bot says later does not undo that a person was needed.
        connection.execute(
            update(conversations)
            .where(conversations.c.id == conversation_id, conversations.c.outcome != "handed_over")
            .values(outcome=outcome)
        )
    if decision.intent is not None:
        connection.execute(
            update(conversations)
            .where(conversations.c.id == conversation_id, conversations.c.intent.is_(None))
            .values(intent=decision.intent)
        )


def _message(row: Row[Any]) -> Message:
    return Message(
        row.id,
        row.role,
        row.text,
        row.at,
        row.author,
        row.kind,
        row.code,
        dict(row.facts),
        row.intent,
        row.confidence,
        row.model,
        _hits(row.hits),
        row.question_id,
    )


def _unknown_conversation(conversation_id: str) -> UsageError:
    return UsageError(
        "No conversation of that id", seen=conversation_id[:80], remedy="Start a new one by leaving the id out"
    )
