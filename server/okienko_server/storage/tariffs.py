"""Tariffs: the one list of the whole house, written by an operator, and the shelf that keeps it for an hour."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from okienko_server.domain.scope import operator_scope
from okienko_server.domain.tariff import AHEAD, Tariff, tariff_of
from okienko_server.storage.store import OperatorStore, on_both
from okienko_server.storage.tables import SmsTariffRow

_T = SmsTariffRow
_ALL = select(_T.since, _T.price, _T.pool_messages).order_by(_T.since)
KEPT = AHEAD / 2


def _setting(insert: Any) -> Any:
    statement = insert(_T)
    names = ("price", "pool_messages", "set_at")
    return statement.on_conflict_do_update(
        index_elements=["since"], set_={name: statement.excluded[name] for name in names}
    )


_SET = on_both(_setting)


class TariffStore(OperatorStore):
    """The tariffs of the house."""

    def listed(self) -> tuple[Tariff, ...]:
        """Return every tariff, the oldest first."""
        return tuple(Tariff(*row) for row in self.connection.execute(_ALL))

    def put(self, tariff: Tariff, now: datetime) -> None:
        """Write a tariff, over one that was to begin with the same month."""
        row = {
            "since": tariff.since,
            "price": tariff.price,
            "pool_messages": tariff.pool_messages,
            "set_at": now,
        }
        self.connection.execute(_SET[self.connection.dialect.name], row)


class TariffShelf:
    """Keeps the list in a process, so that a booking need not read it.

    What is kept may miss a tariff set meanwhile, but never one of a month that has begun: no tariff is set less than `AHEAD` before its
    month begins anywhere, and nothing is kept longer than half of that. A clock that ran ahead and came back is no longer believed.
    """

    def __init__(self) -> None:
        self._kept: tuple[datetime, tuple[Tariff, ...]] | None = None

    def of(self, connection: Connection, month: str, now: datetime) -> Tariff:
        """Return the tariff of a month that has begun."""
        kept = self._kept
        if kept is None or not timedelta(0) <= now - kept[0] < KEPT:
            kept = self._kept = (now, TariffStore(connection, operator_scope()).listed())
        return tariff_of(kept[1], month)
