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
    """Raise a clinic's generation; older tokens go on working for `grace_days` days (0: not a moment). Raises NotFound.

    Asked for with a grace while one runs, it changes nothing and returns what is: the days that were promised stay whole.
    """
    return desk.database.write(lambda connection: raise_clinic(connection, clinic_id, grace_days, now)[0])


def revoke_portal_tokens(portal_id: str, grace_days: int, *, desk: Desk, now: datetime) -> Generations:
    """The same for a portal's tokens."""
    return desk.database.write(lambda connection: raise_portal(connection, portal_id, grace_days, now)[0])


def raise_clinic(connection: Connection, clinic_id: str, grace_days: int, now: datetime) -> tuple[Generations, bool]:
    """Return a clinic's generations and whether this raised them, within a transaction of the caller's. Raises NotFound."""
    return _raise(connection, TokenStore.of_clinic, TokenStore.keep_of_clinic, clinic_id, grace_days, now)


def raise_portal(connection: Connection, portal_id: str, grace_days: int, now: datetime) -> tuple[Generations, bool]:
    """The same of a portal."""
    return _raise(connection, TokenStore.of_portal, TokenStore.keep_of_portal, portal_id, grace_days, now)


def _raise(
    connection: Connection,
    read: Callable[..., Generations],
    keep: Callable[[TokenStore, str, Generations], None],
    whose: str,
    grace_days: int,
    now: datetime,
) -> tuple[Generations, bool]:
    store = TokenStore(connection, operator_scope())
    found = read(store, whose, lock=True)
    # A second generation within the grace would push the first one out of it.
    if grace_days and found.grace_until and found.grace_until > now:
        return found, False
    raised = found.raised(now + timedelta(days=grace_days) if grace_days else None)
    keep(store, whose, raised)
    return raised, True
