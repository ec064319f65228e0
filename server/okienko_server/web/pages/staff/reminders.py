"""Whether and when the clinic's patients are reminded of their visits; what each choice would cost stands beside it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from okienko_server.domain.clinic import Clinic
from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.money import month_of
from okienko_server.domain.reminder import LEADS
from okienko_server.domain.roles import Right
from okienko_server.domain.tariff import tariff_of
from okienko_server.operations.remind import Cost, reminder_costs
from okienko_server.operations.sms_settings import SmsSettings, set_sms
from okienko_server.operations.sms_wording import REMINDER
from okienko_server.texts import load
from okienko_server.web.guards import scope
from okienko_server.web.house import house
from okienko_server.web.pages.present import when_in
from okienko_server.web.pages.staff.sample_texts import Preview, previews_of
from okienko_server.web.pages.staff.tariff_words import coming_words
from okienko_server.web.policy import Policy, policy

reminders = Blueprint("reminders", __name__, url_prefix="/staff/messages")

NO_CHOICE = -1
"""Nothing chosen must not switch them off."""
_TYPED = {str(minutes): minutes for minutes in LEADS}


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to remind: minutes before a visit, its name, its price."""

    value: int
    words: str
    cost: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class RemindersPage:
    """Everything the template shows."""

    now: str
    choices: tuple[Choice, ...]
    basis: str
    coming: str
    sample: Preview
    saved: bool
    wrong: str


@reminders.get("/reminders")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def page() -> Response:
    """The choices with their prices."""
    return _shown(saved=request.args.get("did") == "saved")


@reminders.post("/reminders")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def change() -> AnyResponse:
    """The choice is written; nothing else of the clinic's settings is touched."""
    asked = SmsSettings(reminder=_TYPED.get(request.form.get("lead", ""), NO_CHOICE))
    try:
        set_sms(asked, scope=scope(), desk=house().desk, now=house().clock())
    except FieldRefused:
        return _shown(wrong=load()("reminders.wrong"))
    return redirect(url_for("reminders.page", did="saved"), 303)


def reminder_words(clinic: Clinic) -> str:
    """Return the sentence that says how a clinic's patients are reminded now."""
    t = load()
    if not clinic.reminder_minutes:
        return t("reminders.now_off")
    return t("reminders.now_on", lead=t(f"reminders.ahead.{clinic.reminder_minutes}"))


def _shown(*, saved: bool = False, wrong: str = "") -> Response:
    t, now = load(), house().clock()
    found = reminder_costs(scope=scope(), desk=house().desk, now=now)
    clinic = found.clinic
    choices = tuple(
        Choice(one.lead, t(f"reminders.choice.{one.lead}"), _price(one, clinic), one.lead == clinic.reminder_minutes)
        for one in found.costs
    )
    price = tariff_of(found.tariffs, month_of(now, clinic.zone)).price
    basis = t("reminders.basis", price=when_in(clinic.zone).price(price))
    coming = coming_words(found.tariffs, clinic.zone, now)
    (sample,) = (one for one in previews_of(clinic, found.tariffs, now) if one.kind == REMINDER)
    shown = RemindersPage(reminder_words(clinic), choices, basis, coming, sample, saved, wrong)
    response = make_response(render_template("staff/reminders.jinja", page=shown))
    response.status_code = 422 if wrong else 200
    return response


def _price(cost: Cost, clinic: Clinic) -> str:
    t, count = load(), load().plural("reminders.messages", cost.messages)
    if not cost.lead:
        return t("reminders.off_cost")
    if not cost.messages:
        return t("reminders.nothing")
    if not cost.on_bill:
        return t("reminders.all_pool", count=count)
    price = when_in(clinic.zone).price(cost.grosze)
    if not cost.from_pool:
        return t("reminders.no_pool", count=count, price=price)
    return t("reminders.some_pool", count=count, pool=cost.from_pool, bill=cost.on_bill, price=price)
