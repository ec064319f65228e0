"""Guests: an operator may enter a clinic while its owner allows it, under an account of the clinic that says so"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from okienko_server.storage.tables import Instant

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("clinic") as batch_op:
        batch_op.add_column(sa.Column("guests_until", Instant(), nullable=True))
    with op.batch_alter_table("staff") as batch_op:
        batch_op.add_column(sa.Column("guest_of", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("staff") as batch_op:
        batch_op.drop_column("guest_of")
    with op.batch_alter_table("clinic") as batch_op:
        batch_op.drop_column("guests_until")
