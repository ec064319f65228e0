"""Is the process alive, and can it serve: for load balancers."""

from __future__ import annotations

from flask import Blueprint

from okienko_server.storage.migrations import is_current
from okienko_server.web.house import house
from okienko_server.web.policy import Policy, policy

health = Blueprint("health", __name__)


@health.get("/health")
@policy(Policy.PUBLIC)
def alive() -> tuple[dict[str, str], int]:
    """The process answers."""
    return {"status": "ok"}, 200


@health.get("/ready")
@policy(Policy.PUBLIC)
def ready() -> tuple[dict[str, str], int]:
    """The database answers and stands at the newest schema."""
    try:
        current = is_current(house().desk.database)
    except OSError:
        current = False
    return ({"status": "ok"}, 200) if current else ({"status": "not ready"}, 503)
