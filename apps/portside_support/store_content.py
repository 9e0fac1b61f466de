"""What the desk knows, as stored: answers, slots, articles, intents, corrections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select

from portside.clock import Clock, utc_now
from portside.errors import UsageError
from portside.storage.engine import Database
from portside_support.records import Article, Correction, Intent, Passage, Slot, Template
from portside_support.tables import (
    articles,
    corrections,
    intents,
    knowledge,
    messages,
    passages,
    slots,
    templates,
)

__all__ = ["ContentStore", "KnowledgeState"]


@dataclass(frozen=True)
class KnowledgeState:
    """Which index belongs to the stored articles."""

    generation: str
    encoder: str
    built_at: datetime


class ContentStore:
    """Answers, articles, intents and corrections. Safe to share between threads and processes."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock

    def replace_answers(self, new_templates: Sequence[Template], new_slots: Mapping[str, Slot]) -> None:
        """Make these the approved answers and slots, in place of all there were."""
        with self._database.begin() as connection:
            connection.execute(delete(templates))
            connection.execute(delete(slots))
            for template in new_templates:
                connection.execute(
                    insert(templates).values(
                        intent=template.intent,
                        language=template.language,
                        answer=template.answer,
                        approved_by=template.approved_by,
                    )
                )
            for slot in new_slots.values():
                connection.execute(
                    insert(slots).values(name=slot.name, kind=slot.kind, pattern=slot.pattern, question=slot.question)
                )

    def templates(self, language: str) -> dict[str, Template]:
        """Approved answers in this language, by intent."""
        with self._database.read() as connection:
            rows = connection.execute(select(templates).where(templates.c.language == language)).all()
        return {row.intent: Template(row.intent, row.language, row.answer, row.approved_by) for row in rows}

    def slots(self) -> dict[str, Slot]:
        """Slots by name."""
        with self._database.read() as connection:
            rows = connection.execute(select(slots)).all()
        return {row.name: Slot(row.name, row.kind, row.pattern, row.question) for row in rows}

    def replace_knowledge(self, new: Sequence[Article], *, generation: str, encoder: str) -> None:
        """Make these the articles, and ``generation`` the index that belongs to them, in one step."""
        now = self._clock()
        with self._database.begin() as connection:
            for table in (passages, articles, knowledge):
                connection.execute(delete(table))
            for article in new:
                connection.execute(
                    insert(articles).values(
                        slug=article.slug,
                        title=article.title,
                        category=article.category,
                        updated=article.updated,
                        url=article.url,
                        body=article.body,
                    )
                )
                rows = [
                    {"id": one.id, "slug": one.slug, "position": place, "heading": one.heading, "text": one.text}
                    for place, one in enumerate(article.passages)
                ]
                connection.execute(insert(passages), rows)
            connection.execute(insert(knowledge).values(id=1, generation=generation, encoder=encoder, built_at=now))

    def knowledge_state(self) -> KnowledgeState | None:
        """Which index belongs to the stored articles; None before the first import."""
        with self._database.read() as connection:
            row = connection.execute(select(knowledge)).first()
        return KnowledgeState(row.generation, row.encoder, row.built_at) if row is not None else None

    def passages(self) -> dict[str, Passage]:
        """Every passage by id."""
        joined = passages.join(articles, passages.c.slug == articles.c.slug)
        chosen = select(passages, articles.c.title, articles.c.url).select_from(joined)
        with self._database.read() as connection:
            rows = connection.execute(chosen.order_by(passages.c.slug, passages.c.position)).all()
        return {row.id: Passage(row.id, row.slug, row.title, row.heading, row.text, row.url) for row in rows}

    def articles(self) -> list[Article]:
        """Every article without its passages, the most recently updated first."""
        with self._database.read() as connection:
            rows = connection.execute(select(articles).order_by(articles.c.updated.desc(), articles.c.slug)).all()
        return [Article(row.slug, row.title, row.category, row.updated, row.url, row.body, ()) for row in rows]

    def replace_intents(self, new: Sequence[Intent]) -> None:
        """Make these the intents the model knows."""
        with self._database.begin() as connection:
            connection.execute(delete(intents))
            for intent in new:
                connection.execute(
                    insert(intents).values(name=intent.name, example=intent.example, utterances=intent.utterances)
                )

    def intents(self) -> list[Intent]:
        """The intents the model was trained on, by name."""
        with self._database.read() as connection:
            rows = connection.execute(select(intents).order_by(intents.c.name)).all()
        return [Intent(row.name, row.example, row.utterances) for row in rows]

    def correct(self, message_id: int, intent: str, actor: str) -> Correction:
        """Keep a person's word on a customer's message; a later word replaces the earlier.

        Raises:
            UsageError: there is no such message, or it is not a customer's.
        """
        now = self._clock()
        with self._database.begin() as connection:
            row = connection.execute(
                select(messages.c.text, messages.c.role).where(messages.c.id == message_id)
            ).first()
            if row is None or row.role != "customer":
                raise UsageError("Only a customer's message can be given an intent", seen=f"message {message_id}")
            connection.execute(delete(corrections).where(corrections.c.message_id == message_id))
            values = {"message_id": message_id, "text": row.text, "intent": intent, "actor": actor, "at": now}
            connection.execute(insert(corrections).values(values))
        return Correction(message_id, row.text, intent, actor, now)

    def corrections(self) -> list[Correction]:
        """Every correction, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(corrections).order_by(corrections.c.at, corrections.c.message_id)).all()
        return [Correction(row.message_id, row.text, row.intent, row.actor, row.at) for row in rows]

    def counts(self) -> dict[str, int]:
        """How many answers, articles, intents and corrections there are."""
        tables = {"templates": templates, "articles": articles, "intents": intents, "corrections": corrections}
        with self._database.read() as connection:
            return {
                name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for name, table in tables.items()
            }
