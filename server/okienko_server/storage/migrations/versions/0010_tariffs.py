"""Tariffs: what a message costs and what the pool is made of, from which month on"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from okienko_server.storage.tables import Instant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sms_tariff",
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("pool_messages", sa.BigInteger(), nullable=False),
        sa.Column("set_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("since", name=op.f("pk_sms_tariff")),
    )


def downgrade() -> None:
    op.drop_table("sms_tariff")
