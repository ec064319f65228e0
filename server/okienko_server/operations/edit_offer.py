"""One change of a clinic's offer – an address, a service, a therapist: rights, the revision its asker saw, the trail, one transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from okienko_server.domain.audit import Act
from okienko_server.domain.errors import EditConflict
from okienko_server.domain.offer import Offer
from okienko_server.domain.roles import Right
from okienko_server.domain.scope import Scope
from okienko_server.operations.desk import Desk
from okienko_server.storage.clinic_settings import ClinicSettingsStore

Work = Callable[[Connection, Offer], str]
"""Writes one change on the offer as it stands and returns the id of what it is about."""


def see_offer(*, scope: Scope, desk: Desk) -> Offer:
    """Return the whole offer as the clinic's people see it, what patients do not included; raises NotAllowed."""
    scope.own_only(Right.CHANGE_SETTINGS)
    return desk.database.read(lambda connection: desk.offer(connection, scope))


def edit_offer(work: Work, kind: str, revision: int | None, *, scope: Scope, desk: Desk, now: datetime) -> str:
    """Run a change and return the id of what it is about; every reader sees the new offer from its commit on.

    `kind` names the thing in the audit trail, `revision` is the one the asker saw (None: whatever it is). Raises EditConflict when somebody
    changed the offer since, NotAllowed, and whatever the work refuses.
    """
    scope.own_only(Right.CHANGE_SETTINGS)

    def whole(connection: Connection) -> str:
        offer = desk.offer(connection, scope)
        if not ClinicSettingsStore(connection, scope).change(revision):
            raise EditConflict
        key = work(connection, offer)
        desk.note_act(connection, scope, Act.CHANGE_OFFER, kind, key, now)
        return key

    return desk.database.write(whole)
