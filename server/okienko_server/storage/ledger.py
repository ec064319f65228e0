"""A clinic's money: events of messages in double entry, the month's pool, the day's budget – each changed by one statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, update

from okienko_server.domain.money import POOL_ROLES, Account, Event, Line, Purse, legs
from okienko_server.domain.tariff import Tariff
from okienko_server.storage.store import ClinicStore, on_both
from okienko_server.storage.tables import ClinicRow, LedgerRow, SmsDayRow, SmsMonthRow, StaffRow

AFTER_ALL = (Event.TAKEN, Event.AGAIN)
_L, _M, _D = LedgerRow, SmsMonthRow, SmsDayRow
_WRITE = on_both(lambda insert: insert(_L).on_conflict_do_nothing().returning(_L.event))
_BEGIN_MONTH = on_both(lambda insert: insert(_M).on_conflict_do_nothing().returning(_M.month))


def _charging(insert: Any) -> Any:
    # Within the budget or not at all: two who ask for the last grosz at once wait for each other at the row.
    statement = insert(_D)
    return statement.on_conflict_do_update(
        index_elements=["clinic_id", "day"],
        set_={"used": _D.used + statement.excluded.used, "codes": _D.codes + 1},
        where=_D.used + statement.excluded.used <= bindparam("budget"),
    ).returning(_D.codes, _D.verified)


_CHARGE = on_both(_charging)


@dataclass(frozen=True, slots=True)
class Day:
    """A clinic's day so far: codes sent, codes that came back right."""

    codes: int
    verified: int
    used: int = 0
    """Grosze of the day's budget."""


class LedgerStore(ClinicStore):
    """Money of the scope's clinic."""

    def reserve(self, sms_id: str, purse: Purse, month: str, now: datetime, tariff: Tariff) -> Purse:
        """Reserve the month's price of a message and return who pays: the purse asked for, but the bill when the pool is used up."""
        if purse is Purse.POOL and not self._take_from_pool(month, now, tariff):
            purse = Purse.BILL
        self.book(sms_id, Event.RESERVE, purse, month, now, tariff.price)
        return purse

    def book(self, sms_id: str, event: Event, purse: Purse, month: str, now: datetime, amount: int) -> bool:
        """Write an event of a message, once: False (and no change) when it stands there already.

        `amount` is the price the message was reserved at, whatever the tariff says by now.
        """
        rows = [
            {
                "clinic_id": self.clinic_id, "sms_id": sms_id, "event": event.value, "account": leg.account.value,
                "purse": purse.value, "month": month, "amount": leg.amount, "at": now,
            }
            for leg in legs(event, purse, amount)
        ]  # fmt: skip
        written = [self.connection.execute(_WRITE[self.dialect], row).first() is not None for row in rows]
        if all(written) and purse is Purse.POOL and event in (Event.RELEASE, Event.REFUND, *AFTER_ALL):
            change = amount if event not in AFTER_ALL else -amount
            self.connection.execute(update(_M).where(*self._month(month)).values(pool_left=_M.pool_left + change))
        return all(written)

    def after_all(self, sms_id: str) -> Event:
        """Return which event it is when a message given up left after all: after a refund AGAIN, else TAKEN."""
        refunded = (_L.clinic_id == self.clinic_id, _L.sms_id == sms_id, _L.event == Event.REFUND.value)
        found = self.connection.execute(select(_L.event).where(*refunded).limit(1)).first()
        return Event.AGAIN if found else Event.TAKEN

    def people(self) -> int:
        """Return how many people give the clinic messages of pool as things stand; 0 without paid notifications."""
        people = select(func.count()).where(
            StaffRow.clinic_id == self.clinic_id, StaffRow.closed_at.is_(None), StaffRow.role.in_(POOL_ROLES)
        )
        pays = select(ClinicRow.sms_notifications).where(ClinicRow.clinic_id == self.clinic_id)
        return 0 if self.connection.execute(pays).scalar() is False else self.connection.execute(people).scalar_one()

    def grant(self, month: str, now: datetime, tariff: Tariff) -> None:
        """Fill the month's pool up to what the people of a clinic with notifications give it now; what was granted once stays."""
        due = tariff.pool(self.people())
        row = {"clinic_id": self.clinic_id, "month": month, "granted": 0, "pool_left": 0}
        self.connection.execute(_BEGIN_MONTH[self.dialect], row)
        had = self.connection.execute(select(_M.granted).where(*self._month(month)).with_for_update()).scalar_one()
        if due > had:
            more = due - had
            self.connection.execute(
                update(_M).where(*self._month(month)).values(granted=due, pool_left=_M.pool_left + more)
            )
            self.book(f"grant-{month}-{due}", Event.GRANT, Purse.POOL, month, now, more)

    def charge_day(self, day: str, grosze: int, budget: int) -> Day | None:
        """Count one more code and what it promises against the day's budget; None (and no change) when that is too much."""
        if grosze > budget:
            return None
        row = {"clinic_id": self.clinic_id, "day": day, "used": grosze, "codes": 1, "verified": 0, "budget": budget}
        found = self.connection.execute(_CHARGE[self.dialect], row).first()
        return Day(found[0], found[1]) if found else None

    def day(self, day: str) -> Day:
        """Return a day so far, zeros before its first code."""
        this = (_D.clinic_id == self.clinic_id, _D.day == day)
        row = self.connection.execute(select(_D.codes, _D.verified, _D.used).where(*this)).first()
        return Day(row[0], row[1], row[2]) if row else Day(0, 0)

    def verified(self, day: str) -> None:
        """Count a code that came back right."""
        this = (_D.clinic_id == self.clinic_id, _D.day == day)
        self.connection.execute(update(_D).where(*this).values(verified=_D.verified + 1))

    def lines(self, month: str) -> list[Line]:
        """Return the ledger of a month in the order it was written."""
        statement = select(_L.sms_id, _L.purse, _L.event, _L.account, _L.amount, _L.at).where(
            _L.clinic_id == self.clinic_id, _L.month == month
        )
        rows = self.connection.execute(statement.order_by(_L.at, _L.sms_id, _L.event, _L.account))
        return [Line(r[0], Purse(r[1]), Event(r[2]), Account(r[3]), r[4], r[5]) for r in rows]

    def pool(self, month: str) -> tuple[int, int]:
        """Return (granted, left) of a month's pool in grosze, zeros before its first message."""
        row = self.connection.execute(select(_M.granted, _M.pool_left).where(*self._month(month))).first()
        return (row[0], row[1]) if row else (0, 0)

    def _take_from_pool(self, month: str, now: datetime, tariff: Tariff) -> bool:
        price = tariff.price
        take = update(_M).where(*self._month(month), _M.pool_left >= price).values(pool_left=_M.pool_left - price)
        if self.connection.execute(take).rowcount == 1:
            return True
        if self.connection.execute(select(_M.month).where(*self._month(month))).first() is not None:
            return False
        self.grant(month, now, tariff)
        return self.connection.execute(take).rowcount == 1

    def _month(self, month: str) -> tuple[Any, Any]:
        return _M.clinic_id == self.clinic_id, _M.month == month
