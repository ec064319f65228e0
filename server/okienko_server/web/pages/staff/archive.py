"""The archive: reservations that came to nothing – declined, cancelled, never answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, make_response, render_template, request, url_for

from okienko_server.domain.appointment import Appointment, Status
from okienko_server.domain.roles import Right
from okienko_server.operations.schedule import ARCHIVE_PAGE, see_archive
from okienko_server.texts import load
from okienko_server.web.guards import scope
from okienko_server.web.house import house
from okienko_server.web.pages.staff.card import card_of
from okienko_server.web.policy import Policy, policy

archive = Blueprint("archive", __name__, url_prefix="/staff")


@archive.get("/archive")
@policy(Policy.STAFF, Right.SEE_SCHEDULE)
def page() -> Response:
    """Fifty of them, the latest first; `before` (Unix seconds) and `after` (an id) lead further back."""
    now = house().clock()
    farthest = now + timedelta(days=3 * 366)
    try:
        before = min(datetime.fromtimestamp(int(request.args.get("before", "")), UTC), farthest)
    except (ValueError, OverflowError, OSError):
        before = farthest
    offer, found = see_archive(
        before, request.args.get("after", "").replace("\0", "")[:40], scope=scope(), desk=house().desk
    )
    older = ""
    if len(found) == ARCHIVE_PAGE:
        older = url_for("archive.page", before=int(found[-1].starts_at.timestamp()), after=found[-1].id)
    rows = [(card_of(one, offer, now), _why(one), one.decline_reason) for one in found]
    return make_response(render_template("staff/archive.jinja", rows=rows, older=older))


def _why(appointment: Appointment) -> str:
    if appointment.status is Status.EXPIRED:
        return load()("archive.unanswered")
    return load()("archive.cancelled")
