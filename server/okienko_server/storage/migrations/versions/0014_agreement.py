"""An appointment keeps its own buffers and what was agreed: service, price, address, cancellation limit, version of the texts"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from okienko_server.domain.cells import CELL_MINUTES, cell_at, cell_from
from okienko_server.storage.tables import Instant

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None
_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "buffer_before": sa.BigInteger(),
    "buffer_after": sa.BigInteger(),
    "agreed_service": sa.Text(),
    "agreed_price": sa.BigInteger(),
    "agreed_location": sa.Text(),
    "agreed_street": sa.Text(),
    "agreed_postcode": sa.Text(),
    "agreed_city": sa.Text(),
    "agreed_cancel_minutes": sa.BigInteger(),
    "agreed_texts": sa.Text(),
}
_KEPT = sa.text(
    "SELECT a.id, a.starts_at, a.ends_at, min(c.cell) AS first, max(c.cell) AS last FROM appointment a"
    " JOIN cell c ON c.clinic_id = a.clinic_id AND c.appointment_id = a.id"
    " WHERE a.clinic_id = :clinic GROUP BY a.id, a.starts_at, a.ends_at"
).columns(starts_at=Instant(), ends_at=Instant())
_SET = sa.text(
    "UPDATE appointment SET buffer_before = :before, buffer_after = :after WHERE clinic_id = :clinic AND id = :id"
)


def upgrade() -> None:
    for name, kind in _COLUMNS.items():
        op.add_column("appointment", sa.Column(name, kind, nullable=True))
    op.execute("UPDATE appointment SET buffer_before = 0, buffer_after = 0")
    connection = op.get_bind()
    for clinic in connection.execute(sa.text("SELECT clinic_id FROM clinic ORDER BY clinic_id")).scalars().all():
        _keep_buffers(connection, clinic)


def downgrade() -> None:
    # Not in a batch: SQLite would build the table anew, and dropping the old one takes every cell along.
    for name in _COLUMNS:
        op.drop_column("appointment", name)


def _keep_buffers(connection: sa.Connection, clinic: str) -> None:
    """Take the buffers from the cells an appointment really has around its times: its service may have others by now."""
    found = []
    for row in connection.execute(_KEPT, {"clinic": clinic}):
        before = max(cell_at(row.starts_at) - row.first, 0) * CELL_MINUTES
        after = max(row.last + 1 - cell_from(row.ends_at), 0) * CELL_MINUTES
        if before or after:
            found.append({"clinic": clinic, "id": row.id, "before": before, "after": after})
    if found:
        connection.execute(_SET, found)
