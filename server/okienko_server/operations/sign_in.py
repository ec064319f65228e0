"""Staff come and go: sign-in with argon2, sessions kept on the server and revocable at once."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import Connection

from okienko_server.domain.errors import SignInRefused
from okienko_server.domain.scope import Scope, ScopeKind, Source, operator_scope
from okienko_server.operations.desk import Desk
from okienko_server.storage.directory import Account, DirectoryStore
from okienko_server.storage.staff import SignedIn, StaffSessionStore

IDLE = timedelta(minutes=60)
ABSOLUTE = timedelta(hours=12)
"""NIST SP 800-63B-4, AAL2: at most 24 hours in all and an hour idle."""
MAX_PASSWORD = 200
_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash(secrets.token_hex(8))


def password_hash(password: str) -> str:
    """Return the argon2id hash to keep for a password."""
    return _HASHER.hash(password)


def sign_in(email: str, password: str, *, desk: Desk, now: datetime) -> str:
    """Return the text for the session cookie; raises SignInRefused, in the same time whether the address is known or not."""
    if len(password) > MAX_PASSWORD or len(email) > MAX_PASSWORD or "\0" in email:
        raise SignInRefused
    accounts = desk.database.read(lambda connection: DirectoryStore(connection, operator_scope()).accounts(email))
    account = next((one for one in accounts if _right(one.password_hash, password)), None)
    if account is None:
        if not accounts:
            _right(_NOBODY, password)
        raise SignInRefused
    token, found = secrets.token_urlsafe(32), account
    desk.database.write(lambda connection: _open(connection, found, token, now))
    return f"{account.clinic_id}.{token}"


def _open(connection: Connection, account: Account, token: str, now: datetime) -> None:
    store = StaffSessionStore(connection, Scope(ScopeKind.STAFF, account.clinic_id))
    store.open(sha256(token.encode()).hexdigest(), account.id, secrets.token_urlsafe(16), now)


def _right(kept: str, password: str) -> bool:
    try:
        return _HASHER.verify(kept, password)
    except (Argon2Error, InvalidHashError):
        return False


def signed_in(cookie: str, *, desk: Desk, now: datetime, active: bool = True) -> tuple[Scope, SignedIn] | None:
    """Return the staff scope a cookie stands for, or None when it stands for nobody any more.

    `active` False: the page asked by itself, which is no sign that anybody sits before it.
    """
    clinic_id, _, token = cookie.partition(".")
    if not clinic_id or not token or "\0" in cookie:
        return None
    scope = Scope(ScopeKind.STAFF, clinic_id, source=Source.STAFF)
    key = sha256(token.encode()).hexdigest()

    found = desk.database.read(lambda connection: StaffSessionStore(connection, scope).find(key))
    if found is None:
        return None
    if now - found.seen_at > IDLE or now - found.created_at > ABSOLUTE:
        desk.database.write(lambda connection: StaffSessionStore(connection, scope).close(key))
        return None
    if active and now - found.seen_at > timedelta(minutes=1):
        desk.database.write(lambda connection: StaffSessionStore(connection, scope).seen(key, now))
    return replace(scope, staff_id=found.staff_id, role=found.role, practitioner_id=found.practitioner_id), found


def sign_out(cookie: str, *, scope: Scope, desk: Desk) -> None:
    """End the session at once, wherever its cookie may have gone."""
    key = sha256(cookie.partition(".")[2].encode()).hexdigest()
    desk.database.write(lambda connection: StaffSessionStore(connection, scope).close(key))
