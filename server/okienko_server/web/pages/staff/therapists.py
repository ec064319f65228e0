"""The clinic's therapists and the competence grid: who treats what at which age, and what nobody covers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from okienko_server.domain.access import Language, words_of
from okienko_server.domain.ages import UNITS
from okienko_server.domain.appointment import Appointment
from okienko_server.domain.coverage import idle, uncovered
from okienko_server.domain.errors import EditConflict, FieldRefused, FieldsRefused, StepNotAllowed
from okienko_server.domain.offer import Offer, Practitioner
from okienko_server.domain.problem import AgeRange, ProblemCategory, age_in_months, age_in_years, category_of
from okienko_server.domain.roles import Right
from okienko_server.operations.change_therapists import (
    TherapistTyped,
    declare,
    left_unqualified,
    remove_therapist,
    save_therapist,
    withhold_therapist,
)
from okienko_server.operations.edit_offer import see_offer
from okienko_server.operations.preview_offer import preview_offer
from okienko_server.texts import load
from okienko_server.web.guards import scope
from okienko_server.web.house import house
from okienko_server.web.pages.present import when_in
from okienko_server.web.pages.staff.card import Card, card_of
from okienko_server.web.pages.staff.competence_form import in_words, lines_of, read
from okienko_server.web.pages.staff.week_words import week_in_words
from okienko_server.web.policy import Policy, policy
from okienko_server.web.references import plain_id, whole_number
from okienko_widget import load as widget_texts

therapists = Blueprint("therapists", __name__, url_prefix="/staff/settings/therapists")
_NAMES = ("title", "first_name", "last_name", "pwz")


@dataclass(frozen=True, slots=True)
class Preview:
    """What was asked about a patient, and the answer a line each."""

    age: str
    unit: str
    category: str
    asked: str
    lines: tuple[str, ...]
    errors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One therapist in the list: what patients could book, in words."""

    id: str
    name: str
    pwz: str
    services: str
    competences: tuple[tuple[str, str], ...]
    hours: str
    idle: str
    offered: bool


@therapists.get("")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def page() -> Response:
    """The people, the declared problems and what nobody covers."""
    return _list()


@therapists.post("/declared")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def declared() -> AnyResponse:
    """Which problems the clinic says it treats."""
    try:
        declare(tuple(request.form.getlist("categories")), **_tools())
    except FieldRefused:
        return _list(status=422)
    return redirect(url_for("therapists.page", did="saved"), 303)


@therapists.get("/new")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def fresh() -> Response:
    """The form of a new therapist, who gives every service unless one says otherwise."""
    offer = see_offer(scope=scope(), desk=house().desk)
    return _form("", dict.fromkeys(_NAMES, "") | {"languages": frozenset()}, set(offer.services), offer)


@therapists.post("/preview")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def preview() -> Response:
    """What a patient of that age would be offered; nothing is written."""
    form = request.form
    age, unit, category = form.get("age", "").strip()[:9], form.get("unit", ""), form.get("category", "")
    words, errors = widget_texts(), {}
    lines: tuple[str, ...] = ()
    try:
        code = category_of(category)
        months = age_in_months(number_of(age)) if unit == "m" else age_in_years(number_of(age))
        lines = _offered(code, months)
    except FieldRefused as refused:
        errors = {refused.field: refused.code}
    named = f"{words(f'category.{category}')}, {age} {load()(f'therapists.unit.{unit}')}" if not errors else ""
    shown = Preview(age, unit, category, named, lines, errors)
    return _list(shown=shown, status=422 if errors else 200)


@therapists.get("/<practitioner_id>")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def one(practitioner_id: str) -> Response:
    """The form of a therapist as kept."""
    offer = see_offer(scope=scope(), desk=house().desk)
    found = offer.practitioner(plain_id(practitioner_id))
    typed = {name: getattr(found, name) for name in (*_NAMES, "languages")}
    return _form(found.id, typed, set(found.services), offer)


@therapists.post("/new")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def add() -> AnyResponse:
    """A new therapist is written."""
    return _save("")


@therapists.post("/<practitioner_id>")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def change(practitioner_id: str) -> AnyResponse:
    """A therapist is changed; visits the new competences would not allow are shown first, and it takes a second press."""
    return _save(plain_id(practitioner_id))


@therapists.post("/<practitioner_id>/offered")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def offered(practitioner_id: str) -> AnyResponse:
    """Patients can choose this person, or not."""
    withhold_therapist(plain_id(practitioner_id), request.form.get("offered") == "yes", **_tools())
    return redirect(url_for("therapists.page", did="saved"), 303)


@therapists.post("/<practitioner_id>/remove")
@policy(Policy.STAFF, Right.CHANGE_SETTINGS)
def remove(practitioner_id: str) -> AnyResponse:
    """Somebody nothing names goes; anybody else can only be withheld."""
    try:
        remove_therapist(plain_id(practitioner_id), **_tools())
    except StepNotAllowed:
        return _list(plain_id(practitioner_id), 409)
    return redirect(url_for("therapists.page", did="saved"), 303)


def _tools() -> dict[str, Any]:
    return {"scope": scope(), "desk": house().desk, "now": house().clock()}


def _save(practitioner_id: str) -> AnyResponse:
    form, tools = request.form, _tools()
    typed: dict[str, Any] = {name: form.get(name, "")[:200] for name in _NAMES}
    typed["languages"] = words_of(Language, " ".join(form.getlist("languages")))
    services = set(form.getlist("services"))
    offer = see_offer(scope=scope(), desk=house().desk)
    kept = offer.practitioner(practitioner_id).competences if practitioner_id else ()
    revision, shown = whole_number(form.get("revision", "")), (practitioner_id, typed, services, offer)
    try:
        wanted = read(form, kept)
        if practitioner_id:
            broken = left_unqualified(practitioner_id, wanted, **tools)
            if not {one.id for one in broken} <= set(form.getlist("sure")):
                return _form(*shown, revision=revision, broken=broken)
        asked = TherapistTyped(**typed, services=tuple(services), competences=wanted)
        save_therapist(practitioner_id, asked, revision, **tools)
    except FieldsRefused as refused:
        return _form(*shown, errors=refused.errors, status=422, revision=revision)
    except EditConflict:
        return _form(*shown, errors={"conflict": EditConflict.code}, status=409)
    return redirect(url_for("therapists.page", did="saved"), 303)


def number_of(text: str) -> int:
    """Return the age typed; raises FieldRefused (age_invalid)."""
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise FieldRefused("age_invalid" if text else "age_required", field="age")
    return int(text)


def _offered(category: ProblemCategory, age: AgeRange) -> tuple[str, ...]:
    t, words = load(), widget_texts()
    offer, found = preview_offer(category, age, scope=scope(), desk=house().desk, now=house().clock())
    when = when_in(offer.clinic.zone)
    return tuple(
        " · ".join(
            (
                f"{words(f'kind.{one.service.kind}')}: {one.service.name}",
                ", ".join(person.name for person in one.people),
                t("preview.soonest", when=when.full(one.soonest)) if one.soonest else t("preview.none_soon"),
            )
        )
        for one in found
    )


def _list(tied: str = "", status: int = 200, shown: Preview | None = None) -> Response:
    offer = see_offer(scope=scope(), desk=house().desk)
    words = widget_texts()
    unused: dict[str, list[str]] = {}
    for person, category in idle(offer):
        unused.setdefault(person.id, []).append(words(f"category.{category}"))
    rows = [_row(person, offer, ", ".join(unused.get(person.id, []))) for person in offer.practitioners.values()]
    categories = [(code.value, words(f"category.{code}"), code in offer.clinic.categories) for code in ProblemCategory]
    gaps = [(words(f"category.{gap.category}"), "" if gap.whole else _ages(gap.ages)) for gap in uncovered(offer)]
    page = render_template(
        "staff/therapists.jinja", rows=rows, grid=_grid(offer), tied=tied, categories=categories, gaps=gaps, preview=shown, units=_units(),
        saved=request.args.get("did") == "saved",
    )  # fmt: skip
    return make_response(page, status)


def _grid(offer: Offer) -> list[tuple[str, list[str]]]:
    """Return a row for each problem: the ages each therapist covers, "" for none; problems nobody covers only when declared."""
    words, found = widget_texts(), []
    for code in ProblemCategory:
        cells = [
            _ages(one.ages for one in person.competences if one.category is code)
            for person in offer.practitioners.values()
        ]
        if any(cells) or code in offer.clinic.categories:
            found.append((words(f"category.{code}"), cells))
    return found


def _units() -> list[tuple[str, str]]:
    return [(unit, load()(f"therapists.unit.{unit}")) for unit in UNITS]


def _ages(ranges: Any) -> str:
    return ", ".join(in_words(one) for one in ranges)


def _row(person: Practitioner, offer: Offer, unused: str) -> Row:
    words = widget_texts()
    competences = tuple(
        (words(f"category.{code}"), _ages(one.ages for one in person.competences if one.category is code))
        for code in ProblemCategory
        if any(one.category is code for one in person.competences)
    )
    given = ", ".join(service.name for service in offer.services.values() if service.id in person.services)
    return Row(
        person.id, person.name, person.pwz, given, competences, week_in_words(person.hours), unused, person.offered
    )


def _form(
    practitioner_id: str,
    typed: Mapping[str, Any],
    services: set[str],
    offer: Offer,
    *,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
    revision: int | None = None,
    broken: list[Appointment] | None = None,
) -> Response:
    kept = offer.practitioner(practitioner_id).competences if practitioner_id else ()
    sent = request.form if request.method == "POST" else None
    cards: tuple[Card, ...] = tuple(card_of(one, offer, house().clock()) for one in broken or ())
    shown = render_template(
        "staff/therapist.jinja", id=practitioner_id, typed=typed, errors=errors or {}, lines=lines_of(kept, sent), broken=cards,
        services=[(one.id, one.name, one.id in services) for one in offer.services.values()],
        units=_units(), languages=[(code, load()(f"therapists.language.{code}")) for code in Language],
        revision=offer.revision if revision is None or (errors and "conflict" in errors) else revision,
    )  # fmt: skip
    return make_response(shown, status)
