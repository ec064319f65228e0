"""What the clinic's messages may cost and whom they reach: notifications and their pool, the day's budget, countries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.price import as_typed, grosze_of
from okienko_server.domain.roles import Right
from okienko_server.operations.sms_settings import HIGHEST_BUDGET, SmsSettings, set_sms
from okienko_server.operations.statement import see_month
from okienko_server.texts import load
from okienko_server.web.guards import scope
from okienko_server.web.house import house
from okienko_server.web.pages.present import when_in
from okienko_server.web.pages.staff.ledger_words import facts_of
from okienko_server.web.pages.staff.reminders import reminder_words
from okienko_server.web.pages.staff.tariff_words import coming_words
from okienko_server.web.policy import Policy, policy

sms_wishes = Blueprint("sms_wishes", __name__, url_prefix="/staff/settings/sms")
ABROAD = ("UA", "DE", "CZ", "SK", "LT", "GB")
"""Countries offered beside Poland; others the clinic has already stay choosable."""
A_BOOKING = 2
"""Messages a reservation costs: the code and the confirmation."""


@dataclass(frozen=True, slots=True)
class WishesPage:
    """Everything the template shows; `budget` is the day's as typed, in złoty."""

    price: str
    coming: str
    facts: tuple[tuple[str, str], ...]
    notifications: bool
    pool: str
    no_pool: str
    budget: str
    budget_words: str
    countries: tuple[tuple[str, str, bool], ...]
    reminder: str
    errors: Mapping[str, str]
    saved: bool


@sms_wishes.get("")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def page() -> Response:
    """The wishes as they are, the prices first."""
    return _shown()


@sms_wishes.post("")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def change() -> AnyResponse:
    """The wishes are written; a pool once granted for the month stays."""
    errors: dict[str, str] = {}
    budget = 0
    try:
        budget = grosze_of(request.form.get("budget", ""), HIGHEST_BUDGET, field="budget")
    except FieldRefused as refused:
        errors[refused.field] = refused.code
    wanted = request.form.get("notifications", "")
    if wanted not in ("yes", "no"):
        errors["notifications"] = "choice_missing"
    if errors:
        return _shown(errors, 422)
    abroad = [one for one in request.form.getlist("country") if one != "PL"]
    asked = SmsSettings(notifications=wanted == "yes", countries=("PL", *abroad), day_budget=budget)
    try:
        set_sms(asked, scope=scope(), desk=house().desk, now=house().clock())
    except FieldRefused as refused:
        return _shown({refused.field: refused.code}, 422)
    return redirect(url_for("sms_wishes.page", did="saved"), 303)


def _shown(errors: Mapping[str, str] | None = None, status: int = 200) -> Response:
    """Show the form; after an error with everything as it was typed."""
    t, form, now = load(), request.form if errors else None, house().clock()
    month = see_month("", scope=scope(), desk=house().desk, now=now)
    clinic, price, tariff = month.offer.clinic, when_in(month.offer.clinic.zone).price, month.tariff
    booking = A_BOOKING * tariff.budgeted
    chosen = set(form.getlist("country")) | {"PL"} if form else set(clinic.sms_countries)
    listed = dict.fromkeys(("PL", *ABROAD, *clinic.sms_countries))
    paying = form.get("notifications") == "yes" if form else clinic.sms_notifications
    shown = WishesPage(
        price(tariff.price), coming_words(month.tariffs, clinic.zone, now), facts_of(month), paying,
        t("sms_wishes.pool_each", pool=t.plural("tariff.messages", tariff.pool_messages)),
        t("sms_wishes.no_pool", price=price(tariff.price)),
        form.get("budget", "") if form else as_typed(clinic.sms_day_budget),
        t("sms_wishes.budget_words", n=clinic.sms_day_budget // booking, price=price(booking)),
        tuple((code, _country(code), code in chosen) for code in listed), reminder_words(clinic), errors or {},
        request.args.get("did") == "saved",
    )  # fmt: skip
    return make_response(render_template("staff/sms_wishes.jinja", page=shown), status)


def _country(code: str) -> str:
    t, key = load(), f"sms_wishes.country.{code}"
    return t(key) if key in t else code
