"""How many messages wait, are on their way or of unknown outcome, over all clinics."""

from __future__ import annotations

from sqlalchemy import func, select

from okienko_server.storage.store import OperatorStore
from okienko_server.storage.tables import SmsMessageRow

_S = SmsMessageRow
OPEN = ("promised", "queued", "sending", "unsure", "lost")


class OutboxStateStore(OperatorStore):
    """The outboxes of all clinics, counted."""

    def open_messages(self) -> dict[str, int]:
        """Return how many messages have each status that is no end."""
        statement = select(_S.status, func.count()).where(_S.status.in_(OPEN)).group_by(_S.status)
        return {row[0]: row[1] for row in self.connection.execute(statement)}
