"""The demo's telephone: what the inbox gateway received. Exists only in development and demo."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template

from okienko_server.domain.errors import NotFound
from okienko_server.sms.inbox import InboxGateway
from okienko_server.web.house import house
from okienko_server.web.policy import Policy, policy

inbox = Blueprint("inbox", __name__)


@inbox.get("/dev/sms")
@policy(Policy.DEMO)
def messages() -> Response:
    """The newest messages, newest first."""
    gateway = house().gateway
    if not isinstance(gateway, InboxGateway):
        raise NotFound
    response = make_response(render_template("inbox.jinja", messages=gateway.messages()))
    response.headers["Cache-Control"] = "no-store"
    return response


@inbox.get("/dev/sms.json")
@policy(Policy.DEMO)
def messages_json() -> dict[str, list[dict[str, str]]]:
    """The same for programs: tests and the demo's own page."""
    gateway = house().gateway
    if not isinstance(gateway, InboxGateway):
        raise NotFound
    return {
        "messages": [
            {"id": one.id, "phone": one.phone, "body": one.body, "at": one.at.isoformat()} for one in gateway.messages()
        ]
    }
