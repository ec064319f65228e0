"""Refusals become answers: a page in Polish where a person looks, problem+json where a program does; never a stack trace."""

from __future__ import annotations

import logging

from flask import Flask, Response, g, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from okienko_server.domain.errors import ClinicPaused, DomainError
from okienko_server.problems import status_of
from okienko_server.texts import load as sentences
from okienko_server.web.api.problem_json import problem_response
from okienko_server.web.guards import FormOutlived, OperatorNeeded, SignInNeeded
from okienko_server.web.headers import widget_document
from okienko_server.web.pages.present import paused_view
from okienko_server.web.pages.staff.chrome import on_staff_page
from okienko_server.web.pages.staff.kept import outlived
from okienko_server.web.pages.staff.sign_in import come_in
from okienko_widget import load, render
from okienko_widget.views import MessageView

log = logging.getLogger("okienko.web")
_HTTP_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 400: "bad_request"}


def register(app: Flask) -> None:
    """Hang the handlers on the app."""
    app.register_error_handler(DomainError, _refused)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _broken)


def _refused(error: DomainError) -> AnyResponse:
    if isinstance(error, SignInNeeded) and not _wants_json():
        return come_in(error)
    if isinstance(error, OperatorNeeded):
        return redirect(url_for("operator_door.page"), 303)
    if isinstance(error, FormOutlived):
        return outlived()
    return _answer(error.code, status_of(error), error)


def _http(error: HTTPException) -> AnyResponse:
    if error.code is not None and 300 <= error.code < 400:
        return error.get_response()
    code = _HTTP_CODES.get(error.code or 500, "bad_request")
    response = _answer(code, error.code or 500, None)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _broken(error: Exception) -> AnyResponse:
    # The kind and place of a fault may be logged; its message may carry what a patient typed.
    trace, place = error.__traceback__, "?"
    while trace is not None:
        place, trace = f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}", trace.tb_next
    log.error("unexpected %s at %s", type(error).__name__, place)
    return _answer("server_error", 500, None)


def _way_on(code: str, pinned: bool) -> str:
    """Return where the page leads: a patient to the portal, a pinned frame to its clinic's page at most."""
    if code in ("token_revoked", "origin_refused"):
        return getattr(g, "public_path", "")
    return "" if pinned else "/"


def _wants_json() -> bool:
    return request.path.startswith("/api/")


def _answer(code: str, status: int, error: DomainError | None) -> Response:
    if _wants_json():
        return problem_response(code, status, error)
    if on_staff_page():
        told = code if f"refusal.{code}.title" in sentences() else "bad_request"
        return make_response(render_template("staff/refusal.jinja", code=told), status)
    key = code if f"message.{code}.title" in load() else "bad_request"
    framed = request.path.startswith(("/e/", "/w/"))
    session = getattr(g, "widget_session", None)
    pinned = (session is not None and session.kind == "clinic") or request.path.startswith("/e/")
    view = MessageView(key, layout="frame" if pinned else "portal", link=_way_on(code, pinned))
    if isinstance(error, ClinicPaused):
        view = paused_view(view, error)
    response = widget_document(make_response(render(view), status))
    if framed:
        # A dead snippet shows a card inside whatever page pasted it; there is nothing on it to be clickjacked.
        response.headers["Content-Security-Policy"] = response.headers["Content-Security-Policy"].replace(
            "frame-ancestors 'none'", "frame-ancestors http: https:"
        )
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        response.headers["Cross-Origin-Embedder-Policy"] = "credentialless"
    return response
