"""The one place that turns a request into a Scope."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from hmac import compare_digest
from urllib.parse import urlsplit

from flask import current_app, g, request

from okienko.exceptions import TokenExpired, TokenInvalid
from okienko.tokens import EmbedToken, PortalToken, WidgetSession, new_session_id, read_any
from okienko_server.domain.errors import CsrfRefused, DomainError, NotAllowed, NotFound, TokenRefused
from okienko_server.domain.generations import Generations
from okienko_server.domain.roles import GUEST_RIGHTS, Reach, Right
from okienko_server.domain.scope import Locks, Scope, ScopeKind, Source, operator_scope
from okienko_server.domain.throttle import network_of
from okienko_server.operations.calendar_feed import feed_scope
from okienko_server.operations.operators import operator_signed_in
from okienko_server.operations.sign_in import signed_in
from okienko_server.storage.generations import TokenStore
from okienko_server.storage.operators import OperatorSession
from okienko_server.storage.staff import SignedIn
from okienko_server.web.house import house
from okienko_server.web.policy import Policy, is_large, policy_of, right_of
from okienko_server.web.references import plain_id

STAFF_COOKIE = "okienko_staff"
LONGEST_PAUSE = timedelta(hours=24)
"""A page left open longer than this begins anew; until then a form may still be sent and nothing typed is lost."""
LARGE_FORM = 512 * 1024
"""Bytes of a form with a long document: eight texts of 8,000 Polish letters take six bytes a letter."""
SECURE_STAFF_COOKIE = "__Host-okienko_staff"
OPERATOR_COOKIE = "okienko_operator"
SECURE_OPERATOR_COOKIE = "__Host-okienko_operator"


def scope() -> Scope:
    """Return the scope of the current request; only routes whose policy makes one may ask."""
    found: Scope = g.scope
    return found


def widget_session() -> WidgetSession:
    """Return the visitor's session of the current request."""
    found: WidgetSession = g.widget_session
    return found


def staff() -> SignedIn:
    """Return who is signed in."""
    found: SignedIn = g.staff
    return found


def operator() -> OperatorSession:
    """Return which operator is signed in."""
    found: OperatorSession = g.operator
    return found


def operator_cookie() -> str:
    """Return the name of the operators' cookie."""
    return SECURE_OPERATOR_COOKIE if house().settings.secure_cookies else OPERATOR_COOKIE


def guard() -> None:
    """Before every request: find the route's policy and make the scope it promises, or refuse."""
    if request.endpoint is None:
        return
    kind, now = policy_of(current_app, request.endpoint), house().clock()
    if "\0" in request.path and kind is not Policy.EMBED:
        raise NotFound
    if is_large(current_app, request.endpoint):
        request.max_content_length = request.max_form_memory_size = LARGE_FORM
    g.widget_session = g.staff = None
    if kind is Policy.PORTAL:
        enter(new_portal_session(now))
    elif kind is Policy.EMBED:
        enter(session_of_token((request.view_args or {}).get("token", ""), Source.IFRAME, now))
    elif kind is Policy.FORM:
        enter(_form_session(now))
    elif kind is Policy.BEARER:
        enter(_bearer_session(now))
    elif kind is Policy.STAFF:
        _enter_staff(now)
    elif kind is Policy.OPERATOR:
        _enter_operator(now)
    elif kind is Policy.FEED:
        _enter_feed(**(request.view_args or {}))
    elif (kind is Policy.DEMO and not house().settings.development) or kind not in (
        Policy.PUBLIC,
        Policy.GATEWAY,
        Policy.DEMO,
    ):
        raise NotFound


def enter(session: WidgetSession) -> None:
    """Make the current request act as that visitor."""
    g.widget_session = session
    g.scope = scope_of(session)


def scope_of(session: WidgetSession) -> Scope:
    """Return the scope a visitor's session stands for."""
    locks = Locks(session.service or "", session.practitioner or "", session.category or "")
    kind = ScopeKind.CLINIC if session.kind == "clinic" else ScopeKind.PORTAL
    return Scope(
        kind,
        session.clinic or "",
        session.id,
        Source(session.source),
        locks,
        generation=session.generation if session.clinic else None,
        network=network_of(request.remote_addr or ""),
    )


def new_portal_session(now: datetime, source: Source = Source.PORTAL) -> WidgetSession:
    """Return a fresh unpinned visitor session."""
    return WidgetSession(new_session_id(), "portal", None, 0, source.value, issued_at=now)


def session_of_token(text: str, source: Source, now: datetime) -> WidgetSession:
    """Return a fresh visitor session for a pasted token; raises TokenRefused (token_invalid, token_revoked)."""
    try:
        token = read_any(text, house().settings.keys.embed)
    except TokenInvalid:
        raise TokenRefused("token_invalid") from None
    g.public_path = "/" if isinstance(token, PortalToken) else f"/g/{token.clinic}"
    try:
        accepted = house().desk.database.read(
            lambda connection: _generations(TokenStore(connection, operator_scope()), token)
        )
    except NotFound:
        raise TokenRefused("token_invalid") from None
    if not accepted.accepts(token.generation, now):
        raise TokenRefused("token_revoked")
    # A visitor let in under a grace is as good as any: the next revocation without one ends both.
    generation = max(token.generation, accepted.current)
    if isinstance(token, PortalToken):
        return WidgetSession(
            new_session_id(), "portal", None, generation, source.value, portal=token.portal, issued_at=now
        )
    return WidgetSession(
        new_session_id(), "clinic", token.clinic, generation, source.value, origin=token.origin or "", service=token.service,
        practitioner=token.practitioner, category=token.category, issued_at=now,
    )  # fmt: skip


def _generations(store: TokenStore, token: EmbedToken | PortalToken) -> Generations:
    return store.of_portal(token.portal) if isinstance(token, PortalToken) else store.of_clinic(token.clinic)


def _form_session(now: datetime) -> WidgetSession:
    """Return the session of a form; a proved but outlived one goes on under a new id, so nothing typed is lost."""
    try:
        return _rehearsed(WidgetSession.read(request.form.get("session", ""), house().settings.keys.session, now), now)
    except TokenExpired as expired:
        proved: WidgetSession = _rehearsed(expired.token, now)
        if now - proved.issued_at > LONGEST_PAUSE:
            raise TokenRefused("session_expired") from None
        if request.endpoint == "widget.calendar":
            # The confirmation may stay open for hours; its calendar file changes nothing.
            return proved
        g.session_renewed = True
        return replace(proved, id=new_session_id(), issued_at=now)
    except TokenInvalid:
        raise TokenRefused("session_invalid") from None


def _rehearsed(session: WidgetSession, now: datetime) -> WidgetSession:
    """Return the session; a rehearsal's is good only in the browser of somebody signed in who may rehearse in that clinic."""
    if session.source != Source.REHEARSAL:
        return session
    found = signed_in(request.cookies.get(staff_cookie(), ""), desk=house().desk, now=now)
    if (
        found is None
        or found[1].guest
        or found[0].clinic_id != session.clinic
        or found[0].reach(Right.CHANGE_SETTINGS) is Reach.NONE
    ):
        raise TokenRefused("session_invalid")
    return session


def _bearer_session(now: datetime) -> WidgetSession:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise TokenRefused("session_invalid")
    try:
        return _rehearsed(WidgetSession.read(text.strip(), house().settings.keys.session, now), now)
    except TokenExpired:
        raise TokenRefused("session_expired") from None
    except TokenInvalid:
        raise TokenRefused("session_invalid") from None


def staff_cookie() -> str:
    """Return the name of the staff cookie; the `__Host-` prefix needs HTTPS (RFC 6265bis §4.1.3)."""
    return SECURE_STAFF_COOKIE if house().settings.secure_cookies else STAFF_COOKIE


class SignInNeeded(DomainError):
    """Nobody is signed in; the page sends the browser to the sign-in."""

    code = "sign_in_refused"


class OperatorNeeded(DomainError):
    """No operator is signed in; the page sends the browser to the operators' sign-in."""

    code = "sign_in_refused"


class FormOutlived(CsrfRefused):
    """The form is the signed-in person's own, of a session before this one."""


def whose(csrf: str) -> str:
    """Return the mark of the account a form token was made for, "" without one."""
    return csrf.partition(".")[2]


def _enter_staff(now: datetime) -> None:
    # What an open page asks for by itself is no sign that anybody sits before it.
    active = request.endpoint != "staff.changes" and request.headers.get("X-Okienko") != "redraw"
    found = signed_in(request.cookies.get(staff_cookie(), ""), desk=house().desk, now=now, active=active)
    if found is None:
        raise SignInNeeded
    g.scope, g.staff = found
    if g.staff.guest:
        desk, where = house().desk, g.scope
        clinic = desk.database.read(lambda connection: desk.current_offer(connection, where)).clinic
        if not clinic.lets_guests_in(now):
            raise SignInNeeded
    right = right_of(current_app, request.endpoint or "")
    assert right is not None
    if g.scope.reach(right) is Reach.NONE or not (may_guest(right) or request.endpoint == "door.leave"):
        raise NotAllowed
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        check_same_site()
        sent, ours = request.form.get("csrf", ""), found[1].csrf
        if sent != ours:
            raise FormOutlived if whose(sent) == whose(ours) != "" else CsrfRefused


def may_guest(right: Right) -> bool:
    """Return whether a right is open to whoever is signed in as a guest; to everybody else it is."""
    return not staff().guest or right in GUEST_RIGHTS


def _enter_operator(now: datetime) -> None:
    found = operator_signed_in(request.cookies.get(operator_cookie(), ""), desk=house().desk, now=now)
    if found is None:
        raise OperatorNeeded
    g.scope, g.operator = operator_scope(), found
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        check_same_site()
        if not compare_digest(request.form.get("csrf", "").encode(), found.csrf.encode()):
            raise CsrfRefused


def _enter_feed(clinic_id: str, token: str) -> None:
    found = feed_scope(plain_id(clinic_id), token, desk=house().desk) if token.isascii() else None
    if found is None:
        raise NotFound
    g.scope = found


def check_same_site() -> None:
    """Refuse a form another site sent: Sec-Fetch-Site where the browser says it, else the Origin header."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise CsrfRefused
        return
    origin = request.headers.get("Origin")
    if origin is not None and host_of(origin) != request.host:
        raise CsrfRefused


def host_of(address: str) -> str:
    """Return host and port of an address a browser sent, "" for what is no address."""
    try:
        return urlsplit(address).netloc
    except ValueError:
        return ""
