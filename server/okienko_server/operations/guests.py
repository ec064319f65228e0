"""An operator enters a clinic only while its owner or administrator allows it, under an account of the clinic that names the guest."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from okienko_server.domain.audit import Act
from okienko_server.domain.errors import FieldRefused, NotAllowed
from okienko_server.domain.roles import Right, Role
from okienko_server.domain.scope import Scope, operator_scope
from okienko_server.operations.desk import Desk
from okienko_server.operations.sign_in import account_of, open_session
from okienko_server.storage.clinic_settings import ClinicSettingsStore
from okienko_server.storage.ids import new_id
from okienko_server.storage.operators import Operator, OperatorAccountStore
from okienko_server.storage.staff import MemberStore, StaffSessionStore

HOURS = (0, 1, 24)
"""For how long a clinic may let an operator in; 0 ends it."""


def allow_guests(hours: int, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Let operators in for 1 or 24 hours from now, or no longer (0): then those who are in are out at once.

    Raises FieldRefused (guest_hours), NotAllowed (also for a guest: nobody lets oneself in).
    """
    scope.own_only(Right.MANAGE_STAFF)
    if hours not in HOURS:
        raise FieldRefused("guest_hours", field="hours")

    def work(connection: Connection) -> None:
        members = MemberStore(connection, scope)
        if any(one.id == scope.staff_id and one.guest_of for one in members.all()):
            raise NotAllowed
        until = now + timedelta(hours=hours) if hours else None
        ClinicSettingsStore(connection, scope).change(guests_until=until)
        if not hours:
            sessions = StaffSessionStore(connection, scope)
            for one in members.all():
                if one.guest_of:
                    sessions.close_all(one.id)
        desk.note_act(connection, scope, Act.ALLOW_GUESTS, "clinic", scope.clinic_id, now, f"{hours} h")

    desk.database.write(work)


def enter_as_guest(clinic_id: str, operator: Operator, *, desk: Desk, now: datetime) -> str:
    """Return the cookie of a session in a clinic that allows it; `domain.roles.GUEST_RIGHTS` says what it opens.

    Everything done in it stands in the clinic's trail under the guest's name.
    Raises NotAllowed without the clinic's living consent, NotFound.
    """
    scope = operator_scope().at(clinic_id)

    def work(connection: Connection) -> str:
        if not desk.offer(connection, scope).clinic.lets_guests_in(now):
            raise NotAllowed
        members = MemberStore(connection, scope)
        known = [one for one in members.all() if one.guest_of == operator.id]
        key = known[0].id if known else new_id()
        if not known:
            members.add(key, f"{operator.id}@operator.invalid", f"Operator: {operator.name}", Role.ADMINISTRATOR, "")
            members.change(key, guest_of=operator.id)
        elif known[0].closed_at:
            raise NotAllowed
        OperatorAccountStore(connection, operator_scope()).note(operator.id, "enter", clinic_id, now)
        return key

    staff_id = desk.database.write(work)
    return open_session(account_of(clinic_id, staff_id, desk=desk), "", desk=desk, now=now)
