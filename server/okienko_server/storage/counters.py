"""Counters in the database: how often something was tried within a window, exact under any number of processes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, case, delete

from okienko_server.storage.store import OperatorStore, on_both
from okienko_server.storage.tables import Instant, RateCounterRow

_R = RateCounterRow
_OVER: Any = bindparam("over", type_=Instant())


def _counting(insert: Any) -> Any:
    statement = insert(_R)
    old = _R.window_start <= _OVER
    return statement.on_conflict_do_update(
        index_elements=["key"],
        set_={
            "count": case((old, 1), else_=_R.count + 1),
            "window_start": case((old, statement.excluded.window_start), else_=_R.window_start),
        },
    ).returning(_R.count, _R.window_start)


_COUNT = on_both(_counting)


class CounterStore(OperatorStore):
    """Counters of the whole house; their keys are hashes and name nobody."""

    def count(self, key: str, window: timedelta, now: datetime) -> tuple[int, datetime]:
        """Count one more try in one statement and return (tries within the window, when the window began)."""
        row = {"key": key, "window_start": now, "count": 1, "over": now - window}
        counted = self.connection.execute(_COUNT[self.connection.dialect.name], row).one()
        return counted[0], counted[1]

    def clear(self, keys: list[str]) -> None:
        """Forget some counters: a right answer ends the suspicion."""
        self.connection.execute(delete(_R).where(_R.key.in_(keys)))

    def forget(self, before: datetime) -> None:
        """Drop counters whose window began before that instant."""
        self.connection.execute(delete(_R).where(_R.window_start < before))
