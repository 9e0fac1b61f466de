"""The recommender's first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from portside.storage.types import UtcTime

revision = "recommend_0001"
down_revision = None
branch_labels = ("recommend",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recommend_items",
        sa.Column("item_id", sa.String(200), primary_key=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("category", sa.String(300), nullable=False),
        sa.Column("brand", sa.String(300), nullable=False),
        sa.Column("price", sa.Float()),
        sa.Column("added_at", UtcTime()),
        sa.Column("version", sa.Integer(), nullable=False),
    )
    op.create_index("ix_recommend_items_version", "recommend_items", ["version"])
    op.create_table(
        "recommend_events",
        sa.Column("key", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("user_id", sa.String(200), nullable=False),
        sa.Column("item_id", sa.String(200), nullable=False),
        sa.Column("event", sa.String(20), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("timed", sa.Boolean(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
    )
    op.create_index("ix_recommend_events_user", "recommend_events", ["user_id", "at"])
    op.create_table(
        "recommend_state",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("version", sa.Integer(), nullable=False),
    )
    op.create_table(
        "recommend_evaluations",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("protocol", sa.String(20), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
    )
    op.create_index("ix_recommend_evaluations_at", "recommend_evaluations", ["at"])


def downgrade() -> None:
    for table in ("evaluations", "state", "events", "items"):
        op.drop_table(f"recommend_{table}")
