"""Revoking pasted tokens: the generation is raised, and older snippets stop at once or after some days of grace."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from okienko_server.domain.generations import Generations
from okienko_server.domain.scope import operator_scope
from okienko_server.operations.desk import Desk
from okienko_server.storage.generations import TokenStore

MAX_GRACE_DAYS = 90


def revoke_clinic_tokens(clinic_id: str, grace_days: int, *, desk: Desk, now: datetime) -> Generations:
    """Raise a clinic's generation; older tokens go on working for `grace_days` days (0: not a moment). Raises NotFound."""
    return _raise(TokenStore.of_clinic, TokenStore.keep_of_clinic, clinic_id, grace_days, desk, now)


def revoke_portal_tokens(portal_id: str, grace_days: int, *, desk: Desk, now: datetime) -> Generations:
    """The same for a portal's tokens."""
    return _raise(TokenStore.of_portal, TokenStore.keep_of_portal, portal_id, grace_days, desk, now)


def _raise(
    read: Callable[..., Generations],
    keep: Callable[[TokenStore, str, Generations], None],
    whose: str,
    grace_days: int,
    desk: Desk,
    now: datetime,
) -> Generations:
    until = now + timedelta(days=grace_days) if grace_days else None

    def work(connection: Connection) -> Generations:
        store = TokenStore(connection, operator_scope())
        raised = read(store, whose, lock=True).raised(until)
        keep(store, whose, raised)
        return raised

    return desk.database.write(work)
