"""The outbox of all clinics as it is compared with a gateway's account, and as an operator looks at it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, func, or_, select, update

from okienko_server.storage.outbox import Paid
from okienko_server.storage.store import OperatorStore
from okienko_server.storage.tables import SmsMessageRow

_S = SmsMessageRow
_AT_ONCE = 400
"""Ids in one statement: SQLite takes a thousand parameters."""
LONGEST_PAUSE = timedelta(minutes=15)
"""Between two tries of a message."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A message as we keep it; `gateway` is empty where it is not known for sure who got it, `parts` 0 where nobody counted."""

    clinic_id: str
    id: str
    status: str
    delivery: str
    parts: int
    gateway: str
    gateway_id: str
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class OutboxState:
    """What stands in the outbox: messages waiting, those waiting long, of unknown outcome, and the oldest one's seconds of waiting."""

    waiting: int
    late: int
    unsure: int
    lost: int
    oldest_seconds: int


_COLUMNS = (
    _S.clinic_id, _S.id, _S.status, _S.delivery, _S.parts, _S.gateway, _S.gateway_id, _S.created_at, _S.due_at, _S.sent_at,
)  # fmt: skip


class ReckoningStore(OperatorStore):
    """Messages of all clinics."""

    def named(self, message_ids: Iterable[str], gateway_ids: Iterable[str]) -> list[Kept]:
        """Return the messages with one of our ids, or one of the gateway's."""
        found: dict[tuple[str, str], Kept] = {}
        for column, wanted in ((_S.id, message_ids), (_S.gateway_id, gateway_ids)):
            ids = sorted({one for one in wanted if one})
            for start in range(0, len(ids), _AT_ONCE):
                rows = self._kept(column.in_(ids[start : start + _AT_ONCE]))
                found |= {(one.clinic_id, one.id): one for one in rows}
        return list(found.values())

    def sent(self, since: datetime, until: datetime) -> list[Kept]:
        """Return the messages that left in a half-open span."""
        return self._kept(_S.status == "sent", _S.sent_at >= since, _S.sent_at < until)

    def without_outcome(self, since: datetime) -> list[Kept]:
        """Return messages written since then of which nobody knows whether the gateway took them."""
        return self._kept(_S.status.in_(("unsure", "lost")), _S.created_at >= since)

    def never_taken(self, message: Kept, now: datetime) -> Paid | None:
        """End a message of unknown outcome as failed; None (and no change) when somebody ended it meanwhile or works on it."""
        still = (
            _S.clinic_id == message.clinic_id, _S.id == message.id, _S.status.in_(("unsure", "lost")),
            _S.gateway == message.gateway, or_(_S.leased_until.is_(None), _S.leased_until <= now),
        )  # fmt: skip
        values = {"status": "failed", "body": "", "leased_until": None, "last_error": "not on the gateway's account"}
        ended = update(_S).where(*still).values(**values).returning(_S.purse, _S.month, _S.price)
        row = self.connection.execute(ended).first()
        return Paid(message.clinic_id, message.id, row[0] or "", row[1] or "", row[2] or 0) if row else None

    def state(self, now: datetime, late: timedelta) -> OutboxState:
        """Return how many messages wait, wait longer than `late`, and stay without an outcome."""
        grouped = select(_S.status, func.count()).group_by(_S.status)
        counts = {row[0]: row[1] for row in self.connection.execute(grouped)}
        # What is written ahead for another day does not wait yet; what was tried waits since it was written.
        waiting = and_(_S.status.in_(("queued", "sending")), _S.due_at <= now + LONGEST_PAUSE)
        since = case((_S.tries == 0, _S.due_at), else_=_S.created_at)
        oldest, count = self.connection.execute(select(func.min(since), func.count()).where(waiting)).one()
        behind = select(func.count()).where(waiting, since < now - late)
        return OutboxState(
            count,
            self.connection.execute(behind).scalar_one(),
            counts.get("unsure", 0),
            counts.get("lost", 0),
            max(int((now - oldest).total_seconds()), 0) if oldest else 0,
        )

    def doubtful(self, since: datetime, until: datetime) -> int:
        """Return how many messages written since then are lost, or were written before `until` and still of unknown outcome."""
        stays = or_(_S.status == "lost", and_(_S.status == "unsure", _S.created_at < until))
        return self.connection.execute(select(func.count()).where(_S.created_at >= since, stays)).scalar_one()

    def refused_in_a_row(self, since: datetime, count: int) -> bool:
        """Return whether the gateway refused the newest `count` messages, and took none since they were written.

        Counted are those it will be offered again, and those written since then that it refused for good.
        """
        waits = and_(_S.status == "queued", _S.tries > 0, _S.last_error != "")
        ended = and_(_S.status == "failed", _S.delivery.is_(None), _S.last_error != "", _S.created_at >= since)
        newest = select(_S.created_at).where(or_(waits, ended)).order_by(_S.created_at.desc()).limit(count)
        refused = list(self.connection.execute(newest).scalars())
        if len(refused) < count:
            return False
        taken = select(_S.id).where(_S.sent_at >= refused[-1]).limit(1)
        return self.connection.execute(taken).first() is None

    def _kept(self, *where: ColumnElement[bool]) -> list[Kept]:
        rows = self.connection.execute(select(*_COLUMNS).where(*where))
        return [Kept(r[0], r[1], r[2], r[3] or "", r[4] or 0, r[5], r[6], r[7], r[8], r[9]) for r in rows]
