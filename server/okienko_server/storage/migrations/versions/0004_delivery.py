"""Messages know how far they got: parts, delivery report, an index for the reports that come in"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from okienko_server.storage.tables import Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("sms_message") as batch_op:
        batch_op.add_column(sa.Column("parts", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("delivery", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("reported_at", Instant(), nullable=True))
        batch_op.create_index("ix_sms_message_gateway", ["gateway_id"], unique=False)
        batch_op.create_index("ix_sms_message_own", ["id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("sms_message") as batch_op:
        batch_op.drop_index("ix_sms_message_own")
        batch_op.drop_index("ix_sms_message_gateway")
        batch_op.drop_column("reported_at")
        batch_op.drop_column("delivery")
        batch_op.drop_column("parts")
