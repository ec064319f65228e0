"""Patients: looking one up, one's page, the corrections, the whole record for an access request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from okienko_server.domain.errors import EditConflict, FieldRefused, FieldsRefused
from okienko_server.domain.patient import Patient
from okienko_server.domain.phone import masked, spoken
from okienko_server.domain.roles import Reach, Right
from okienko_server.operations.export_record import export_record
from okienko_server.operations.read_patient import (
    PatientTyped,
    PatientView,
    change_patient,
    find_patients,
    see_patient,
)
from okienko_server.texts import load
from okienko_server.web.guards import scope
from okienko_server.web.house import house
from okienko_server.web.pages.present import when_in
from okienko_server.web.pages.staff.episode import Story, story_of
from okienko_server.web.policy import Policy, policy
from okienko_server.web.references import plain_id, whole_number

patients = Blueprint("patients", __name__, url_prefix="/staff/patients")
_FIELDS = ("first_name", "last_name", "birth_date", "phone", "guardian_first_name", "guardian_last_name")


@dataclass(frozen=True, slots=True)
class Found:
    """A patient in a list."""

    id: str
    name: str
    facts: str


@patients.route("", methods=["GET", "POST"])
@policy(Policy.STAFF, Right.SEE_PATIENTS)
def search() -> Response:
    """The patients met last, or those found; what is looked for is sent in the form's body, so that no address and no log holds it."""
    typed = {"surname": request.form.get("surname", ""), "phone": request.form.get("phone", "")}
    errors: dict[str, str] = {}
    found: list[Patient] = []
    try:
        found = find_patients(typed["surname"].replace("\0", ""), typed["phone"], scope=scope(), desk=house().desk)
    except FieldRefused as refused:
        errors["phone"] = refused.code
    asked = any(value.strip() for value in typed.values())
    rows = [_found(one) for one in found]
    page = render_template("staff/patients.jinja", rows=rows, typed=typed, errors=errors, asked=asked)
    return make_response(page, 422 if errors else 200)


def _found(patient: Patient) -> Found:
    facts = [
        load()("patient.born", date=f"{patient.birth_date:%d.%m.%Y}") if patient.birth_date else "",
        masked(patient.phone) if patient.phone else "",
        load()("convert.guardian", name=patient.guardian.name) if patient.guardian.name else "",
    ]
    return Found(patient.id, patient.person.name, " · ".join(fact for fact in facts if fact))


@patients.get("/<patient_id>")
@policy(Policy.STAFF, Right.SEE_PATIENTS)
def page(patient_id: str) -> Response:
    """One patient: how to reach, which problems, what happened."""
    seen = _seen(patient_id)
    return _shown(seen, _known(seen.patient), {})


@patients.post("/<patient_id>")
@policy(Policy.STAFF, Right.CHANGE_PATIENTS)
def change(patient_id: str) -> AnyResponse:
    """What is known of the patient is corrected."""
    typed = {name: request.form.get(name, "") for name in _FIELDS}
    asked = PatientTyped(**typed, version=whole_number(request.form.get("version", "")))
    try:
        change_patient(plain_id(patient_id), asked, scope=scope(), desk=house().desk, now=house().clock())
    except FieldsRefused as refused:
        return _shown(_seen(patient_id), typed, refused.errors, 422, asked.version)
    except EditConflict as refused:
        return _shown(_seen(patient_id), typed, {"conflict": refused.code}, 409)
    return redirect(url_for("patients.page", patient_id=patient_id), 303)


@patients.post("/<patient_id>/export")
@policy(Policy.STAFF, Right.EXPORT_RECORDS)
def export(patient_id: str) -> Response:
    """The whole record as a file: `form` json (default) or html. A form, because a link could be followed by a machine."""
    record = export_record(plain_id(patient_id), scope=scope(), desk=house().desk, now=house().clock())
    if request.form.get("form") == "html":
        desk, where = house().desk, scope()
        zone = desk.database.read(lambda connection: desk.current_offer(connection, where)).clinic.zone
        response = make_response(
            render_template("staff/export.jinja", record=record, local=lambda text: _local(text, zone))
        )
        name = load()("export.file_html")
    else:
        response = make_response(json.dumps(record, ensure_ascii=False, indent=2))
        response.mimetype, name = "application/json", load()("export.file_json")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _local(text: str, zone: ZoneInfo) -> str:
    """Return an instant of the record as people read it: "24 listopada 2026, 10:00"."""
    when, at = when_in(zone), datetime.fromisoformat(text)
    return f"{when.dated(at)}, {when.time(at)}"


def _seen(patient_id: str) -> PatientView:
    return see_patient(plain_id(patient_id), scope=scope(), desk=house().desk, now=house().clock())


def _known(patient: Patient) -> dict[str, str]:
    return {
        "first_name": patient.person.first_name,
        "last_name": patient.person.last_name,
        "birth_date": patient.birth_date.isoformat() if patient.birth_date else "",
        "phone": spoken(patient.phone),
        "guardian_first_name": patient.guardian.first_name,
        "guardian_last_name": patient.guardian.last_name,
    }


def _shown(
    seen: PatientView, typed: Mapping[str, str], errors: Mapping[str, str], status: int = 200, version: int = 0
) -> Response:
    t, age, known = load(), seen.patient.age_on(seen.today), _known(seen.patient)
    when = when_in(seen.offer.clinic.zone)
    born = seen.patient.birth_date
    facts = [
        t("patient.born", date=when.dated(born)) if born else "",
        t.plural("age.years", age) if age is not None else "",
        t("convert.guardian", name=seen.patient.guardian.name) if seen.patient.guardian.name else "",
    ]
    others = [(name, known[name]) for name in _FIELDS if "conflict" in errors and known[name] != typed[name]]
    stories: list[Story] = [story_of(one, seen, house().clock()) for one in seen.episodes]
    return make_response(
        render_template(
            "staff/patient.jinja", seen=seen, facts=" · ".join(fact for fact in facts if fact), typed=typed, errors=errors,
            version=version or seen.patient.version, stories=stories, others=others,
            may_export=scope().reach(Right.EXPORT_RECORDS) is not Reach.NONE,
        ),
        status,
    )  # fmt: skip
