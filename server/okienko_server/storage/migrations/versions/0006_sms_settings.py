"""A clinic's messages: whether it pays for notifications (and so has a pool), and which countries' mobiles get codes"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("clinic") as batch_op:
        batch_op.add_column(sa.Column("sms_notifications", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("sms_countries", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("clinic") as batch_op:
        batch_op.drop_column("sms_countries")
        batch_op.drop_column("sms_notifications")
