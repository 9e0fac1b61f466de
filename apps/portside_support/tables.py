"""The support desk's tables."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

from portside.storage.types import UtcTime

__all__ = [
    "articles",
    "conversations",
    "corrections",
    "intents",
    "knowledge",
    "messages",
    "metadata",
    "passages",
    "slots",
    "templates",
    "tickets",
]

metadata = MetaData()

conversations = Table(
    "support_conversations",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("channel", String(32), nullable=False),
    Column("language", String(8), nullable=False),
    Column("status", String(16), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("intent", String(120)),
    Column("started_at", UtcTime, nullable=False),
    # The UTC day, kept beside the time so that both databases group by it alike and from an index.
    Column("started_day", String(10), nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("pending_intent", String(120)),
    Column("pending_slot", String(64)),
    Column("attempts", Integer, nullable=False),
    Column("slots", JSON, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("imported", Boolean, nullable=False),
    Index("support_conversations_day", "started_day", "channel", "outcome"),
)

messages = Table(
    "support_messages",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column(
        "conversation_id",
        String(64),
        ForeignKey("support_conversations.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("role", String(8), nullable=False),
    Column("text", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("author", String(120), nullable=False),
    Column("kind", String(16)),
    Column("code", String(32), nullable=False),
    Column("facts", JSON, nullable=False),
    Column("intent", String(120)),
    Column("confidence", Float),
    Column("model", String(120), nullable=False),
    Column("hits", JSON, nullable=False),
    Column("question_id", Integer),
    Index("support_messages_conversation", "conversation_id", "id"),
    Index("support_messages_kind", "kind", "at"),
    Index("support_messages_question", "question_id"),
)

tickets = Table(
    "support_tickets",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column(
        "conversation_id",
        String(64),
        ForeignKey("support_conversations.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("status", String(8), nullable=False),
    Column("code", String(32), nullable=False),
    Column("facts", JSON, nullable=False),
    Column("question", Text, nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("agent", String(120), nullable=False),
    Column("taken_at", UtcTime),
    Column("closed_at", UtcTime),
    Index("support_tickets_status", "status", "opened_at"),
    Index("support_tickets_conversation", "conversation_id"),
)

corrections = Table(
    "support_corrections",
    metadata,
    Column(
        "message_id",
        Integer,
        ForeignKey("support_messages.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("text", Text, nullable=False),
    Column("intent", String(120), nullable=False),
    Column("actor", String(120), nullable=False),
    Column("at", UtcTime, nullable=False),
)

templates = Table(
    "support_templates",
    metadata,
    Column("intent", String(120), primary_key=True),
    Column("language", String(8), primary_key=True),
    Column("answer", Text, nullable=False),
    Column("approved_by", String(120), nullable=False),
)

slots = Table(
    "support_slots",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("pattern", Text, nullable=False),
    Column("question", Text, nullable=False),
)

intents = Table(
    "support_intents",
    metadata,
    Column("name", String(120), primary_key=True),
    Column("example", Text, nullable=False),
    Column("utterances", Integer, nullable=False),
)

articles = Table(
    "support_articles",
    metadata,
    Column("slug", String(120), primary_key=True),
    Column("title", Text, nullable=False),
    Column("category", String(120), nullable=False),
    Column("updated", String(32), nullable=False),
    Column("url", Text, nullable=False),
    Column("body", Text, nullable=False),
)

passages = Table(
    "support_passages",
    metadata,
    Column("id", String(160), primary_key=True),
    Column("slug", String(120), ForeignKey("support_articles.slug", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("heading", Text, nullable=False),
    Column("text", Text, nullable=False),
    Index("support_passages_slug", "slug", "position"),
)

knowledge = Table(
    "support_knowledge",
    metadata,
    # One row: which index on disk belongs to the articles in these tables.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("generation", String(64), nullable=False),
    Column("encoder", String(120), nullable=False),
    Column("built_at", UtcTime, nullable=False),
)
