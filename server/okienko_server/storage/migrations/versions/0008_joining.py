"""Joining: terms of contracts, pauses, what is withheld from patients, places on the map, licence numbers, the website's wishes"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from okienko_server.storage.tables import Instant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

CLINIC = (
    ("registration", sa.Boolean()), ("listed", sa.Boolean()), ("nip", sa.Text()), ("signed_on", sa.Text()),
    ("contract_street", sa.Text()), ("contract_postcode", sa.Text()), ("contract_city", sa.Text()),
    ("paused_at", Instant()), ("pause_message", sa.Text()), ("pause_phone", sa.Text()), ("back_on", sa.Text()),
    ("categories", sa.Text()), ("cancel_minutes", sa.BigInteger()), ("accent", sa.Text()), ("embed_mode", sa.Text()),
)  # fmt: skip
ON_BEFORE = ("registration", "listed")
OFFERED = ("location", "service", "practitioner")
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


def upgrade() -> None:
    op.create_table(
        "contract_term",
        sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("starts_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.clinic_id"], name=op.f("fk_contract_term_clinic")),
        sa.PrimaryKeyConstraint("clinic_id", "starts_at", name=op.f("pk_contract_term")),
    )
    clinic = sa.table("clinic", sa.column("clinic_id"), sa.column("contract"), *(sa.column(c) for c in ON_BEFORE))
    term = sa.table(
        "contract_term",
        sa.column("clinic_id"),
        sa.column("starts_at", Instant()),
        sa.column("ends_at", Instant()),
        sa.column("status"),
    )
    kept = sa.select(clinic.c.clinic_id, sa.literal(BEGINNING, Instant()), sa.null(), clinic.c.contract)
    op.execute(term.insert().from_select(["clinic_id", "starts_at", "ends_at", "status"], kept))
    with op.batch_alter_table("clinic") as batch_op:
        for name, kind in CLINIC:
            batch_op.add_column(sa.Column(name, kind, nullable=True))
        batch_op.drop_column("contract")
    op.execute(clinic.update().values(dict.fromkeys(ON_BEFORE, sa.true())))
    with op.batch_alter_table("clinic") as batch_op:
        for name in ON_BEFORE:
            batch_op.alter_column(name, existing_type=sa.Boolean(), nullable=False)
    for table in OFFERED:
        with op.batch_alter_table(table) as batch_op:
            batch_op.add_column(sa.Column("offered", sa.Boolean(), nullable=True))
            if table == "location":
                batch_op.add_column(sa.Column("latitude", sa.Float(), nullable=True))
                batch_op.add_column(sa.Column("longitude", sa.Float(), nullable=True))
            if table == "practitioner":
                batch_op.add_column(sa.Column("pwz", sa.Text(), nullable=True))
        op.execute(sa.table(table, sa.column("offered")).update().values(offered=sa.true()))
        with op.batch_alter_table(table) as batch_op:
            batch_op.alter_column("offered", existing_type=sa.Boolean(), nullable=False)


def downgrade() -> None:
    for table in OFFERED:
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_column("offered")
            if table == "location":
                batch_op.drop_column("latitude")
                batch_op.drop_column("longitude")
            if table == "practitioner":
                batch_op.drop_column("pwz")
    with op.batch_alter_table("clinic") as batch_op:
        batch_op.add_column(sa.Column("contract", sa.Text(), nullable=True))
        for name, _ in CLINIC:
            batch_op.drop_column(name)
    # What a status without a counterpart comes closest to is "suspended": nobody is let in by going back.
    clinic = sa.table("clinic", sa.column("clinic_id"), sa.column("contract"))
    term = sa.table("contract_term", sa.column("clinic_id"), sa.column("status"), sa.column("ends_at", Instant()))
    newest = sa.select(term.c.status).where(term.c.clinic_id == clinic.c.clinic_id, term.c.ends_at.is_(None))
    op.execute(clinic.update().values(contract=sa.func.coalesce(newest.scalar_subquery(), "suspended")))
    op.execute(clinic.update().where(clinic.c.contract == "legacy_opened").values(contract="active"))
    with op.batch_alter_table("clinic") as batch_op:
        batch_op.alter_column("contract", existing_type=sa.Text(), nullable=False)
    op.drop_table("contract_term")
