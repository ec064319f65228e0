"""The rehearsal: the whole window on the clinic's own offer, for its own people only, before patients come."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from okienko.tokens import WidgetSession, new_session_id
from okienko_server.domain.roles import Right
from okienko_server.domain.scope import Source
from okienko_server.operations.desk import check_door
from okienko_server.operations.rehearse import clear_rehearsals
from okienko_server.web import guards
from okienko_server.web.house import house
from okienko_server.web.pages.choices import Choices
from okienko_server.web.pages.show import Visit
from okienko_server.web.policy import Policy, policy

rehearsal = Blueprint("rehearsal", __name__, url_prefix="/staff/settings/rehearsal")


@rehearsal.get("")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def begin() -> Response:
    """The first step; what follows is the widget's own pages, in this browser only."""
    now, clinic_id = house().clock(), guards.scope().clinic_id
    offer = house().desk.database.read(lambda connection: house().desk.offer(connection, guards.scope()))
    guards.enter(
        WidgetSession(
            new_session_id(), "clinic", clinic_id, offer.clinic.generation, Source.REHEARSAL.value, issued_at=now
        )
    )
    check_door(offer.clinic, guards.scope(), now)
    return Visit(Choices()).problem()


@rehearsal.post("/clear")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def clear() -> AnyResponse:
    """What was tried out leaves the schedule."""
    clear_rehearsals(scope=guards.scope(), desk=house().desk, now=house().clock())
    return redirect(url_for("settings.page", did="saved"), 303)
