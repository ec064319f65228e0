"""The operators come and go: invited from the command line, never without a second factor, out after half an hour of silence."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import Connection

from okienko_server.domain.details import MAX_NAME, printable
from okienko_server.domain.email import MAX_EMAIL, email_of
from okienko_server.domain.errors import FieldRefused, NotFound, SignInRefused, TriedTooOften
from okienko_server.domain.password import LONGEST, check_password
from okienko_server.domain.scope import operator_scope
from okienko_server.domain.throttle import NETWORK, Bucket, password_bucket
from okienko_server.operations.desk import Desk
from okienko_server.operations.second_factor import secret_of, step_of
from okienko_server.operations.sign_in import (
    NOBODY,
    count_try,
    password_hash,
    password_right,
    session_key,
)
from okienko_server.storage.counters import CounterStore
from okienko_server.storage.ids import new_id
from okienko_server.storage.operators import Operator, OperatorAccountStore, OperatorSession

IDLE, ABSOLUTE = timedelta(minutes=30), timedelta(hours=12)
INVITATION = timedelta(hours=72)
_HOUSE = "operator"
"""Stands where a clinic's id stands in keys of counters and second factors."""


def operators(*, desk: Desk) -> list[Operator]:
    """Return every account, closed ones too."""
    return desk.database.read(lambda connection: _store(connection).all())


def invite_operator(email: str, name: str, *, desk: Desk, now: datetime) -> str:
    """Add an account, or invite one anew, and return the secret of its link: good once, for 72 hours.

    Whoever takes it sets a new password and a new second factor; sessions end then. Raises FieldRefused: email_invalid, required.
    """
    email, name = email_of(email), " ".join(name.split())
    if not name or len(name) > MAX_NAME or not printable(name):
        raise FieldRefused("required", field="name")
    token = secrets.token_urlsafe(32)

    def work(connection: Connection) -> str:
        store = _store(connection)
        known = store.by_email(email)
        key = known.id if known else new_id()
        if known is None:
            store.add(key, email, name, secrets.token_hex(16))
        store.make_link(session_key(token), key, now + INVITATION)
        store.note("", "invite", key, now)
        return token

    return desk.database.write(work)


def close_operator(email: str, *, desk: Desk, now: datetime) -> None:
    """Close an account: it opens nothing any more, at once. Raises NotFound."""

    def work(connection: Connection) -> None:
        store = _store(connection)
        found = store.by_email(email.strip().lower())
        if found is None:
            raise NotFound
        store.change(found.id, closed_at=now)
        store.close_all(found.id)
        store.note("", "close", found.id, now)

    desk.database.write(work)


def invited_operator(token: str, *, desk: Desk, now: datetime) -> tuple[Operator, str]:
    """Return whose invitation it is and the second factor's secret (base32) it sets; raises NotFound."""
    found = desk.database.read(lambda connection: _store(connection).invited(session_key(token), now))
    if found is None:
        raise NotFound
    return found, secret_of(desk.pepper, _HOUSE, found.id, _nonce(found, token))


def take_invitation(token: str, password: str, again: str, code: str, *, desk: Desk, now: datetime) -> None:
    """Set the password and the second factor; the link is used up and older sessions end.

    Raises NotFound, FieldRefused (password_*, passwords_differ, totp_wrong).
    """
    found, secret = invited_operator(token, desk=desk, now=now)
    check_password(password, found.email, found.name)
    if password != again:
        raise FieldRefused("passwords_differ", field="again")
    step = step_of(secret, code, now)
    if step is None:
        raise FieldRefused("totp_wrong", field="code")
    kept = password_hash(password)

    def work(connection: Connection) -> None:
        store = _store(connection)
        if not store.use_link(session_key(token), now):
            raise NotFound
        store.change(found.id, password_hash=kept, totp_nonce=_nonce(found, token), totp_step=step)
        store.close_all(found.id)
        store.note(found.id, "take_link", found.id, now)

    desk.database.write(work)


def operator_sign_in(email: str, password: str, code: str, network: str, *, desk: Desk, now: datetime) -> str:
    """Return the cookie of a new session; the password and the second factor are asked for together.

    Raises SignInRefused – the same for an unknown address, a wrong password and a wrong or used code – and TriedTooOften.
    """
    email = email.strip().lower()
    if len(password) > LONGEST or len(email) > MAX_EMAIL or "\0" in email + password:
        raise SignInRefused
    bucket = password_bucket(f"{_HOUSE}|{email}", network, "")
    if wait := count_try([Bucket(NETWORK, network), bucket], desk=desk, now=now):
        raise TriedTooOften(wait)
    found = desk.database.read(lambda connection: _store(connection).by_email(email))
    right = password_right((found.password_hash if found else "") or NOBODY, password)
    if found is None or not found.password_hash or not right:
        raise SignInRefused
    step = step_of(secret_of(desk.pepper, _HOUSE, found.id, found.totp_nonce), code, now)
    token = secrets.token_urlsafe(32)

    def work(connection: Connection) -> bool:
        store = _store(connection)
        if step is None or not store.take_step(found.id, step):
            return False
        CounterStore(connection, operator_scope()).clear([bucket.key(desk.pepper)])
        store.open(session_key(token), found.id, secrets.token_urlsafe(16), now)
        store.note(found.id, "sign_in", found.id, now)
        return True

    if not desk.database.write(work):
        raise SignInRefused
    return token


def operator_signed_in(cookie: str, *, desk: Desk, now: datetime) -> OperatorSession | None:
    """Return the session a cookie stands for, None when it stands for nobody any more."""
    if not cookie or "\0" in cookie:
        return None
    key = session_key(cookie)
    found = desk.database.read(lambda connection: _store(connection).session(key))
    if found is None:
        return None
    if now - found.seen_at > IDLE or now - found.created_at > ABSOLUTE:
        desk.database.write(lambda connection: _store(connection).close(key))
        return None
    if now - found.seen_at > timedelta(minutes=1):
        desk.database.write(lambda connection: _store(connection).seen(key, now))
    return found


def operator_sign_out(cookie: str, *, desk: Desk) -> None:
    """End the session at once."""
    desk.database.write(lambda connection: _store(connection).close(session_key(cookie)))


def _store(connection: Connection) -> OperatorAccountStore:
    return OperatorAccountStore(connection, operator_scope())


def _nonce(found: Operator, token: str) -> str:
    """Return the nonce an invitation will set: another one for each link, so that a telephone once lost opens nothing."""
    return session_key(f"{found.totp_nonce}|{token}")[:32]
