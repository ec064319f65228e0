"""The operators' door: one form for address, password and code; the invitation; the way out."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from okienko_server.domain.errors import DomainError, FieldRefused, NotFound, SignInRefused, TriedTooOften
from okienko_server.domain.throttle import network_of
from okienko_server.operations.operators import (
    invited_operator,
    operator_sign_in,
    operator_sign_out,
    operator_signed_in,
    take_invitation,
)
from okienko_server.operations.second_factor import address_of
from okienko_server.web import guards
from okienko_server.web.guards import operator_cookie
from okienko_server.web.house import house
from okienko_server.web.pages.staff.account import qr_of
from okienko_server.web.policy import Policy, policy

operator_door = Blueprint("operator_door", __name__, url_prefix="/operator")


@operator_door.get("/sign-in")
@policy(Policy.PUBLIC)
def page() -> AnyResponse:
    """The form, or the clinics for somebody who is in already."""
    if operator_signed_in(request.cookies.get(operator_cookie(), ""), desk=house().desk, now=house().clock()):
        return redirect(url_for("operator.clinics"), 303)
    return _form()


@operator_door.post("/sign-in")
@policy(Policy.PUBLIC)
def enter() -> AnyResponse:
    """A new session."""
    guards.check_same_site()
    form, network = request.form, network_of(request.remote_addr or "")
    try:
        cookie = operator_sign_in(
            form.get("email", ""), form.get("password", ""), form.get("code", ""), network, desk=house().desk, now=house().clock(),
        )  # fmt: skip
    except (SignInRefused, TriedTooOften) as refused:
        return _form(refused)
    operator_sign_out(request.cookies.get(operator_cookie(), ""), desk=house().desk)
    response = redirect(url_for("operator.clinics"), 303)
    secure = house().settings.secure_cookies
    response.set_cookie(operator_cookie(), cookie, path="/", httponly=True, samesite="Strict", secure=secure)
    return response


@operator_door.post("/sign-out")
@policy(Policy.OPERATOR)
def leave() -> AnyResponse:
    """The session ends on the server and in the browser."""
    operator_sign_out(request.cookies.get(operator_cookie(), ""), desk=house().desk)
    response = redirect(url_for("operator_door.page"), 303)
    response.delete_cookie(
        operator_cookie(), path="/", httponly=True, samesite="Strict", secure=house().settings.secure_cookies
    )
    return response


@operator_door.get("/link/<token>")
@policy(Policy.PUBLIC)
def link(token: str) -> Response:
    """The page of an invitation. Looking changes nothing."""
    return _link_page(token)


@operator_door.post("/link/<token>")
@policy(Policy.PUBLIC)
def link_taken(token: str) -> AnyResponse:
    """Password and second factor are set, the link is used up."""
    guards.check_same_site()
    form = request.form
    try:
        take_invitation(
            token, form.get("password", ""), form.get("again", ""), form.get("code", ""), desk=house().desk, now=house().clock(),
        )  # fmt: skip
    except FieldRefused as refused:
        return _link_page(token, {refused.field: refused.code})
    except NotFound:
        return _link_page(token)
    return redirect(url_for("operator_door.page"), 303)


def _link_page(token: str, errors: Mapping[str, str] | None = None) -> Response:
    try:
        found, secret = invited_operator(token, desk=house().desk, now=house().clock())
    except NotFound:
        return _private(make_response(render_template("operator/link_over.jinja"), 404))
    page = render_template(
        "operator/link.jinja",
        found=found,
        secret=secret,
        qr=qr_of(address_of(secret, found.email)),
        errors=errors or {},
    )
    return _private(make_response(page, 422 if errors else 200))


def _form(refused: DomainError | None = None) -> Response:
    wait = refused.wait_seconds if isinstance(refused, TriedTooOften) else 0
    page = render_template(
        "operator/sign_in.jinja", email=request.form.get("email", "").strip(), refused=isinstance(refused, SignInRefused),
        wait=-(-wait // 60),
    )  # fmt: skip
    response = make_response(page, 429 if wait else 401 if refused else 200)
    if wait:
        response.headers["Retry-After"] = str(wait)
    return _private(response)


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
