"""The finance monitor's first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from portside.storage.types import UtcTime

revision = "finance_0001"
down_revision = None
branch_labels = ("finance",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "finance_companies",
        sa.Column("ticker", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("aliases", sa.JSON, nullable=False),
        sa.Column("sector", sa.String(120), nullable=False),
    )
    _create_headlines()
    op.create_table(
        "finance_imports",
        sa.Column("fingerprint", sa.String(40), primary_key=True),
        sa.Column("file", sa.String(400), nullable=False),
        sa.Column("rows_done", sa.Integer, nullable=False),
        sa.Column("finished", sa.Boolean, nullable=False),
        sa.Column("updated_at", UtcTime, nullable=False),
    )
    op.create_table(
        "finance_feeds",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("url", sa.String(1000), nullable=False, unique=True),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("added_at", UtcTime, nullable=False),
        sa.Column("etag", sa.String(400), nullable=False),
        sa.Column("modified", sa.String(200), nullable=False),
        sa.Column("next_poll_at", UtcTime, nullable=False),
        sa.Column("last_try_at", UtcTime),
        sa.Column("last_success_at", UtcTime),
        sa.Column("last_item_at", UtcTime),
        sa.Column("errors_in_a_row", sa.Integer, nullable=False),
        sa.Column("errors_total", sa.Integer, nullable=False),
        sa.Column("polls_total", sa.Integer, nullable=False),
        sa.Column("items_total", sa.Integer, nullable=False),
        sa.Column("last_error", sa.Text, nullable=False),
    )
    _create_alerts()
    op.create_table(
        "finance_state",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.String(400), nullable=False),
    )


def _create_headlines() -> None:
    op.create_table(
        "finance_texts",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("hash", sa.String(40), nullable=False, unique=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("sentiment", sa.String(64), nullable=False),
        sa.Column("sentiment_probabilities", sa.JSON, nullable=False),
        sa.Column("sentiment_model", sa.String(120), nullable=False),
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("topic_probabilities", sa.JSON, nullable=False),
        sa.Column("topic_model", sa.String(120), nullable=False),
        sa.Column("corrected_sentiment", sa.String(64), nullable=False),
        sa.Column("corrected_topic", sa.String(64), nullable=False),
    )
    op.create_index("ix_finance_texts_models", "finance_texts", ["sentiment_model", "topic_model"])
    op.create_table(
        "finance_headlines",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(40), nullable=False, unique=True),
        sa.Column("published_at", UtcTime, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("source", sa.String(120), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("text_id", sa.Integer, sa.ForeignKey("finance_texts.id"), nullable=False),
        sa.Column("story", sa.Integer, nullable=False),
        sa.Column("lead", sa.Boolean, nullable=False),
        sa.Column("lead_in_source", sa.Boolean, nullable=False),
        sa.Column("sentiment", sa.String(64), nullable=False),
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("ingested_at", UtcTime, nullable=False),
    )
    for name, columns in (
        ("text", ["text_id"]),
        ("story", ["story"]),
        ("published", ["published_at", "id"]),
        ("trend", ["lead", "day", "topic", "sentiment"]),
        ("source", ["source", "day", "lead_in_source", "topic", "sentiment"]),
    ):
        op.create_index(f"ix_finance_headlines_{name}", "finance_headlines", columns)
    op.create_table(
        "finance_links",
        sa.Column("headline_id", sa.Integer, sa.ForeignKey("finance_headlines.id"), primary_key=True),
        sa.Column("ticker", sa.String(32), primary_key=True),
        sa.Column("start", sa.Integer, nullable=False),
        sa.Column("end", sa.Integer, nullable=False),
        sa.Column("matched", sa.String(200), nullable=False),
        sa.Column("how", sa.String(16), nullable=False),
    )
    op.create_index("ix_finance_links_ticker", "finance_links", ["ticker", "headline_id"])
    op.create_table(
        "finance_corrections",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("text_id", sa.Integer, sa.ForeignKey("finance_texts.id"), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("was", sa.String(64), nullable=False),
        sa.Column("label", sa.String(64), nullable=False),
        sa.Column("model", sa.String(120), nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.Column("at", UtcTime, nullable=False),
    )
    op.create_index("ix_finance_corrections_text", "finance_corrections", ["text_id"])


def _create_alerts() -> None:
    op.create_table(
        "finance_alerts",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("opened", sa.Date, nullable=False),
        sa.Column("fired", sa.Date),
        sa.Column("resolved", sa.Date),
        sa.Column("last_day", sa.Date, nullable=False),
        sa.Column("peak_day", sa.Date, nullable=False),
        sa.Column("peak_count", sa.Integer, nullable=False),
        sa.Column("peak_expected", sa.Float, nullable=False),
        sa.Column("peak_tail", sa.Float, nullable=False),
        sa.Column("total_negative", sa.Integer, nullable=False),
        sa.Column("raised_at", UtcTime, nullable=False),
        sa.Column("acknowledged_at", UtcTime),
        sa.Column("acknowledged_by", sa.String(120), nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.UniqueConstraint("kind", "name", "opened", name="uq_finance_alerts_episode"),
    )
    op.create_index("ix_finance_alerts_state", "finance_alerts", ["state", "opened"])
    op.create_table(
        "finance_alert_headlines",
        sa.Column("alert_id", sa.Integer, sa.ForeignKey("finance_alerts.id"), primary_key=True),
        sa.Column("headline_id", sa.Integer, sa.ForeignKey("finance_headlines.id"), primary_key=True),
    )


def downgrade() -> None:
    children = ("alert_headlines", "alerts", "state", "feeds", "imports", "corrections", "links")
    for table in (*children, "headlines", "texts", "companies"):
        op.drop_table(f"finance_{table}")
