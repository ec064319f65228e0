"""RFC 9457 problem details with our stable codes."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from flask import Response

from okienko_server.domain.errors import (
    ClinicPaused,
    CodeRefused,
    DomainError,
    FieldsRefused,
    HoldExpired,
    ProofNeeded,
    ResendRefused,
    SlotTaken,
)
from okienko_widget import load


def problem_response(code: str, status: int, error: DomainError | None) -> Response:
    """Return the refusal as application/problem+json: `code` is stable, `detail` is the Polish sentence of the page."""
    body: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code}
    if f"error.{code}" in load():
        body["detail"] = load()(f"error.{code}")
    if error is not None:
        body |= _more(error)
    response = Response(json.dumps(body), status, mimetype="application/problem+json")
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, ResendRefused | ProofNeeded) and error.wait_seconds:
        response.headers["Retry-After"] = str(error.wait_seconds)
    return response


def _more(error: DomainError) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if isinstance(error, FieldsRefused):
        more["errors"] = error.errors
    elif error.field:
        more["errors"] = {error.field: error.code}
    if isinstance(error, SlotTaken | HoldExpired):
        more["alternatives"] = [start.isoformat() for start in error.alternatives]
    if isinstance(error, CodeRefused) and error.tries_left is not None:
        more["tries_left"] = error.tries_left
    if isinstance(error, ClinicPaused):
        back_on = error.back_on.isoformat() if error.back_on else None
        more |= {"message": error.message, "phone": error.phone, "back_on": back_on}
    if isinstance(error, ProofNeeded):
        more |= {"challenge": error.challenge, "bits": error.bits}
    return more
