"""Reading and verifying the audit trail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from okienko_server.domain.audit import Act
from okienko_server.domain.roles import Right
from okienko_server.domain.scope import Scope
from okienko_server.operations.desk import Desk
from okienko_server.storage.audit import AuditStore, Linked

PAGE = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one row of the trail: changed, missing, surplus, or cut_off (the newest rows are gone)."""

    number: int
    what: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What a walk over the whole trail found; `number` and `digest` are worth keeping elsewhere as an anchor."""

    faults: tuple[Fault, ...]
    number: int
    digest: str


def verify_audit(anchor: tuple[int, str] | None = None, *, scope: Scope, desk: Desk) -> Verified:
    """Check every row of the clinic's trail against the row before it and its end against the head.

    `anchor` is an older (number, digest) kept elsewhere: with it even a trail cut off together with its head is found.
    """

    def work(connection: Connection) -> Verified:
        store = AuditStore(connection, scope)
        faults: list[Fault] = []
        # Somebody may act meanwhile: the head is read before and after the rows.
        before = store.head()
        number, digest = 0, ""
        digests: dict[int, str] = {}
        for linked in store.all():
            entry = linked.entry
            faults += [Fault(gone, "missing") for gone in range(number + 1, entry.number)]
            # After a gap the row's link leads to a row nobody has any more: the gap is the fault, not the row.
            if entry.number == number + 1 and entry.digest(desk.audit_key, digest) != linked.digest:
                faults.append(Fault(entry.number, "changed"))
            number, digest = entry.number, linked.digest
            digests[number] = digest
        faults += [Fault(gone, "cut_off") for gone in range(number + 1, before[0] + 1)]
        if number > store.head()[0] or (before[0] in digests and digests[before[0]] != before[1]):
            faults.append(Fault(number, "surplus"))
        if anchor and digests.get(anchor[0], "") != anchor[1]:
            faults.append(Fault(anchor[0], "cut_off" if anchor[0] not in digests else "changed"))
        return Verified(tuple(faults), number, digest)

    return desk.database.read(work)


def read_audit(before: int, staff_id: str = "", *, scope: Scope, desk: Desk, now: datetime) -> list[Linked]:
    """Return up to a hundred acts, newest first, older than number `before` (0: from the newest); raises NotAllowed.

    Reading the trail is an act itself and stands in it.
    """
    scope.own_only(Right.READ_AUDIT)

    def work(connection: Connection) -> list[Linked]:
        store = AuditStore(connection, scope)
        found = store.latest(PAGE, before=before, staff_id=staff_id)
        desk.note_act(connection, scope, Act.READ_AUDIT, "audit", str(before), now)
        return found

    return desk.database.write(work)
