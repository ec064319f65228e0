"""The audit trail on screen: who did or read what, the newest first."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, make_response, render_template, request, url_for

from okienko_server.domain.roles import Right
from okienko_server.operations.audit import PAGE, read_audit
from okienko_server.storage.audit import Linked
from okienko_server.texts import load
from okienko_server.web.guards import scope
from okienko_server.web.house import house
from okienko_server.web.pages.present import when_in
from okienko_server.web.policy import Policy, policy

trail = Blueprint("trail", __name__, url_prefix="/staff")
MAX_NUMBER = 2**62


@dataclass(frozen=True, slots=True)
class Line:
    """One act in words."""

    number: int
    when: str
    who: str
    what: str
    object: str


@trail.get("/audit")
@policy(Policy.STAFF, Right.READ_AUDIT)
def page() -> Response:
    """A hundred acts, older ones on the next page."""
    text = request.args.get("before", "")
    before = min(int(text), MAX_NUMBER) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    found = read_audit(before, scope=scope(), desk=house().desk, now=house().clock())
    older = url_for("trail.page", before=found[-1].entry.number) if len(found) == PAGE else ""
    return make_response(render_template("staff/trail.jinja", lines=_lines(found), older=older, first=not before))


def _lines(found: list[Linked]) -> list[Line]:
    t, desk, where = load(), house().desk, scope()
    offer = desk.database.read(lambda connection: desk.current_offer(connection, where))
    when = when_in(offer.clinic.zone)
    return [
        Line(
            one.entry.number,
            f"{when.dated(one.entry.at)}, {when.time(one.entry.at)}",
            one.who or t("audit.house"),
            t(f"audit.act.{one.entry.act}"),
            f"{t(f'audit.object.{one.entry.object_kind}')} {one.entry.object_id}".strip(),
        )
        for one in found
    ]
