"""Staff come and go: argon2, a throttle that locks nobody out, an optional second factor, sessions revocable at once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import Connection

from okienko_server.domain.audit import Act
from okienko_server.domain.errors import SignInRefused, TriedTooOften
from okienko_server.domain.password import LONGEST
from okienko_server.domain.scope import Scope, ScopeKind, Source, operator_scope
from okienko_server.domain.throttle import NETWORK, OLD_PASSWORD, SECOND_FACTOR, Bucket, sign_in_buckets
from okienko_server.operations.desk import Desk
from okienko_server.operations.second_factor import secret_of, take_code
from okienko_server.storage.counters import CounterStore
from okienko_server.storage.directory import Account, DirectoryStore
from okienko_server.storage.staff import MemberStore, SignedIn, StaffSessionStore

IDLE = timedelta(minutes=60)
ABSOLUTE = timedelta(hours=12)
"""NIST SP 800-63B-4, AAL2: at most 24 hours in all and an hour idle."""
MAX_EMAIL = 200
_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash(secrets.token_hex(8))


@dataclass(frozen=True, slots=True)
class From:
    """Where a try comes from: the network of the address, the browser's own name, and the known device it proved to be ("" for none)."""

    network: str = ""
    agent: str = ""
    device: str = ""


NOWHERE = From()


@dataclass(frozen=True, slots=True)
class Entered:
    """A right password: the cookie of a new session, or who still has to show a second factor."""

    account: Account
    cookie: str


def password_hash(password: str) -> str:
    """Return the argon2id hash to keep for a password."""
    return _HASHER.hash(password)


def password_right(kept: str, password: str) -> bool:
    """Return whether a password is the one behind a hash."""
    try:
        return _HASHER.verify(kept, password)
    except (Argon2Error, InvalidHashError):
        return False


def count_try(buckets: list[Bucket], *, desk: Desk, now: datetime) -> None:
    """Count a try before it is looked at; raises TriedTooOften when any bucket is full."""

    def work(connection: Connection) -> int:
        store, wait = CounterStore(connection, operator_scope()), 0
        for bucket in buckets:
            tries, since = store.count(bucket.key(desk.pepper), bucket.rule.window, now)
            if tries > bucket.rule.limit:
                wait = max(wait, int((since + bucket.rule.window - now).total_seconds()) + 1)
        return wait

    if wait := desk.database.write(work):
        raise TriedTooOften(wait)


def sign_in(email: str, password: str, came: From = NOWHERE, *, desk: Desk, now: datetime) -> Entered:
    """Return the session of a right password, or, with a second factor, whose it is and no session yet.

    Raises SignInRefused – in the same time whether the address is known or not – and TriedTooOften.
    """
    email = email.strip().lower()
    if len(password) > LONGEST or len(email) > MAX_EMAIL or "\0" in email + password:
        raise SignInRefused
    buckets = sign_in_buckets(email, came.network, came.device)
    count_try(buckets, desk=desk, now=now)
    accounts = desk.database.read(lambda connection: DirectoryStore(connection, operator_scope()).accounts(email))
    account = next((one for one in accounts if password_right(one.password_hash, password)), None)
    if account is None:
        if not accounts:
            password_right(_NOBODY, password)
        raise SignInRefused
    # The network's own bucket stays: one right password among many guesses proves nothing about the others.
    mine = [one.key(desk.pepper) for one in buckets if one.rule is not NETWORK]
    desk.database.write(lambda connection: CounterStore(connection, operator_scope()).clear(mine))
    if account.totp_nonce:
        return Entered(account, "")
    return Entered(account, open_session(account, came.agent, desk=desk, now=now))


def second_step(account: Account, code: str, ticket: str, came: From, *, desk: Desk, now: datetime) -> str:
    """Return the session cookie of a right code of the second factor; raises SignInRefused, TriedTooOften after five codes for a ticket."""
    count_try([Bucket(SECOND_FACTOR, ticket)], desk=desk, now=now)
    scope = Scope(ScopeKind.STAFF, account.clinic_id, staff_id=account.id)
    secret = secret_of(desk.pepper, account.clinic_id, account.id, account.totp_nonce)
    if not desk.database.write(lambda connection: take_code(connection, scope, account.id, secret, code, now)):
        raise SignInRefused
    return open_session(account, came.agent, desk=desk, now=now)


def account_of(clinic_id: str, staff_id: str, *, desk: Desk) -> Account:
    """Return a living account by its id; raises SignInRefused when there is none (any more)."""
    found = desk.database.read(
        lambda connection: DirectoryStore(connection, operator_scope()).account(clinic_id, staff_id)
    )
    if found is None:
        raise SignInRefused
    return found


def open_session(account: Account, agent: str, *, desk: Desk, now: datetime) -> str:
    """Return the text for the cookie of a new session."""
    token = secrets.token_urlsafe(32)
    scope = Scope(ScopeKind.STAFF, account.clinic_id, source=Source.STAFF, staff_id=account.id)

    def work(connection: Connection) -> None:
        store = StaffSessionStore(connection, scope)
        store.open(session_key(token), account.id, secrets.token_urlsafe(16), now, agent)
        desk.note_act(connection, scope, Act.SIGN_IN, "staff", account.id, now)

    desk.database.write(work)
    return f"{account.clinic_id}.{token}"


def session_key(token: str) -> str:
    """Return what is kept of a session's random part."""
    return sha256(token.encode()).hexdigest()


def signed_in(cookie: str, *, desk: Desk, now: datetime, active: bool = True) -> tuple[Scope, SignedIn] | None:
    """Return the staff scope a cookie stands for, or None when it stands for nobody any more.

    `active` False: the page asked by itself, which is no sign that anybody sits before it.
    """
    clinic_id, _, token = cookie.partition(".")
    if not clinic_id or not token or "\0" in cookie:
        return None
    scope = Scope(ScopeKind.STAFF, clinic_id, source=Source.STAFF)
    key = session_key(token)

    found = desk.database.read(lambda connection: StaffSessionStore(connection, scope).find(key))
    if found is None:
        return None
    if now - found.seen_at > IDLE or now - found.created_at > ABSOLUTE:
        desk.database.write(lambda connection: StaffSessionStore(connection, scope).close(key))
        return None
    if active and now - found.seen_at > timedelta(minutes=1):
        desk.database.write(lambda connection: StaffSessionStore(connection, scope).seen(key, now))
    return replace(scope, staff_id=found.staff_id, role=found.role, practitioner_id=found.practitioner_id), found


def sign_out(cookie: str, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """End the session at once, wherever its cookie may have gone."""
    key = session_key(cookie.partition(".")[2])

    def work(connection: Connection) -> None:
        StaffSessionStore(connection, scope).close(key)
        desk.note_act(connection, scope, Act.SIGN_OUT, "staff", scope.staff_id, now)

    desk.database.write(work)


def check_own_password(password: str, *, scope: Scope, desk: Desk, now: datetime) -> bool:
    """Return whether it is the signed-in person's password; the tries are counted. Raises TriedTooOften."""
    count_try([Bucket(OLD_PASSWORD, f"{scope.clinic_id}|{scope.staff_id}")], desk=desk, now=now)
    member = desk.database.read(lambda connection: MemberStore(connection, scope).get(scope.staff_id))
    return password_right(member.password_hash, password[: LONGEST + 1])
