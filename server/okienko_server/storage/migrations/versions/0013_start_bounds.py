"""What the search ranks by stands in rows of its own, one for each competence; all of it is derived, and is made anew by the worker"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None
_KEY = ("clinic_id", "location_id", "practitioner_id", "service_id")
_FOUND_BY = ("access", "languages", "tile", "x", "y", "z", "lot", "soonest", "evening", "weekend")
_BY_TILE = [
    "kind", "category", "tile", "lowest_months", "highest_months", "access", "languages", "soonest", "evening", "weekend",
    "x", "y", "z", "lot", "clinic_id", "location_id",
]  # fmt: skip
_MOVED = ("ix_next_start_tile", "ix_next_start_soonest", "ix_next_start_evening", "ix_next_start_weekend")


def upgrade() -> None:
    op.execute("DELETE FROM next_start")
    for name in _MOVED:
        op.drop_index(name, "next_start")
    with op.batch_alter_table("next_start") as batch_op:
        for name, _ in _columns_before():
            batch_op.drop_column(name)
    op.create_table(
        "start_bound",
        *(sa.Column(name, sa.Text(), nullable=False) for name in (*_KEY, "category")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("lowest_months", "highest_months")),
        sa.Column("kind", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _FOUND_BY),
        sa.ForeignKeyConstraint(
            _KEY, [f"next_start.{name}" for name in _KEY], name=op.f("fk_start_bound_next_start"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(*_KEY, "category", "lowest_months", name=op.f("pk_start_bound")),
    )
    op.create_index("ix_start_bound_tile", "start_bound", _BY_TILE)
    for name in ("soonest", "evening", "weekend"):
        op.create_index(f"ix_start_bound_{name}", "start_bound", ["kind", "category", name, "lot"])
    _make_anew()


def downgrade() -> None:
    op.drop_table("start_bound")
    op.execute("DELETE FROM next_start")
    with op.batch_alter_table("next_start") as batch_op:
        for name, column in _columns_before():
            batch_op.add_column(sa.Column(name, column, nullable=name in ("tile", "latitude", "longitude")))
    op.create_index("ix_next_start_tile", "next_start", ["kind", "tile"])
    for name in ("soonest", "evening", "weekend"):
        op.create_index(f"ix_next_start_{name}", "next_start", ["kind", name])
    _make_anew()


def _columns_before() -> list[tuple[str, sa.types.TypeEngine[Any]]]:
    whole = ("price", "categories", "access", "languages", "tile", "soonest", "evening", "weekend")
    places = ("latitude", "longitude")
    return [("kind", sa.Text()), *((n, sa.BigInteger()) for n in whole), *((n, sa.Float()) for n in places)]


def _make_anew() -> None:
    """Leave every clinic behind its offer: the worker, and until then a search, makes its rows."""
    op.execute("UPDATE clinic SET searched = NULL")
