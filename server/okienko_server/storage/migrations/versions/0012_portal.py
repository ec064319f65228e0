"""The portal: what the search reads, what makes coming easier, languages, whether search engines may keep a clinic's page"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from okienko_server.storage.tables import Instant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None
_BEHIND = sa.text("searched IS NULL OR searched <> revision")


def upgrade() -> None:
    with op.batch_alter_table("clinic") as batch_op:
        batch_op.add_column(sa.Column("indexed", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("searched", sa.BigInteger(), nullable=True))
    op.create_index("ix_clinic_behind", "clinic", ["clinic_id"], sqlite_where=_BEHIND, postgresql_where=_BEHIND)
    with op.batch_alter_table("location") as batch_op:
        batch_op.add_column(sa.Column("access", sa.Text(), nullable=True))
    with op.batch_alter_table("practitioner") as batch_op:
        batch_op.add_column(sa.Column("languages", sa.Text(), nullable=True))
    op.create_table(
        "next_start",
        *(sa.Column(name, sa.Text(), nullable=False) for name in _KEY),
        sa.Column("kind", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("position", "price", "categories", "access", "languages")),
        sa.Column("tile", sa.BigInteger(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("good_until", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("soonest", "evening", "weekend", "base")),
        sa.Column("starts", sa.LargeBinary(), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                ["clinic_id", f"{table}_id"],
                [f"{table}.clinic_id", f"{table}.id"],
                name=op.f(f"fk_next_start_{table}"),
                ondelete="CASCADE",
            )
            for table in ("practitioner", "location", "service")
        ),
        sa.PrimaryKeyConstraint(*_KEY, name=op.f("pk_next_start")),
    )
    op.create_index("ix_next_start_therapist", "next_start", ["clinic_id", "practitioner_id"])
    op.create_index("ix_next_start_tile", "next_start", ["kind", "tile"])
    op.create_index("ix_next_start_soonest", "next_start", ["kind", "soonest"])
    op.create_index("ix_next_start_evening", "next_start", ["kind", "evening"])
    op.create_index("ix_next_start_weekend", "next_start", ["kind", "weekend"])
    op.create_index("ix_next_start_due", "next_start", ["due_at"])


_KEY = ("clinic_id", "location_id", "practitioner_id", "service_id")


def downgrade() -> None:
    op.drop_table("next_start")
    with op.batch_alter_table("practitioner") as batch_op:
        batch_op.drop_column("languages")
    with op.batch_alter_table("location") as batch_op:
        batch_op.drop_column("access")
    op.drop_index("ix_clinic_behind", "clinic")
    with op.batch_alter_table("clinic") as batch_op:
        batch_op.drop_column("searched")
        batch_op.drop_column("indexed")
