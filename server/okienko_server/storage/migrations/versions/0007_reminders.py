"""Reminders: how long before a visit a clinic's patients are reminded, which visits are done with, how long a message is of use"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from okienko_server.storage.tables import Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UNREMINDED = sa.text("status = 'booked' AND reminder_settled_at IS NULL")


def upgrade() -> None:
    with op.batch_alter_table("clinic") as batch_op:
        batch_op.add_column(sa.Column("reminder_minutes", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("sms_message") as batch_op:
        batch_op.add_column(sa.Column("useful_until", Instant(), nullable=True))
    with op.batch_alter_table("appointment") as batch_op:
        batch_op.add_column(sa.Column("reminder_settled_at", Instant(), nullable=True))
        batch_op.create_index(
            "ix_appointment_unreminded", ["clinic_id", "starts_at"], sqlite_where=UNREMINDED, postgresql_where=UNREMINDED
        )


def downgrade() -> None:
    with op.batch_alter_table("appointment") as batch_op:
        batch_op.drop_index("ix_appointment_unreminded")
        batch_op.drop_column("reminder_settled_at")
    with op.batch_alter_table("sms_message") as batch_op:
        batch_op.drop_column("useful_until")
    with op.batch_alter_table("clinic") as batch_op:
        batch_op.drop_column("reminder_minutes")
