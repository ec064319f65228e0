"""The conversion dialog: from a reservation to the patient's record in one form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from okienko_server.domain.errors import (
    DomainError,
    EditConflict,
    FieldRefused,
    FieldsRefused,
    NotAllowed,
    NotFound,
    StepNotAllowed,
)
from okienko_server.domain.offer import ServiceKind
from okienko_server.domain.patient import Episode, Patient
from okienko_server.domain.phone import masked
from okienko_server.domain.problem import ProblemCategory
from okienko_server.domain.roles import Reach, Right
from okienko_server.operations.convert import Candidate, Conversion, ConvertRequest, convert, see_conversion
from okienko_server.texts import load
from okienko_server.web.guards import scope
from okienko_server.web.house import house
from okienko_server.web.pages.present import when_in
from okienko_server.web.pages.staff.card import Card, card_of
from okienko_server.web.pages.staff.rescued import Typed, rescued
from okienko_server.web.policy import Policy, policy
from okienko_server.web.references import plain_id
from okienko_widget import load as widget_texts

conversion = Blueprint("conversion", __name__, url_prefix="/staff/appointments")
NEW = "new"


@dataclass(frozen=True, slots=True)
class Way:
    """One thing that may be chosen: `value` is "patient.episode", "patient.new" or "new"."""

    value: str
    words: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class KnownPatient:
    """A candidate in words, with what may be chosen of it."""

    name: str
    why: str
    facts: str
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Dialog:
    """Everything the template shows."""

    card: Card
    known: tuple[KnownPatient, ...]
    new_chosen: bool
    kinds: tuple[Way, ...]
    categories: tuple[Way, ...]
    typed: Mapping[str, str]
    errors: Mapping[str, str]
    conflict: str
    """What somebody else did meanwhile, in words."""
    seen: tuple[str, ...]
    """Ids of the candidates shown."""
    record: str
    """Where the record of a reservation that is tied already stands."""
    save: str
    """What the button says: only who may read the documentation is led on to it."""


@conversion.get("/<appointment_id>/convert")
@policy(Policy.STAFF, Right.CHANGE_PATIENTS)
def page(appointment_id: str) -> AnyResponse:
    """The dialog with everything suggested; a reservation that is tied already leads on to its record."""
    seen = _seen(appointment_id)
    if seen.tied:
        return redirect(record_url(appointment_id))
    return _shown(seen, _suggested(seen), {})


@conversion.post("/<appointment_id>/convert")
@policy(Policy.STAFF, Right.CHANGE_PATIENTS)
def send(appointment_id: str) -> AnyResponse:
    """The appointment belongs to that patient and problem from now on, and the record opens."""
    typed = {name: request.form.get(name, "") for name in _FIELDS}
    patient_id, _, episode_id = typed["choice"].partition(".")
    asked = ConvertRequest(
        patient_id="" if patient_id in ("", NEW) else plain_id(patient_id),
        episode_id="" if episode_id in ("", NEW) else plain_id(episode_id),
        known=frozenset(request.form.getlist("known")) if "known" in request.form else None,
        **{name: typed[name] for name in _FIELDS if name != "choice"},
    )
    try:
        if not typed["choice"]:
            raise FieldRefused("choice_required", field="choice")
        convert(plain_id(appointment_id), asked, scope=scope(), desk=house().desk, now=house().clock())
    except (FieldRefused, FieldsRefused, EditConflict, StepNotAllowed) as refused:
        status = 422 if isinstance(refused, FieldRefused | FieldsRefused) else 409
        return _shown(_seen(appointment_id), typed, _errors(refused), status)
    except (NotFound, NotAllowed) as refused:
        return _rescued(appointment_id, typed, refused)
    return redirect(record_url(appointment_id), 303)


_RESCUED = {name: name for name in ("first_name", "last_name", "birth_date")} | {"title": "problem_title"}
"""Field -> its label in the dialog."""
_FIELDS = ("choice", "kind", "category", "title", "first_name", "last_name", "birth_date")


def _rescued(appointment_id: str, typed: Mapping[str, str], refused: DomainError) -> Response:
    """Show what was typed to somebody whose reservation was moved to a colleague meanwhile; else it is just not there."""
    try:
        _seen(appointment_id)
    except (NotFound, NotAllowed):
        t = load()
        shown = [Typed(name, t(f"convert.{label}"), typed[name]) for name, label in _RESCUED.items()]
        return rescued(t("convert.moved_title"), t("convert.moved_away"), shown, refused)
    raise refused


def record_url(appointment_id: str) -> str:
    """Return where the documentation of an appointment stands for this person; the schedule for one who may not read it."""
    if scope().reach(Right.READ_RECORDS) is Reach.NONE:
        return url_for("staff.schedule", did="converted", about=appointment_id)
    return url_for("records.page", appointment_id=appointment_id)


def _seen(appointment_id: str) -> Conversion:
    return see_conversion(plain_id(appointment_id), scope=scope(), desk=house().desk, now=house().clock())


def _suggested(seen: Conversion) -> dict[str, str]:
    """Return what the dialog has filled in before anybody touched it."""
    who, likeliest = seen.appointment.patient, seen.likeliest
    choice = "" if seen.candidates else NEW
    if likeliest:
        same = [one for one in likeliest.episodes if one.category is seen.appointment.category]
        known = same or list(likeliest.episodes)
        choice = f"{likeliest.patient.id}.{known[0].id if len(known) == 1 else NEW if not known else ''}"
    return {
        "choice": choice, "kind": seen.appointment.kind.value, "category": seen.appointment.category.value, "title": "",
        "first_name": who.first_name, "last_name": who.last_name, "birth_date": "",
    }  # fmt: skip


def _errors(refused: DomainError) -> dict[str, str]:
    if isinstance(refused, FieldsRefused):
        return refused.errors
    return {refused.field or "conflict": refused.code}


def _shown(seen: Conversion, typed: Mapping[str, str], errors: Mapping[str, str], status: int = 200) -> Response:
    t, words = load(), widget_texts()
    kinds = [Way(kind.value, t(f"convert.kind.{kind}"), typed["kind"] == kind) for kind in ServiceKind]
    categories = [Way(one.value, words(f"category.{one}"), typed["category"] == one) for one in ProblemCategory]
    card = card_of(seen.appointment, seen.offer, house().clock())
    dialog = Dialog(
        card,
        tuple(_known(one, seen, typed["choice"]) for one in seen.candidates),
        typed["choice"] == NEW,
        tuple(kinds),
        tuple(categories),
        typed,
        errors,
        _conflict(seen, typed, errors),
        tuple(one.patient.id for one in seen.candidates),
        record_url(seen.appointment.id) if seen.tied else "",
        _save_words(card.waits),
    )
    return make_response(render_template("staff/conversion.jinja", dialog=dialog), status)


def _save_words(waits: bool) -> str:
    only = "_only" if scope().reach(Right.READ_RECORDS) is Reach.NONE else ""
    return load()(f"convert.{'save_pending' if waits else 'save'}{only}")


def _conflict(seen: Conversion, typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    if "conflict" not in errors:
        return ""
    if seen.tied_to is None:
        return load()(f"wrong.{errors['conflict']}")
    same = seen.tied_to.id == typed["choice"].partition(".")[0]
    return load()("convert.conflict_problem" if same else "convert.conflict", name=seen.tied_to.person.name)


def _known(one: Candidate, seen: Conversion, choice: str) -> KnownPatient:
    t, key = load(), one.patient.id
    ways = [
        Way(f"{key}.{episode.id}", _episode_words(episode, seen), choice == f"{key}.{episode.id}")
        for episode in one.episodes
    ]
    ways.append(Way(f"{key}.{NEW}", t("convert.new_problem"), choice == f"{key}.{NEW}"))
    why = t("convert.same_phone" if one.same_phone else "convert.same_surname")
    return KnownPatient(one.patient.person.name, why, _facts(one.patient, seen), tuple(ways))


def _facts(patient: Patient, seen: Conversion) -> str:
    t, age = load(), patient.age_on(seen.today)
    facts = [
        t.plural("age.years", age) if age is not None else "",
        masked(patient.phone) if patient.phone else "",
        t("convert.guardian", name=patient.guardian.name) if patient.guardian.name else "",
    ]
    return " · ".join(fact for fact in facts if fact)


def _episode_words(episode: Episode, seen: Conversion) -> str:
    t, when = load(), when_in(seen.offer.clinic.zone)
    name = episode.title or widget_texts()(f"category.{episode.category}")
    person = seen.offer.practitioners.get(episode.practitioner_id)
    since = when.dated(episode.opened_at)
    return t("convert.episode", name=name, since=since, practitioner=person.name if person else "")
