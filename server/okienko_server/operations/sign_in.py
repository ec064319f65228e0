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
from okienko_server.domain.email import MAX_EMAIL
from okienko_server.domain.errors import SignInRefused, TriedTooOften
from okienko_server.domain.password import LONGEST
from okienko_server.domain.scope import Scope, ScopeKind, Source, operator_scope
from okienko_server.domain.throttle import NETWORK, OLD_PASSWORD, Bucket, code_buckets, device_mark, password_bucket
from okienko_server.operations.desk import Desk
from okienko_server.operations.second_factor import secret_of, take_code
from okienko_server.storage.counters import CounterStore
from okienko_server.storage.directory import Account, DirectoryStore
from okienko_server.storage.staff import MemberStore, SignedIn, StaffSessionStore

IDLE = timedelta(minutes=60)
ABSOLUTE = timedelta(hours=12)
"""NIST SP 800-63B-4, AAL2: at most 24 hours in all and an hour idle."""
HASHER = PasswordHasher()
"""argon2id at the second recommended choice of RFC 9106 §4."""
NOBODY = HASHER.hash(secrets.token_hex(8))


@dataclass(frozen=True, slots=True)
class From:
    """Where a try comes from: the network of the address, the browser's own name, its id, and the marks of accounts it signed in to."""

    network: str = ""
    agent: str = ""
    device: str = ""
    marks: frozenset[str] = frozenset()

    def known(self, account: str) -> str:
        """Return the browser's id when it signed in to that account before, else ""."""
        return self.device if self.device and device_mark(self.device, account) in self.marks else ""


NOWHERE = From()


@dataclass(frozen=True, slots=True)
class Entered:
    """A right password: whose it is – of several clinics, when one person has one password there – and the cookie of a new session.

    The cookie is empty while a second factor, or the choice of the clinic, is still asked for.
    """

    accounts: tuple[Account, ...]
    cookie: str


def password_hash(password: str) -> str:
    """Return the argon2id hash to keep for a password."""
    return HASHER.hash(password)


def password_right(kept: str, password: str) -> bool:
    """Return whether a password is the one behind a hash."""
    try:
        return HASHER.verify(kept, password)
    except (Argon2Error, InvalidHashError):
        return False


def count_try(buckets: list[Bucket], *, desk: Desk, now: datetime) -> int:
    """Count a try before it is looked at and return the seconds to wait when any bucket is full, else 0."""

    def work(connection: Connection) -> int:
        store, wait = CounterStore(connection, operator_scope()), 0
        for bucket in buckets:
            tries, since = store.count(bucket.key(desk.pepper), bucket.rule.window, now)
            if tries > bucket.rule.limit:
                wait = max(wait, int((since + bucket.rule.window - now).total_seconds()) + 1)
        return wait

    return desk.database.write(work)


def sign_in(email: str, password: str, came: From = NOWHERE, *, desk: Desk, now: datetime) -> Entered:
    """Return the session of a right password, or whose it is when a second factor or the choice of a clinic is still to come.

    Each account under the address is counted by itself, and only those with tries left are looked at. Raises SignInRefused – in the
    same time whether the address is known, invited or not – and TriedTooOften.
    """
    email = email.strip().lower()
    if len(password) > LONGEST or len(email) > MAX_EMAIL or "\0" in email + password:
        raise SignInRefused
    accounts = desk.database.read(lambda connection: DirectoryStore(connection, operator_scope()).accounts(email))
    waits = _waits([one.key for one in accounts] or [email], came, desk, now)
    opened = tuple(one for one in accounts if not waits[one.key] and _opens(one, password))
    if not accounts and not waits[email]:
        password_right(NOBODY, password)
    if not opened:
        if wait := max(waits.values()):
            raise TriedTooOften(wait)
        raise SignInRefused
    for one in opened:
        if not one.totp_nonce:
            forgive(one, came, desk=desk)
    if len(opened) > 1 or opened[0].totp_nonce:
        return Entered(opened, "")
    return Entered(opened, open_session(opened[0], came.agent, desk=desk, now=now))


def _waits(accounts: list[str], came: From, desk: Desk, now: datetime) -> dict[str, int]:
    """Count one try at each of some accounts; return the seconds each has to wait, 0 for those that may be looked at."""
    strange = [one for one in accounts if not came.known(one)]
    crowd = count_try([Bucket(NETWORK, came.network)], desk=desk, now=now) if strange else 0
    return {
        one: max(
            count_try([password_bucket(one, came.network, came.known(one))], desk=desk, now=now),
            crowd if one in strange else 0,
        )
        for one in accounts
    }


def _opens(account: Account, password: str) -> bool:
    # Somebody only invited has no password yet; looking takes as long all the same.
    right = password_right(account.password_hash or NOBODY, password)
    return right and bool(account.password_hash)


def forgive(account: Account, came: From, *, desk: Desk) -> None:
    """Forget the tries at an account that was opened; the network's own stay: one right password proves nothing about the others."""
    device = came.known(account.key)
    buckets = [password_bucket(account.key, came.network, device), *code_buckets(account.key, came.network, device)]
    keys = [bucket.key(desk.pepper) for bucket in buckets]
    desk.database.write(lambda connection: CounterStore(connection, operator_scope()).clear(keys))


def second_step(account: Account, code: str, came: From, *, desk: Desk, now: datetime) -> str:
    """Return the session cookie of a right code of the second factor; raises SignInRefused, TriedTooOften."""
    if wait := count_try(code_buckets(account.key, came.network, came.known(account.key)), desk=desk, now=now):
        raise TriedTooOften(wait)
    scope = Scope(ScopeKind.STAFF, account.clinic_id, staff_id=account.id)
    secret = secret_of(desk.pepper, account.clinic_id, account.id, account.totp_nonce)
    if not desk.database.write(lambda connection: take_code(connection, scope, account.id, secret, code, now)):
        raise SignInRefused
    forgive(account, came, desk=desk)
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
        csrf = f"{secrets.token_urlsafe(16)}.{mark_of(account.clinic_id, account.id)}"
        store.open(session_key(token), account.id, csrf, now, agent)
        desk.note_act(connection, scope, Act.SIGN_IN, "staff", account.id, now)

    desk.database.write(work)
    return f"{account.clinic_id}.{token}"


def mark_of(clinic_id: str, staff_id: str) -> str:
    """Return the mark of an account in its sessions' form tokens: a form sent after the session ended still says whose it was."""
    return sha256(f"okienko.form.v1|{clinic_id}|{staff_id}".encode()).hexdigest()[:16]


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
    if wait := count_try([Bucket(OLD_PASSWORD, f"{scope.clinic_id}|{scope.staff_id}")], desk=desk, now=now):
        raise TriedTooOften(wait)
    member = desk.database.read(lambda connection: MemberStore(connection, scope).get(scope.staff_id))
    return password_right(member.password_hash, password[: LONGEST + 1])
