"""One's own account: password, signed-in browsers, second factor."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from io import BytesIO

import segno
from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from itsdangerous import BadData, URLSafeTimedSerializer
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from okienko_server.domain.errors import DomainError, FieldRefused, TriedTooOften
from okienko_server.domain.roles import Right
from okienko_server.operations.accounts import (
    change_password,
    end_sessions,
    own_account,
    own_secret,
    switch_off,
    switch_on,
)
from okienko_server.operations.second_factor import address_of
from okienko_server.operations.sign_in import session_key
from okienko_server.web.guards import scope, staff_cookie
from okienko_server.web.house import house
from okienko_server.web.pages.present import when_in
from okienko_server.web.policy import Policy, policy

account = Blueprint("account", __name__, url_prefix="/staff/account")
SETUP_SECONDS = 900


@account.get("")
@policy(Policy.STAFF, Right.OWN_ACCOUNT)
def page() -> Response:
    """Everything of one's own."""
    return _shown({})


@account.post("/password")
@policy(Policy.STAFF, Right.OWN_ACCOUNT)
def password() -> AnyResponse:
    """A new password; everywhere else one has to sign in again."""
    form = request.form
    try:
        change_password(
            form.get("old", ""), form.get("password", ""), form.get("again", ""), _key(), scope=scope(), desk=house().desk,
            now=house().clock(),
        )  # fmt: skip
    except (FieldRefused, TriedTooOften) as refused:
        return _refused(refused, "old")
    return redirect(url_for("account.page", did="password"), 303)


@account.post("/sessions")
@policy(Policy.STAFF, Right.OWN_ACCOUNT)
def sessions() -> AnyResponse:
    """One browser, or all others, are signed out."""
    one = request.form.get("session", "")
    end_sessions(_key(), one=one[:64], scope=scope(), desk=house().desk, now=house().clock())
    return redirect(url_for("account.page", did="sessions"), 303)


@account.post("/second-factor")
@policy(Policy.STAFF, Right.OWN_ACCOUNT)
def begin() -> Response:
    """The QR code; nothing is switched on before the app's first code proves it."""
    return _shown({}, setup=str(_setup().dumps(secrets.token_hex(16))))


@account.post("/second-factor/on")
@policy(Policy.STAFF, Right.OWN_ACCOUNT)
def on() -> AnyResponse:
    """The second factor is on from the next sign-in."""
    form, setup = request.form, request.form.get("setup", "")
    try:
        nonce = _nonce(setup)
        switch_on(
            nonce, form.get("totp_password", ""), form.get("code", ""), _key(), scope=scope(), desk=house().desk, now=house().clock()
        )  # fmt: skip
    except (FieldRefused, TriedTooOften) as refused:
        return _refused(refused, "totp_password", setup)
    return redirect(url_for("account.page", did="totp_on"), 303)


@account.post("/second-factor/off")
@policy(Policy.STAFF, Right.OWN_ACCOUNT)
def off() -> AnyResponse:
    """The second factor is off."""
    try:
        switch_off(request.form.get("totp_password", ""), _key(), scope=scope(), desk=house().desk, now=house().clock())
    except (FieldRefused, TriedTooOften) as refused:
        return _refused(refused, "totp_password")
    return redirect(url_for("account.page", did="totp_off"), 303)


def _key() -> str:
    return session_key(request.cookies.get(staff_cookie(), "").partition(".")[2])


def _setup() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        list(house().settings.keys.session), salt=f"okienko.totp-setup.v1|{scope().clinic_id}|{scope().staff_id}"
    )


def _nonce(setup: str) -> str:
    try:
        return str(_setup().loads(setup, max_age=SETUP_SECONDS))
    except BadData:
        raise FieldRefused("totp_wrong", field="code") from None


def _refused(refused: DomainError, field: str, setup: str = "") -> Response:
    named = refused.field if isinstance(refused, FieldRefused) else field
    return _shown({named: refused.code}, 429 if isinstance(refused, TriedTooOften) else 422, setup)


def _shown(errors: Mapping[str, str], status: int = 200, setup: str = "") -> Response:
    desk, where = house().desk, scope()
    member, browsers = own_account(scope=where, desk=desk)
    offer = desk.database.read(lambda connection: desk.current_offer(connection, where))
    when, mine = when_in(offer.clinic.zone), _key()
    rows = [(one, f"{when.dated(one.seen_at)}, {when.time(one.seen_at)}", one.key == mine) for one in browsers]
    secret = qr = ""
    if setup:
        try:
            secret = own_secret(_nonce(setup), scope=where, desk=desk)
            qr = qr_of(address_of(secret, member.email))
        except FieldRefused:
            setup = ""
    did = request.args.get("did", "")
    page = render_template(
        "staff/account.jinja", member=member, rows=rows, errors=errors, setup=setup, secret=secret, qr=qr,
        did=did if did in ("password", "sessions", "totp_on", "totp_off") else "",
    )  # fmt: skip
    return make_response(page, status)


def qr_of(text: str) -> Markup:
    """Return a QR code as inline SVG, dark on white whatever the page's colours: a camera has to read it."""
    drawn = BytesIO()
    segno.make(text, error="m").save(
        drawn, kind="svg", xmldecl=False, svgns=True, border=3, scale=5, light="#fff", dark="#000"
    )
    return Markup(drawn.getvalue().decode())  # noqa: S704 - drawn here, from a secret of ours and a checked address
