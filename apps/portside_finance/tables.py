"""The tables, all named ``finance_…``. Queries stand in the ``store`` modules."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from portside.storage.types import UtcTime

__all__ = [
    "alert_headlines",
    "alerts",
    "companies",
    "corrections",
    "feeds",
    "headlines",
    "imports",
    "links",
    "metadata",
    "state",
    "texts",
]

metadata = MetaData()

companies = Table(
    "finance_companies",
    metadata,
    Column("ticker", String(32), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("aliases", JSON, nullable=False),
    Column("sector", String(120), nullable=False),
)

# Each distinct text once: it is scored once, however many outlets print it.
texts = Table(
    "finance_texts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("hash", String(40), nullable=False, unique=True),
    Column("text", Text, nullable=False),
    Column("sentiment", String(64), nullable=False),
    Column("sentiment_probabilities", JSON, nullable=False),
    Column("sentiment_model", String(120), nullable=False),
    Column("topic", String(64), nullable=False),
    Column("topic_probabilities", JSON, nullable=False),
    Column("topic_model", String(120), nullable=False),
    Column("corrected_sentiment", String(64), nullable=False),
    Column("corrected_topic", String(64), nullable=False),
    # Unknown of what was read before they were kept.
    Column("sentiment_confidence", Float),
    Column("outside", Boolean),
    Index("ix_finance_texts_models", "sentiment_model", "topic_model"),
)

# Sentiment and topic stand here once more, as they count now (corrected or scored): pages group by them.
headlines = Table(
    "finance_headlines",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("key", String(40), nullable=False, unique=True),
    Column("published_at", UtcTime, nullable=False),
    Column("day", Date, nullable=False),
    Column("source", String(120), nullable=False),
    Column("url", Text, nullable=False),
    Column("text_id", Integer, ForeignKey("finance_texts.id"), nullable=False),
    Column("story", Integer, nullable=False),
    Column("lead", Boolean, nullable=False),
    Column("lead_in_source", Boolean, nullable=False),
    Column("sentiment", String(64), nullable=False),
    Column("topic", String(64), nullable=False),
    Column("ingested_at", UtcTime, nullable=False),
    Index("ix_finance_headlines_text", "text_id"),
    Index("ix_finance_headlines_story", "story"),
    Index("ix_finance_headlines_published", "published_at", "id"),
    Index("ix_finance_headlines_trend", "lead", "day", "topic", "sentiment"),
    Index("ix_finance_headlines_source", "source", "day", "lead_in_source", "topic", "sentiment"),
)

links = Table(
    "finance_links",
    metadata,
    Column("headline_id", Integer, ForeignKey("finance_headlines.id"), primary_key=True),
    Column("ticker", String(32), primary_key=True),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("matched", String(200), nullable=False),
    Column("how", String(16), nullable=False),
    Index("ix_finance_links_ticker", "ticker", "headline_id"),
)

corrections = Table(
    "finance_corrections",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("text_id", Integer, ForeignKey("finance_texts.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("was", String(64), nullable=False),
    Column("label", String(64), nullable=False),
    Column("model", String(120), nullable=False),
    Column("actor", String(120), nullable=False),
    Column("at", UtcTime, nullable=False),
    Index("ix_finance_corrections_text", "text_id"),
)

imports = Table(
    "finance_imports",
    metadata,
    Column("fingerprint", String(40), primary_key=True),
    Column("file", String(400), nullable=False),
    Column("rows_done", Integer, nullable=False),
    Column("finished", Boolean, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
)

feeds = Table(
    "finance_feeds",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("url", String(1000), nullable=False, unique=True),
    Column("title", String(200), nullable=False),
    Column("added_at", UtcTime, nullable=False),
    Column("etag", String(400), nullable=False),
    Column("modified", String(200), nullable=False),
    Column("next_poll_at", UtcTime, nullable=False),
    Column("last_try_at", UtcTime),
    Column("last_success_at", UtcTime),
    Column("last_item_at", UtcTime),
    Column("errors_in_a_row", Integer, nullable=False),
    Column("errors_total", Integer, nullable=False),
    Column("polls_total", Integer, nullable=False),
    Column("items_total", Integer, nullable=False),
    Column("last_error", Text, nullable=False),
)

alerts = Table(
    "finance_alerts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("name", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("opened", Date, nullable=False),
    Column("fired", Date),
    Column("resolved", Date),
    Column("last_day", Date, nullable=False),
    Column("peak_day", Date, nullable=False),
    Column("peak_count", Integer, nullable=False),
    Column("peak_expected", Float, nullable=False),
    Column("peak_tail", Float, nullable=False),
    Column("total_negative", Integer, nullable=False),
    Column("raised_at", UtcTime, nullable=False),
    Column("acknowledged_at", UtcTime),
    Column("acknowledged_by", String(120), nullable=False),
    Column("comment", Text, nullable=False),
    UniqueConstraint("kind", "name", "opened", name="uq_finance_alerts_episode"),
    Index("ix_finance_alerts_state", "state", "opened"),
)

alert_headlines = Table(
    "finance_alert_headlines",
    metadata,
    Column("alert_id", Integer, ForeignKey("finance_alerts.id"), primary_key=True),
    Column("headline_id", Integer, ForeignKey("finance_headlines.id"), primary_key=True),
)

# Small facts that must survive a restart, by name: which day alerts must be recomputed from, and the like.
state = Table(
    "finance_state",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", String(400), nullable=False),
)
