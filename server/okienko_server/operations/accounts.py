"""The clinic's people: invited by a one-time link, given a role, closed; and everybody's own password, browsers and second factor."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection

from okienko_server.domain.audit import Act
from okienko_server.domain.details import MAX_NAME, printable
from okienko_server.domain.email import email_of
from okienko_server.domain.errors import DomainError, FieldRefused, FieldsRefused, NotAllowed, NotFound
from okienko_server.domain.offer import Offer
from okienko_server.domain.password import check_password
from okienko_server.domain.roles import Reach, Right, Role, reach_of
from okienko_server.domain.scope import Scope, ScopeKind
from okienko_server.operations.desk import Desk
from okienko_server.operations.second_factor import secret_of, take_code
from okienko_server.operations.sign_in import check_own_password, password_hash
from okienko_server.storage.feeds import FeedStore
from okienko_server.storage.ids import new_id
from okienko_server.storage.staff import Browser, LinkStore, Member, MemberStore, StaffSessionStore

INVITATION = timedelta(hours=72)
RESET = timedelta(hours=1)


class LastOwner(DomainError):
    """The clinic's last living owner can neither be closed nor given another role."""

    code = "last_owner"


@dataclass(frozen=True, slots=True)
class MemberTyped:
    """What a form says of an account."""

    email: str
    name: str
    role: str
    practitioner_id: str


def members(*, scope: Scope, desk: Desk) -> tuple[Offer, list[Member]]:
    """Return the clinic's accounts, living ones first; raises NotAllowed."""
    scope.own_only(Right.MANAGE_STAFF)
    return desk.database.read(
        lambda connection: (desk.current_offer(connection, scope), MemberStore(connection, scope).all())
    )


def invite(typed: MemberTyped, *, scope: Scope, desk: Desk, now: datetime) -> str:
    """Add an account and return its one-time link's secret, which is shown once and works for 72 hours.

    Raises FieldsRefused, FieldRefused (email_taken), NotAllowed.
    """
    scope.own_only(Right.MANAGE_STAFF)
    return desk.database.write(lambda connection: add_member(connection, typed, scope=scope, desk=desk, now=now))


def add_member(connection: Connection, typed: MemberTyped, *, scope: Scope, desk: Desk, now: datetime) -> str:
    """Do what `invite` does within a transaction that does more."""
    email, name = _checked(typed, scope)
    staff_id = new_id()
    if typed.practitioner_id:
        desk.current_offer(connection, scope).practitioner(typed.practitioner_id)
    MemberStore(connection, scope).add(staff_id, email, name, typed.role, typed.practitioner_id)
    link = _link(connection, scope, staff_id, "invitation", now, INVITATION)
    desk.note_act(connection, scope, Act.INVITE, "staff", staff_id, now)
    return link


def reset_link(staff_id: str, *, scope: Scope, desk: Desk, now: datetime) -> str:
    """Return the secret of a link that sets a new password within an hour (72 for somebody only invited); older links stop.

    Raises NotAllowed (an administrator for an owner), NotFound.
    """

    def work(connection: Connection) -> str:
        member = _manageable(connection, scope, staff_id)
        span = INVITATION if member.invited else RESET
        link = _link(connection, scope, staff_id, "reset", now, span)
        desk.note_act(connection, scope, Act.RESET, "staff", staff_id, now)
        return link

    return desk.database.write(work)


def change_member(staff_id: str, role: str, practitioner_id: str, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Give an account another role or therapist; its sessions end at once. Raises FieldRefused, LastOwner, NotAllowed, NotFound."""

    def work(connection: Connection) -> None:
        owners = MemberStore(connection, scope).lock_owners()
        member = _manageable(connection, scope, staff_id)
        _check_role(role, practitioner_id, scope)
        if practitioner_id:
            desk.current_offer(connection, scope).practitioner(practitioner_id)
        if owners == [staff_id] and role != Role.OWNER:
            raise LastOwner
        if member.id == scope.staff_id and scope.role != Role.OWNER:
            raise NotAllowed
        MemberStore(connection, scope).change(member.id, role=role, practitioner_id=practitioner_id or None)
        _cut_off(connection, scope, member.id)
        desk.note_act(connection, scope, Act.CHANGE_ACCOUNT, "staff", staff_id, now, role)

    desk.database.write(work)


def close_member(staff_id: str, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Close an account: it opens nothing any more, its sessions end at once. Raises LastOwner, NotAllowed (also oneself), NotFound."""

    def work(connection: Connection) -> None:
        owners = MemberStore(connection, scope).lock_owners()
        member = _manageable(connection, scope, staff_id)
        if owners == [staff_id]:
            raise LastOwner
        if member.id == scope.staff_id:
            raise NotAllowed
        MemberStore(connection, scope).change(staff_id, closed_at=now)
        _cut_off(connection, scope, staff_id, member.practitioner_id)
        desk.note_act(connection, scope, Act.CLOSE_ACCOUNT, "staff", staff_id, now)

    desk.database.write(work)


def reopen_member(staff_id: str, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Let a closed account in again. Raises NotAllowed, NotFound."""

    def work(connection: Connection) -> None:
        _manageable(connection, scope, staff_id)
        MemberStore(connection, scope).change(staff_id, closed_at=None)
        desk.note_act(connection, scope, Act.REOPEN_ACCOUNT, "staff", staff_id, now)

    desk.database.write(work)


def drop_second_factor(staff_id: str, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Switch somebody's second factor off: the telephone is lost. Its sessions end. Raises NotAllowed, NotFound."""

    def work(connection: Connection) -> None:
        _manageable(connection, scope, staff_id)
        MemberStore(connection, scope).change(staff_id, totp_nonce=None, totp_step=None)
        StaffSessionStore(connection, scope).close_all(staff_id)
        desk.note_act(connection, scope, Act.TOTP_OFF, "staff", staff_id, now)

    desk.database.write(work)


def link_owner(clinic_id: str, token: str, *, desk: Desk, now: datetime) -> Member:
    """Return whose password a link sets; looking changes nothing (mail programs look too). Raises NotFound."""
    scope = Scope(ScopeKind.STAFF, clinic_id)
    return desk.database.read(
        lambda connection: MemberStore(connection, scope).get(LinkStore(connection, scope).whose(_digest(token), now))
    )


def take_link(clinic_id: str, token: str, password: str, again: str, *, desk: Desk, now: datetime) -> None:
    """Set the password a link allows, once; all sessions of the account end. Raises FieldRefused, NotFound."""
    member = link_owner(clinic_id, token, desk=desk, now=now)
    _check_new(password, again, member)
    kept, scope = password_hash(password), Scope(ScopeKind.STAFF, clinic_id, staff_id=member.id)

    def work(connection: Connection) -> None:
        LinkStore(connection, scope).use(_digest(token), now)
        MemberStore(connection, scope).change(member.id, password_hash=kept)
        StaffSessionStore(connection, scope).close_all(member.id)
        desk.note_act(connection, scope, Act.TAKE_LINK, "staff", member.id, now)

    desk.database.write(work)


def own_account(*, scope: Scope, desk: Desk) -> tuple[Member, list[Browser]]:
    """Return the signed-in person's account and signed-in browsers."""
    return desk.database.read(
        lambda connection: (
            MemberStore(connection, scope).get(scope.staff_id),
            StaffSessionStore(connection, scope).of(scope.staff_id),
        )
    )


def change_password(old: str, password: str, again: str, key: str, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Change the own password; every other session ends (`key` names this one). Raises FieldRefused, TriedTooOften."""
    if not check_own_password(old, scope=scope, desk=desk, now=now):
        raise FieldRefused("password_wrong", field="old")
    member, _ = own_account(scope=scope, desk=desk)
    _check_new(password, again, member)
    kept = password_hash(password)

    def work(connection: Connection) -> None:
        MemberStore(connection, scope).change(scope.staff_id, password_hash=kept)
        StaffSessionStore(connection, scope).close_all(scope.staff_id, but=key)
        LinkStore(connection, scope).drop(scope.staff_id)
        desk.note_act(connection, scope, Act.CHANGE_PASSWORD, "staff", scope.staff_id, now)

    desk.database.write(work)


def end_sessions(key: str, *, one: str = "", scope: Scope, desk: Desk, now: datetime) -> None:
    """End one of the own sessions, or all but the present one (`key`). Raises NotFound for a session that is not one's own."""

    def work(connection: Connection) -> None:
        store = StaffSessionStore(connection, scope)
        if one:
            store.close_one(scope.staff_id, one)
        else:
            store.close_all(scope.staff_id, but=key)
        desk.note_act(connection, scope, Act.END_SESSIONS, "staff", scope.staff_id, now)

    desk.database.write(work)


def own_secret(nonce: str, *, scope: Scope, desk: Desk) -> str:
    """Return the secret an authenticator app would keep for a nonce."""
    return secret_of(desk.pepper, scope.clinic_id, scope.staff_id, nonce)


def switch_on(nonce: str, password: str, code: str, key: str, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Switch the second factor on: the app's code proves that it keeps the secret. Other sessions end.

    Raises FieldRefused, TriedTooOften.
    """
    if not check_own_password(password, scope=scope, desk=desk, now=now):
        raise FieldRefused("password_wrong", field="totp_password")

    def work(connection: Connection) -> bool:
        store = MemberStore(connection, scope)
        store.change(scope.staff_id, totp_nonce=nonce, totp_step=None)
        if not take_code(connection, scope, scope.staff_id, own_secret(nonce, scope=scope, desk=desk), code, now):
            raise FieldRefused("totp_wrong", field="code")
        StaffSessionStore(connection, scope).close_all(scope.staff_id, but=key)
        desk.note_act(connection, scope, Act.TOTP_ON, "staff", scope.staff_id, now)
        return True

    desk.database.write(work)


def switch_off(password: str, key: str, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Switch the own second factor off; other sessions end. Raises FieldRefused, TriedTooOften."""
    if not check_own_password(password, scope=scope, desk=desk, now=now):
        raise FieldRefused("password_wrong", field="totp_password")

    def work(connection: Connection) -> None:
        MemberStore(connection, scope).change(scope.staff_id, totp_nonce=None, totp_step=None)
        StaffSessionStore(connection, scope).close_all(scope.staff_id, but=key)
        desk.note_act(connection, scope, Act.TOTP_OFF, "staff", scope.staff_id, now)

    desk.database.write(work)


def may_give(role: str, scope: Scope) -> bool:
    """Return whether the asker may give a role, or manage an account that has it.

    A role that reads everybody's documentation is an owner's to give (or the house's own): whoever may not read it must not let
    himself in through somebody else's account.
    """
    return (
        scope.kind is not ScopeKind.STAFF
        or scope.role == Role.OWNER
        or reach_of(role, Right.READ_RECORDS) is not Reach.ALL
    )


def _cut_off(connection: Connection, scope: Scope, staff_id: str, practitioner_id: str = "") -> None:
    """End what an account opened before: sessions, one-time links, calendar addresses it made (or that show the therapist it is)."""
    StaffSessionStore(connection, scope).close_all(staff_id)
    LinkStore(connection, scope).drop(staff_id)
    FeedStore(connection, scope).close_of(staff_id, practitioner_id)


def _manageable(connection: Connection, scope: Scope, staff_id: str) -> Member:
    """Return an account the asker may manage; raises NotAllowed, NotFound."""
    scope.own_only(Right.MANAGE_STAFF)
    member = MemberStore(connection, scope).get(staff_id, lock=True)
    if not may_give(member.role, scope):
        raise NotAllowed
    return member


def _check_role(role: str, practitioner_id: str, scope: Scope) -> None:
    if role not in list(Role) or not may_give(role, scope):
        raise FieldRefused("role_refused", field="role")
    if role == Role.THERAPIST and not practitioner_id:
        raise FieldRefused("practitioner_required", field="practitioner_id")


def _checked(typed: MemberTyped, scope: Scope) -> tuple[str, str]:
    errors: dict[str, str] = {}
    email, name = "", " ".join(typed.name.split())
    try:
        email = email_of(typed.email)
    except FieldRefused as refused:
        errors[refused.field] = refused.code
    if not name:
        errors["name"] = "required"
    elif len(name) > MAX_NAME or not printable(name):
        errors["name"] = "name_too_long" if len(name) > MAX_NAME else "bad_request"
    try:
        _check_role(typed.role, typed.practitioner_id, scope)
    except FieldRefused as refused:
        errors[refused.field] = refused.code
    if errors:
        raise FieldsRefused(errors)
    return email, name


def _check_new(password: str, again: str, member: Member) -> None:
    check_password(password, member.email, member.name)
    if password != again:
        raise FieldRefused("passwords_differ", field="again")


def _link(connection: Connection, scope: Scope, staff_id: str, purpose: str, now: datetime, span: timedelta) -> str:
    token = secrets.token_urlsafe(32)
    LinkStore(connection, scope).make(_digest(token), staff_id, purpose, now, now + span)
    return f"{scope.clinic_id}.{token}"


def _digest(token: str) -> str:
    if not token.isascii():
        raise NotFound
    return sha256(token.encode()).hexdigest()
