"""The clinic's rules of online registration as a form of choices."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from okienko_server.domain.errors import EditConflict, FieldsRefused
from okienko_server.domain.roles import Right
from okienko_server.operations.clinic_rules import CHOICES, DAY, Rules, rules_of, see_rules, set_rules
from okienko_server.texts import load
from okienko_server.web.guards import scope
from okienko_server.web.house import house
from okienko_server.web.policy import Policy, policy
from okienko_server.web.references import strict_number, whole_number

rules = Blueprint("rules", __name__, url_prefix="/staff/settings/rules")


@rules.get("")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def page() -> Response:
    """The rules as they are."""
    return _shown()


@rules.post("")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def change() -> AnyResponse:
    """The rules are written; free times follow at once."""
    asked = Rules(
        **{name: strict_number(request.form.get(name, "")) for name in CHOICES},
        open_on_holidays="open_on_holidays" in request.form,
        revision=whole_number(request.form.get("revision", "")),
    )
    try:
        set_rules(asked, scope=scope(), desk=house().desk, now=house().clock())
    except FieldsRefused as refused:
        return _shown(asked, refused.errors, 422)
    except EditConflict:
        return _shown(asked, {"conflict": EditConflict.code}, 409)
    return redirect(url_for("rules.page", did="saved"), 303)


def _shown(asked: Rules | None = None, errors: Mapping[str, str] | None = None, status: int = 200) -> Response:
    offer = see_rules(scope=scope(), desk=house().desk)
    kept = rules_of(offer)
    shown = asked or kept
    options = {name: _options(name, kept.numbers()[name]) for name in CHOICES}
    revision = offer.revision if errors and "conflict" in errors else shown.revision
    page = render_template(
        "staff/rules.jinja", rules=shown, options=options, errors=errors or {}, revision=revision,
        saved=request.args.get("did") == "saved",
    )  # fmt: skip
    return make_response(page, status)


def _options(name: str, kept: int) -> list[tuple[int, str]]:
    return [(value, _words(name, value)) for value in sorted({*CHOICES[name], kept})]


def _words(name: str, value: int) -> str:
    t = load()
    if name == "horizon_days":
        return t("rules.span_year") if value == 365 else t("rules.span_days", n=value)
    if not value:
        return t("rules.any_time") if name == "cancel_minutes" else t("rules.no_notice")
    if name == "answer_minutes":
        return t("rules.within_day") if value == DAY else t.plural("rules.within", value // 60)
    span = _span(value)
    return t("rules.before", span=span) if name in ("notice_minutes", "cancel_minutes") else span


def _span(minutes: int) -> str:
    """Return "30 minut", "2 godziny", "dzień", "7 dni"."""
    t = load()
    if minutes % DAY == 0:
        return t("rules.span_day") if minutes == DAY else t("rules.span_days", n=minutes // DAY)
    if minutes % 60 == 0:
        return t.plural("rules.hours", minutes // 60)
    return t.plural("rules.minutes", minutes)
