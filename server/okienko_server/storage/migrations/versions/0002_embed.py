"""Portals get allowed origins; clinics and portals a grace for tokens of an older generation"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from okienko_server.storage.tables import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("clinic", "portal"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.add_column(sa.Column("graced", sa.BigInteger(), nullable=True))
            batch_op.add_column(sa.Column("grace_until", Instant(), nullable=True))
    with op.batch_alter_table("portal") as batch_op:
        batch_op.add_column(sa.Column("allowed_origins", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("portal") as batch_op:
        batch_op.drop_column("allowed_origins")
    for table in ("portal", "clinic"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_column("grace_until")
            batch_op.drop_column("graced")
