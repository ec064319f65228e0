"""Revoking pasted tokens: the generation is raised, and older snippets stop at once or after some days of grace."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from okienko_server.domain.generations import Generations
from okienko_server.domain.scope import operator_scope
from okienko_server.operations.desk import Desk
from okienko_server.storage.generations import TokenStore

MAX_GRACE_DAYS = 90


def revoke_clinic_tokens(clinic_id: str, grace_days: int, *, desk: Desk, now: datetime) -> Generations:
    """Raise a clinic's generation; older tokens go on working for `grace_days` days (0: not a moment). Raises NotFound."""

    def work(connection: Connection) -> Generations:
        store = TokenStore(connection, operator_scope())
        raised = store.of_clinic(clinic_id, lock=True).raised(_until(grace_days, now))
        store.keep_of_clinic(clinic_id, raised)
        return raised

    return desk.database.write(work)


def revoke_portal_tokens(portal_id: str, grace_days: int, *, desk: Desk, now: datetime) -> Generations:
    """The same for a portal's tokens."""

    def work(connection: Connection) -> Generations:
        store = TokenStore(connection, operator_scope())
        raised = store.of_portal(portal_id, lock=True).raised(_until(grace_days, now))
        store.keep_of_portal(portal_id, raised)
        return raised

    return desk.database.write(work)


def _until(grace_days: int, now: datetime) -> datetime | None:
    return now + timedelta(days=grace_days) if grace_days else None
