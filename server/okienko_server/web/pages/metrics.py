"""Metrics for whoever watches the server: counts in Prometheus' text format 0.0.4, behind a token, with no name of anybody."""

from __future__ import annotations

from collections.abc import Iterator
from hmac import compare_digest

from flask import Blueprint, Response, request

from okienko_server.domain.errors import NotFound
from okienko_server.operations.house_state import see_state
from okienko_server.web.house import house
from okienko_server.web.policy import Policy, policy

metrics = Blueprint("metrics", __name__)


@metrics.get("/metrics")
@policy(Policy.PUBLIC)
def page() -> Response:
    """The counts; 404 for whoever does not send `Authorization: Bearer` with OKIENKO_METRICS_TOKEN, or where none is set."""
    token, sent = house().settings.metrics_token, request.headers.get("Authorization", "")
    if not token or not compare_digest(sent.encode(), f"Bearer {token}".encode()):
        raise NotFound
    response = Response("\n".join(_lines()) + "\n", mimetype="text/plain")
    response.headers["Content-Type"] = "text/plain; version=0.0.4; charset=utf-8"
    response.headers["Cache-Control"] = "no-store"
    return response


def _lines() -> Iterator[str]:
    found = see_state(desk=house().desk, now=house().clock())
    yield "# HELP okienko_clinics Clinics by the status of their contract."
    yield "# TYPE okienko_clinics gauge"
    yield from (f'okienko_clinics{{status="{status}"}} {count}' for status, count in sorted(found.clinics.items()))
    yield "# HELP okienko_messages_open Messages that have not come to an end, by state."
    yield "# TYPE okienko_messages_open gauge"
    yield from (f'okienko_messages_open{{state="{state}"}} {count}' for state, count in sorted(found.messages.items()))
