"""A pause of online registration: what patients read meanwhile, whom they call, when it is over."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from okienko_server.domain.errors import EditConflict, FieldsRefused
from okienko_server.domain.phone import spoken
from okienko_server.domain.roles import Right
from okienko_server.operations.join import PauseTyped, end_pause, pause, see_joining
from okienko_server.web.guards import scope
from okienko_server.web.house import house
from okienko_server.web.pages.present import when_in
from okienko_server.web.policy import Policy, policy
from okienko_server.web.references import whole_number
from okienko_widget import load as widget_texts

pauses = Blueprint("pauses", __name__, url_prefix="/staff/settings/pause")
_FIELDS = ("message", "phone", "back_on")


@pauses.get("")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def page() -> Response:
    """The form, with the present pause filled in."""
    return _shown()


@pauses.post("")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def begin() -> AnyResponse:
    """Patients are asked to wait from now on, or read other words."""
    typed = {name: request.form.get(name, "") for name in _FIELDS}
    revision = whole_number(request.form.get("revision", ""))
    try:
        pause(PauseTyped(**typed), revision, scope=scope(), desk=house().desk, now=house().clock())
    except FieldsRefused as refused:
        return _shown(typed, refused.errors, 422, revision)
    except EditConflict:
        return _shown(typed, {"conflict": EditConflict.code}, 409)
    return redirect(url_for("pauses.page", did="saved"), 303)


@pauses.post("/end")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def end() -> AnyResponse:
    """Patients come again."""
    end_pause(scope=scope(), desk=house().desk, now=house().clock())
    return redirect(url_for("settings.page", did="saved"), 303)


def _shown(
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
    revision: int | None = None,
) -> Response:
    offer = see_joining(scope=scope(), desk=house().desk, now=house().clock()).offer
    clinic, words = offer.clinic, widget_texts()
    kept = clinic.paused(house().clock())
    if typed is None:
        back_on = kept.back_on.isoformat() if kept and kept.back_on else ""
        typed = {"message": kept.message, "phone": spoken(kept.phone), "back_on": back_on} if kept else {}
    looks: tuple[str, ...] = ()
    if kept:
        back = when_in(clinic.zone).day(kept.back_on) if kept.back_on else ""
        looks = (
            words("message.clinic_paused.title"),
            kept.message or words("message.clinic_paused.body"),
            words("message.clinic_paused.back", day=back) if back else "",
            words("message.call", phone=spoken(kept.phone or clinic.phone)),
        )
    shown = render_template(
        "staff/pause.jinja", typed=dict.fromkeys(_FIELDS, "") | dict(typed), errors=errors or {}, looks=looks, paused=bool(kept),
        revision=offer.revision if revision is None else revision, saved=request.args.get("did") == "saved",
    )  # fmt: skip
    return make_response(shown, status)
