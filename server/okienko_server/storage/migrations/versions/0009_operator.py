"""The operator's console: accounts with a second factor, invitations, sessions, what was done"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from okienko_server.storage.tables import Instant

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "operator",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("totp_nonce", sa.Text(), nullable=False),
        sa.Column("totp_step", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("operator_id", name=op.f("pk_operator")),
    )
    with op.batch_alter_table("operator") as batch_op:
        batch_op.create_index("ix_operator_email", ["email"], unique=False)
    op.create_table(
        "operator_link",
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("used_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_operator_link")),
    )
    op.create_table(
        "operator_session",
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_operator_session")),
    )
    with op.batch_alter_table("operator_session") as batch_op:
        batch_op.create_index("ix_operator_session_operator_id", ["operator_id"], unique=False)
    op.create_table(
        "operator_act",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_act")),
    )
    with op.batch_alter_table("operator_act") as batch_op:
        batch_op.create_index("ix_operator_act_at", ["at"], unique=False)


def downgrade() -> None:
    for table in ("operator_act", "operator_session", "operator_link", "operator"):
        op.drop_table(table)
