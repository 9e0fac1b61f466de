"""The jobs table."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from portside.storage.types import UtcTime

revision = "core_0001"
down_revision = None
branch_labels = ("core",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_jobs",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("kind", sa.String(80), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("done", sa.Float(), nullable=False),
        sa.Column("total", sa.Float(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("result", sa.JSON()),
        sa.Column("error", sa.Text()),
        sa.Column("log_tail", sa.JSON(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("retry_of", sa.String(32)),
        sa.Column("worker", sa.String(300)),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("started_at", UtcTime()),
        sa.Column("heartbeat_at", UtcTime()),
        sa.Column("cancel_asked_at", UtcTime()),
        sa.Column("finished_at", UtcTime()),
    )
    op.create_index("ix_core_jobs_state_created", "core_jobs", ["state", "created_at"])
    op.create_index("ix_core_jobs_kind_created", "core_jobs", ["kind", "created_at"])
    op.create_index("ix_core_jobs_created", "core_jobs", ["created_at"])


def downgrade() -> None:
    op.drop_table("core_jobs")
