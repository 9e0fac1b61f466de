"""Whether the sentiment model had learned of anything like a text, and how sure it was; of older readings unknown."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "finance_0002"
down_revision = "finance_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("finance_texts", sa.Column("sentiment_confidence", sa.Float))
    op.add_column("finance_texts", sa.Column("outside", sa.Boolean))
