"""Money: a ledger, the month's pool and the day's budget; each message knows its purse, price and month"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from okienko_server.storage.tables import Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger",
        sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("sms_id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("purse", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.clinic_id"], name=op.f("fk_ledger_clinic")),
        sa.PrimaryKeyConstraint("clinic_id", "sms_id", "event", "account", name=op.f("pk_ledger")),
    )
    with op.batch_alter_table("ledger") as batch_op:
        batch_op.create_index("ix_ledger_month", ["clinic_id", "month"], unique=False)
    op.create_table(
        "sms_month",
        sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.Column("pool_left", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.clinic_id"], name=op.f("fk_sms_month_clinic")),
        sa.PrimaryKeyConstraint("clinic_id", "month", name=op.f("pk_sms_month")),
    )
    op.create_table(
        "sms_day",
        sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("codes", sa.BigInteger(), nullable=False),
        sa.Column("verified", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.clinic_id"], name=op.f("fk_sms_day_clinic")),
        sa.PrimaryKeyConstraint("clinic_id", "day", name=op.f("pk_sms_day")),
    )
    with op.batch_alter_table("sms_message") as batch_op:
        batch_op.add_column(sa.Column("purse", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("price", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("month", sa.Text(), nullable=True))
    with op.batch_alter_table("clinic") as batch_op:
        batch_op.add_column(sa.Column("sms_day_budget", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("clinic") as batch_op:
        batch_op.drop_column("sms_day_budget")
    with op.batch_alter_table("sms_message") as batch_op:
        batch_op.drop_column("month")
        batch_op.drop_column("price")
        batch_op.drop_column("purse")
    op.drop_table("sms_day")
    op.drop_table("sms_month")
    with op.batch_alter_table("ledger") as batch_op:
        batch_op.drop_index("ix_ledger_month")
    op.drop_table("ledger")
