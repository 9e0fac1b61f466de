"""The support desk's first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from portside.storage.types import UtcTime

revision = "support_0001"
down_revision = None
branch_labels = ("support",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "support_conversations",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("intent", sa.String(120)),
        sa.Column("started_at", UtcTime, nullable=False),
        sa.Column("started_day", sa.String(10), nullable=False),
        sa.Column("updated_at", UtcTime, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("pending_intent", sa.String(120)),
        sa.Column("pending_slot", sa.String(64)),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("slots", sa.JSON, nullable=False),
        sa.Column("turn", sa.Integer, nullable=False),
        sa.Column("imported", sa.Boolean, nullable=False),
    )
    op.create_index("support_conversations_day", "support_conversations", ["started_day", "channel", "outcome"])
    op.create_table(
        "support_messages",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        _conversation(),
        sa.Column("role", sa.String(8), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("author", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(16)),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("intent", sa.String(120)),
        sa.Column("confidence", sa.Float),
        sa.Column("model", sa.String(120), nullable=False),
        sa.Column("hits", sa.JSON, nullable=False),
        sa.Column("question_id", sa.Integer),
    )
    op.create_index("support_messages_conversation", "support_messages", ["conversation_id", "id"])
    op.create_index("support_messages_kind", "support_messages", ["kind", "at"])
    op.create_index("support_messages_question", "support_messages", ["question_id"])
    op.create_table(
        "support_tickets",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        _conversation(),
        sa.Column("status", sa.String(8), nullable=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("opened_at", UtcTime, nullable=False),
        sa.Column("agent", sa.String(120), nullable=False),
        sa.Column("taken_at", UtcTime),
        sa.Column("closed_at", UtcTime),
    )
    op.create_index("support_tickets_status", "support_tickets", ["status", "opened_at"])
    op.create_index("support_tickets_conversation", "support_tickets", ["conversation_id"])
    _create_content()


def _conversation() -> sa.Column[str]:
    return sa.Column(
        "conversation_id",
        sa.String(64),
        sa.ForeignKey("support_conversations.id", ondelete="CASCADE"),
        nullable=False,
    )


def _create_content() -> None:
    op.create_table(
        "support_corrections",
        sa.Column(
            "message_id",
            sa.Integer,
            sa.ForeignKey("support_messages.id", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("intent", sa.String(120), nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.Column("at", UtcTime, nullable=False),
    )
    op.create_table(
        "support_templates",
        sa.Column("intent", sa.String(120), primary_key=True),
        sa.Column("language", sa.String(8), primary_key=True),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("approved_by", sa.String(120), nullable=False),
    )
    op.create_table(
        "support_slots",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("pattern", sa.Text, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
    )
    op.create_table(
        "support_intents",
        sa.Column("name", sa.String(120), primary_key=True),
        sa.Column("example", sa.Text, nullable=False),
        sa.Column("utterances", sa.Integer, nullable=False),
    )
    op.create_table(
        "support_articles",
        sa.Column("slug", sa.String(120), primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("category", sa.String(120), nullable=False),
        sa.Column("updated", sa.String(32), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "support_passages",
        sa.Column("id", sa.String(160), primary_key=True),
        sa.Column("slug", sa.String(120), sa.ForeignKey("support_articles.slug", ondelete="CASCADE"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("heading", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_index("support_passages_slug", "support_passages", ["slug", "position"])
    op.create_table(
        "support_knowledge",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("generation", sa.String(64), nullable=False),
        sa.Column("encoder", sa.String(120), nullable=False),
        sa.Column("built_at", UtcTime, nullable=False),
    )


def downgrade() -> None:
    for name in (
        "knowledge",
        "passages",
        "articles",
        "intents",
        "slots",
        "templates",
        "corrections",
        "tickets",
        "messages",
        "conversations",
    ):
        op.drop_table(f"support_{name}")
