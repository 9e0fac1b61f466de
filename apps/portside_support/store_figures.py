"""What the desk counts: figures for the overview, added up in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, case, func, select

from portside.storage.engine import Database
from portside_support.records import Kind, Outcome, Turn
from portside_support.tables import conversations, corrections, messages

__all__ = ["DayCount", "FigureStore", "IntentCount"]


@dataclass(frozen=True)
class DayCount:
    """Conversations that began on one UTC day and ended one way."""

    day: date
    outcome: Outcome
    conversations: int


@dataclass(frozen=True)
class IntentCount:
    """How often conversations were about one intent, and how many of them the bot answered."""

    intent: str
    conversations: int
    answered: int


class FigureStore:
    """Reads only. Days are UTC days; ``since`` counts, ``until`` does not; None means without end."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def by_day(self, since: date | None, until: date | None, channel: str | None) -> list[DayCount]:
        """Conversations by the day they began and by outcome, in order of days."""
        c = conversations.c
        with self._database.read() as connection:
            rows = connection.execute(
                select(c.started_day, c.outcome, func.count().label("n"))
                .where(*_window(since, until, channel))
                .group_by(c.started_day, c.outcome)
                .order_by(c.started_day, c.outcome)
            ).all()
        return [DayCount(date.fromisoformat(row.started_day), row.outcome, row.n) for row in rows]

    def by_intent(self, since: date | None, until: date | None, channel: str | None, limit: int) -> list[IntentCount]:
        """The intents that most conversations were about."""
        c = conversations.c
        right = func.sum(case((c.outcome == "answered", 1), else_=0)).label("answered")
        with self._database.read() as connection:
            rows = connection.execute(
                select(c.intent, func.count().label("n"), right)
                .where(c.intent.is_not(None), *_window(since, until, channel))
                .group_by(c.intent)
                .order_by(func.count().desc(), c.intent)
                .limit(limit)
            ).all()
        return [IntentCount(row.intent, row.n, int(row.answered)) for row in rows]

    def unanswered(self, since: date | None, channel: str | None, limit: int) -> list[Turn]:
        """Questions without an approved answer that nobody has given an intent yet, the latest first.

        Requests for a person are not among them: there the bot did what it was asked.
        """
        question = messages.alias("question")
        joined = (
            messages.join(question, messages.c.question_id == question.c.id)
            .join(conversations, messages.c.conversation_id == conversations.c.id)
            .outerjoin(corrections, corrections.c.message_id == question.c.id)
        )
        kinds: Sequence[Kind] = ("retrieve", "hand_over")
        chosen = (
            select(messages, question.c.text.label("asked"), conversations.c.channel)
            .select_from(joined)
            .where(
                messages.c.kind.in_(kinds),
                messages.c.code.not_in(("asked_for_human", "did_not_help", "slot_not_given")),
                corrections.c.message_id.is_(None),
                *_window(since, None, channel),
            )
            .order_by(messages.c.at.desc(), messages.c.id.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            rows = connection.execute(chosen).all()
        return [
            Turn(
                row.question_id,
                row.conversation_id,
                row.channel,
                row.at,
                row.asked,
                row.kind,
                row.code,
                dict(row.facts),
                str(row.facts["intent"]) if "intent" in row.facts else row.intent,
                row.confidence,
            )
            for row in rows
        ]

    def channels(self) -> list[str]:
        """Every channel that conversations came by."""
        with self._database.read() as connection:
            found = connection.execute(select(conversations.c.channel).distinct().order_by(conversations.c.channel))
            return [row.channel for row in found]


def _window(since: date | None, until: date | None, channel: str | None) -> list[ColumnElement[bool]]:
    c = conversations.c
    rules: list[ColumnElement[bool]] = []
    if since is not None:
        rules.append(c.started_day >= since.isoformat())
    if until is not None:
        rules.append(c.started_day < until.isoformat())
    if channel:
        rules.append(c.channel == channel)
    return rules
