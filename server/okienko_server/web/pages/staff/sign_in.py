"""The door: sign-in with its second step, the one-time link, the way out; and nothing typed is lost when a session ended."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response as AnyResponse

from okienko_server.domain.errors import CsrfRefused, DomainError, FieldRefused, NotFound, SignInRefused, TriedTooOften
from okienko_server.domain.roles import Right
from okienko_server.operations.accounts import link_owner, take_link
from okienko_server.operations.sign_in import account_of, open_session, second_step, sign_in, sign_out, signed_in
from okienko_server.storage.directory import Account
from okienko_server.web import guards
from okienko_server.web.guards import scope, staff_cookie
from okienko_server.web.house import house
from okienko_server.web.pages.staff.devices import came_from, remember
from okienko_server.web.pages.staff.kept import kept_fields, local_path, resume, typed_before
from okienko_server.web.policy import Policy, large_form, policy
from okienko_server.web.references import plain_id

door = Blueprint("door", __name__, url_prefix="/staff")
CODE, CLINIC = "second-factor", "clinic"
"""Steps between a right password and a session; each has a ticket of its own kind."""
TICKET_SECONDS = 300


@door.get("/sign-in")
@policy(Policy.PUBLIC)
def sign_in_page() -> AnyResponse:
    """The sign-in form, or the schedule for somebody who is in already."""
    if signed_in(request.cookies.get(staff_cookie(), ""), desk=house().desk, now=house().clock()):
        return redirect(url_for("staff.schedule"), 303)
    return _form(request.args.get("next", ""))


@door.post("/sign-in")
@policy(Policy.PUBLIC)
@large_form
def enter() -> AnyResponse:
    """A new session under a new id, or the second step; a session this browser had before ends."""
    guards.check_same_site()
    email = request.form.get("email", "").strip()
    try:
        entered = sign_in(email, request.form.get("password", ""), came_from(), desk=house().desk, now=house().clock())
    except (SignInRefused, TriedTooOften) as refused:
        return _form(request.form.get("next", ""), refused)
    if len(entered.accounts) > 1:
        return _which(entered.accounts)
    account = entered.accounts[0]
    return _let_in(entered.cookie, account) if entered.cookie else _second(_ticket(CODE).dumps(_named(account)))


@door.post("/clinic")
@policy(Policy.PUBLIC)
@large_form
def which() -> AnyResponse:
    """The clinic chosen by somebody whose address and password open several."""
    guards.check_same_site()
    try:
        account = _account(request.form.get("ticket", ""), CLINIC)
    except SignInRefused as refused:
        return _form(request.form.get("next", ""), refused)
    if account.totp_nonce:
        return _second(_ticket(CODE).dumps(_named(account)))
    return _let_in(open_session(account, came_from().agent, desk=house().desk, now=house().clock()), account)


@door.post("/second-factor")
@policy(Policy.PUBLIC)
@large_form
def second() -> AnyResponse:
    """The code of the second factor; its ticket says whose password was right a moment ago."""
    guards.check_same_site()
    ticket = request.form.get("ticket", "")
    try:
        account = _account(ticket, CODE)
        cookie = second_step(account, request.form.get("code", ""), came_from(), desk=house().desk, now=house().clock())
    except TriedTooOften as refused:
        return _form(request.form.get("next", ""), refused)
    except SignInRefused as refused:
        return _second(ticket, refused) if _alive(ticket) else _form(request.form.get("next", ""), refused)
    return _let_in(cookie, account)


@door.post("/sign-out")
@policy(Policy.STAFF, Right.OWN_ACCOUNT)
def leave() -> AnyResponse:
    """The session ends on the server and in the browser."""
    sign_out(request.cookies.get(staff_cookie(), ""), scope=scope(), desk=house().desk, now=house().clock())
    response = redirect(url_for("door.sign_in_page"), 303)
    response.delete_cookie(
        staff_cookie(), path="/", httponly=True, samesite="Lax", secure=house().settings.secure_cookies
    )
    return response


@door.get("/link/<clinic_id>.<token>")
@policy(Policy.PUBLIC)
def link(clinic_id: str, token: str) -> Response:
    """The page of a one-time link. Looking changes nothing: mail programs look, too."""
    return _link_page(clinic_id, token)


@door.post("/link/<clinic_id>.<token>")
@policy(Policy.PUBLIC)
def link_taken(clinic_id: str, token: str) -> AnyResponse:
    """The password is set, the link is used up, and the person signs in."""
    guards.check_same_site()
    fields = request.form
    try:
        take_link(
            plain_id(clinic_id), token, fields.get("password", ""), fields.get("again", ""), desk=house().desk, now=house().clock()
        )  # fmt: skip
    except FieldRefused as refused:
        return _link_page(clinic_id, token, {refused.field: refused.code})
    except NotFound:
        return _link_page(clinic_id, token)
    return redirect(url_for("door.sign_in_page"), 303)


def _link_page(clinic_id: str, token: str, errors: dict[str, str] | None = None) -> Response:
    try:
        member = link_owner(plain_id(clinic_id), token, desk=house().desk, now=house().clock())
    except NotFound:
        return _private(make_response(render_template("staff/link_over.jinja"), 404))
    page = render_template("staff/link.jinja", member=member, errors=errors or {})
    return _private(make_response(page, 422 if errors else 200))


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def come_in(error: DomainError) -> AnyResponse:
    """Answer somebody whose session ended: a page asked for comes after the sign-in, a form sent is kept and sent again on one click."""
    if request.method in ("GET", "HEAD"):
        wanted = request.full_path if request.query_string else request.path
        return redirect(url_for("door.sign_in_page", next=wanted if wanted != "/staff/" else None))
    try:
        guards.check_same_site()
    except CsrfRefused:
        # Another site's form is neither kept nor led on to.
        return _form("", error, status=401)
    return _form(request.path, error, status=401, kept=kept_fields())


def _form(wanted: str, refused: DomainError | None = None, *, status: int = 0, kept: str = "") -> Response:
    wait = refused.wait_seconds if isinstance(refused, TriedTooOften) else 0
    kept = kept or request.form.get("kept", "")
    page = render_template(
        "staff/sign_in.jinja", email=request.form.get("email", "").strip() if not status else "",
        refused=isinstance(refused, SignInRefused) and not status, wait=-(-wait // 60), next=local_path(wanted), kept=kept,
    )  # fmt: skip
    response = make_response(page, status or (429 if wait else 401 if refused else 200))
    if wait:
        response.headers["Retry-After"] = str(wait)
    return _private(response)


def _second(ticket: str, refused: SignInRefused | None = None) -> Response:
    page = render_template(
        "staff/second_factor.jinja", ticket=ticket, email=request.form.get("email", "").strip(), refused=refused is not None,
        next=local_path(request.form.get("next", "")), kept=request.form.get("kept", ""),
    )  # fmt: skip
    return _private(make_response(page, 401 if refused else 200))


def _which(accounts: Sequence[Account]) -> Response:
    """One password for several clinics: which one?"""
    tickets = [(one.clinic, _ticket(CLINIC).dumps(_named(one))) for one in accounts]
    page = render_template(
        "staff/which.jinja", tickets=tickets, email=request.form.get("email", "").strip(),
        next=local_path(request.form.get("next", "")), kept=request.form.get("kept", ""),
    )  # fmt: skip
    return _private(make_response(page))


def _let_in(cookie: str, account: Account) -> AnyResponse:
    """Set the session's cookie and lead on: to the page wanted, or to what was typed before the session ended."""
    desk, now = house().desk, house().clock()
    before = request.cookies.get(staff_cookie(), "")
    if known := signed_in(before, desk=desk, now=now):
        sign_out(before, scope=known[0], desk=desk, now=now)
    wanted, found = local_path(request.form.get("next", "")), signed_in(cookie, desk=desk, now=now)
    fields = typed_before(found[1].csrf) if found else ()
    response: AnyResponse = redirect(wanted or url_for("staff.schedule"), 303)
    if fields and wanted and found:
        response = resume(wanted, fields, found[1].csrf)
    secure = house().settings.secure_cookies
    response.set_cookie(staff_cookie(), cookie, path="/", httponly=True, samesite="Lax", secure=secure)
    remember(response, account.key)
    return response


def _ticket(step: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(list(house().settings.keys.session), salt=f"okienko.{step}.v2")


def _named(account: Account) -> list[str]:
    """A new password, a switched-off factor and a code taken meanwhile end the ticket, too."""
    state = f"{account.password_hash}|{account.totp_nonce}|{account.totp_step}"
    return [account.clinic_id, account.id, sha256(state.encode()).hexdigest()[:16]]


def _account(ticket: str, step: str) -> Account:
    try:
        clinic_id, staff_id, state = _ticket(step).loads(ticket, max_age=TICKET_SECONDS)
    except (BadData, ValueError, TypeError):
        raise SignInRefused from None
    account = account_of(clinic_id, staff_id, desk=house().desk)
    if _named(account)[2] != state:
        raise SignInRefused
    return account


def _alive(ticket: str) -> bool:
    try:
        _account(ticket, CODE)
    except SignInRefused:
        return False
    return True
