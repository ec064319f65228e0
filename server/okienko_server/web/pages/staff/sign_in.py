"""The door: sign-in with its second step, the one-time link, the way out; and nothing typed is lost when a session ended."""

from __future__ import annotations

import json
import posixpath
import secrets
from hashlib import sha256
from urllib.parse import unquote, urlsplit

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from itsdangerous import BadData, URLSafeSerializer, URLSafeTimedSerializer
from werkzeug.wrappers import Response as AnyResponse

from okienko_server.domain.errors import DomainError, FieldRefused, NotFound, SignInRefused, TriedTooOften
from okienko_server.domain.roles import Right
from okienko_server.domain.throttle import network_of
from okienko_server.operations.accounts import link_owner, take_link
from okienko_server.operations.sign_in import From, account_of, second_step, sign_in, sign_out, signed_in
from okienko_server.storage.directory import Account
from okienko_server.web import guards
from okienko_server.web.guards import scope, staff_cookie
from okienko_server.web.house import house
from okienko_server.web.policy import Policy, large_form, policy
from okienko_server.web.references import plain_id

door = Blueprint("door", __name__, url_prefix="/staff")
TICKET_SECONDS = 300
DEVICE_SECONDS = 400 * 24 * 3600
DEVICE_ACCOUNTS = 8
"""A shared computer at the counter remembers that many addresses."""
NEVER_KEPT = ("csrf", "password", "again", "old", "totp_password", "code", "kept", "next")
MAX_KEPT = 400_000
_BROWSERS = ("Edg", "OPR", "Firefox", "Chrome", "Safari")
_SYSTEMS = ("Windows", "Android", "iPhone", "iPad", "Mac OS", "Linux")
_NAMES = {"Edg": "Edge", "OPR": "Opera", "Mac OS": "macOS"}


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
        entered = sign_in(email, request.form.get("password", ""), _from(email), desk=house().desk, now=house().clock())
    except (SignInRefused, TriedTooOften) as refused:
        return _form(request.form.get("next", ""), refused)
    if not entered.cookie:
        return _second(_ticket().dumps(_named(entered.account)))
    return _let_in(entered.cookie, email)


@door.post("/second-factor")
@policy(Policy.PUBLIC)
@large_form
def second() -> AnyResponse:
    """The code of the second factor; its ticket says whose password was right a moment ago."""
    guards.check_same_site()
    ticket = request.form.get("ticket", "")
    try:
        account = _account(ticket)
        cookie = second_step(
            account, request.form.get("code", ""), sha256(ticket.encode()).hexdigest(), _from(""), desk=house().desk,
            now=house().clock(),
        )  # fmt: skip
    except TriedTooOften as refused:
        return _form(request.form.get("next", ""), refused)
    except SignInRefused as refused:
        return _second(ticket, refused) if _alive(ticket) else _form(request.form.get("next", ""), refused)
    return _let_in(cookie, request.form.get("email", ""))


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
    return _form(request.path, error, status=401, kept=_kept_fields())


def _kept_fields() -> str:
    pairs = [(name, value) for name, value in request.form.items(multi=True) if name not in NEVER_KEPT]
    text = json.dumps(pairs, ensure_ascii=False)
    return text if len(text) < MAX_KEPT else ""


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


def _let_in(cookie: str, email: str) -> AnyResponse:
    """Set the session's cookie and lead on: to the page wanted, or to what was typed before the session ended."""
    desk, now = house().desk, house().clock()
    before = request.cookies.get(staff_cookie(), "")
    if known := signed_in(before, desk=desk, now=now):
        sign_out(before, scope=known[0], desk=desk, now=now)
    wanted, fields = local_path(request.form.get("next", "")), _typed_before()
    response: AnyResponse = redirect(wanted or url_for("staff.schedule"), 303)
    found = signed_in(cookie, desk=desk, now=now)
    if fields and wanted and found:
        page = render_template("staff/resume.jinja", action=wanted, fields=fields, token=found[1].csrf)
        response = _private(make_response(page))
    secure = house().settings.secure_cookies
    response.set_cookie(staff_cookie(), cookie, path="/", httponly=True, samesite="Lax", secure=secure)
    response.set_cookie(
        _device_cookie(), _remembered(email), path="/", httponly=True, samesite="Lax", secure=secure, max_age=DEVICE_SECONDS
    )  # fmt: skip
    return response


def _typed_before() -> list[tuple[str, str]]:
    try:
        pairs = json.loads(request.form.get("kept", "") or "[]")
        return [(str(name), str(value)) for name, value in pairs if name not in NEVER_KEPT]
    except (ValueError, TypeError, RecursionError):
        return []


def local_path(text: str) -> str:
    """Return a path of the staff's own pages as it is, "" for anything that could lead elsewhere."""
    plain = unquote(unquote(text))
    try:
        parts = urlsplit(plain)
    except ValueError:
        return ""
    clean = posixpath.normpath(parts.path) if parts.path else ""
    safe = plain.isprintable() and plain.isascii() and "\\" not in plain and "//" not in plain
    inside = clean == "/staff" or clean.startswith("/staff/")
    return text if safe and inside and not parts.scheme and not parts.netloc and ".." not in plain else ""


def _ticket() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(list(house().settings.keys.session), salt="okienko.second-factor.v1")


def _named(account: Account) -> list[str]:
    """A new password or a switched-off factor ends the ticket, too."""
    state = sha256(f"{account.password_hash}|{account.totp_nonce}".encode()).hexdigest()[:16]
    return [account.clinic_id, account.id, state, secrets.token_urlsafe(6)]


def _account(ticket: str) -> Account:
    try:
        clinic_id, staff_id, state, _ = _ticket().loads(ticket, max_age=TICKET_SECONDS)
    except (BadData, ValueError, TypeError):
        raise SignInRefused from None
    account = account_of(clinic_id, staff_id, desk=house().desk)
    if _named(account)[2] != state:
        raise SignInRefused
    return account


def _alive(ticket: str) -> bool:
    try:
        _account(ticket)
    except SignInRefused:
        return False
    return True


def _device_cookie() -> str:
    return "__Host-okienko_device" if house().settings.secure_cookies else "okienko_device"


def _devices() -> URLSafeSerializer:
    return URLSafeSerializer(list(house().settings.keys.session), salt="okienko.device.v1")


def _known() -> tuple[str, list[str]]:
    try:
        device, addresses = _devices().loads(request.cookies.get(_device_cookie(), ""))
        return str(device), [str(one) for one in addresses]
    except (BadData, ValueError, TypeError):
        return "", []


def _address_mark(email: str, device: str) -> str:
    return sha256(f"{device}|{email.strip().lower()}".encode()).hexdigest()[:16]


def _remembered(email: str) -> str:
    device, addresses = _known()
    device = device or secrets.token_urlsafe(16)
    mark = _address_mark(email, device)
    return str(_devices().dumps([device, [mark, *(one for one in addresses if one != mark)][:DEVICE_ACCOUNTS]]))


def _from(email: str) -> From:
    device, addresses = _known()
    known = device if device and _address_mark(email, device) in addresses else ""
    return From(network_of(request.remote_addr or ""), browser_name(request.headers.get("User-Agent", "")), known)


def browser_name(agent: str) -> str:
    """Return "Firefox, Windows" for what a browser calls itself; what it calls itself in full stays unkept."""
    browser = next((name for name in _BROWSERS if f"{name}/" in agent), "")
    system = next((name for name in _SYSTEMS if name in agent), "")
    return ", ".join(_NAMES.get(part, part) for part in (browser, system) if part)
