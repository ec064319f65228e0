"""The operations of the API."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from flask import Response, request

from okienko.tokens import SESSION_MINUTES
from okienko_server.domain.agreement import Terms
from okienko_server.domain.appointment import Appointment, Person
from okienko_server.domain.cells import instant_of
from okienko_server.domain.details import Details
from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.problem import ProblemCategory
from okienko_server.domain.scope import Scope, Source
from okienko_server.domain.towns import towns_like
from okienko_server.domain.verification import MAX_TRIES, Challenge, resend_wait
from okienko_server.operations.desk import check_door
from okienko_server.operations.find_slots import FreeTimes, Question, find_slots
from okienko_server.operations.held import Held, get_appointment
from okienko_server.operations.hold import HoldRequest, hold
from okienko_server.operations.once import MAX_KEY
from okienko_server.operations.portal_search import ClinicFound, Place, Search
from okienko_server.operations.search_clinics import search_clinics
from okienko_server.operations.verify import give_details, resend_code, verify_code
from okienko_server.storage.directory import PortalStore
from okienko_server.web.api import schemas
from okienko_server.web.api.contract import api, json_response, operation
from okienko_server.web.api.openapi import description
from okienko_server.web.guards import enter, scope, session_of_token
from okienko_server.web.house import house
from okienko_server.web.policy import Policy, policy
from okienko_server.web.references import reference_of, resolve
from okienko_widget import load

__all__ = ["api"]


@operation(
    "mintSession",
    "POST",
    "/sessions",
    body=schemas.SessionIn,
    answer=schemas.SessionOut,
    status=201,
    who=Policy.PUBLIC,
    codes=(401, 403),
)
def mint_session(body: dict[str, Any]) -> dict[str, Any]:
    """Turn a pasted EmbedToken or PortalToken into a WidgetSession of 60 minutes."""
    now, desk = house().clock(), house().desk
    session = session_of_token(body["token"], Source.API, now)
    enter(session)
    offer = None
    if session.clinic:
        offer = desk.database.read(lambda connection: desk.current_offer(connection, scope()))
        check_door(offer.clinic, scope(), now)
    return {
        "session": session.sign(house().settings.keys.session),
        "expires_at": now + timedelta(minutes=SESSION_MINUTES),
        "kind": session.kind,
        "clinic": offer.clinic if offer else None,
    }


@operation("listCategories", "GET", "/categories", answer=schemas.CategoriesOut, codes=(401, 403))
def list_categories() -> dict[str, Any]:
    """List the problem categories on offer: the clinic's under a pinned session, all ten otherwise."""
    desk, where = house().desk, scope()
    codes = list(ProblemCategory)
    if where.clinic_id:
        codes = desk.database.read(lambda connection: desk.current_offer(connection, where)).categories()
    return {"categories": [{"code": code.value, "label": load()(f"category.{code}")} for code in codes]}


@operation(
    "searchClinics", "POST", "/clinics/search", body=schemas.ClinicsIn, answer=schemas.ClinicsOut, codes=(401, 403, 422)
)
def list_clinics(body: dict[str, Any]) -> dict[str, Any]:
    """List clinics with somebody qualified for the problem and age, soonest first; refused under a pinned session."""
    now, asked = house().clock(), body["question"]
    town = next(iter(towns_like(body["city"], 1)), None)
    if body["city"].strip() and town is None:
        raise FieldRefused("place_unknown", field="city")
    search = Search(asked, Place(town.latitude, town.longitude) if town else None)
    found = search_clinics(search, scope=scope(), desk=house().desk, now=now)
    return {"clinics": [_clinic(one) for one in found.clinics], "cities": _cities(asked, now)}


def _cities(asked: Question, now: datetime) -> list[dict[str, Any]]:
    """Return the cities with a listed clinic that treats this, most clinics first."""

    found = house().desk.database.read(lambda c: PortalStore(c, scope()).cities(asked.category, asked.age, now))
    return [{"name": name, "clinics": count} for name, count in found]


def _clinic(found: ClinicFound) -> dict[str, Any]:
    return {
        "id": found.clinic_id,
        "name": found.name,
        "phone": found.phone,
        "locations": [found.location],
        "distance_km": None if found.km is None else round(found.km, 1),
        "practitioners": [{"id": key, "name": name} for key, name in found.practitioners],
        "price_from": found.price,
        "next_starts": [instant_of(cell) for cell in found.starts],
    }


@operation(
    "listSlots", "POST", "/slots/search", body=schemas.SlotsIn, answer=schemas.SlotsOut, codes=(401, 403, 404, 422)
)
def list_slots(body: dict[str, Any]) -> Response:
    """List free starts day by day, with anybody qualified or with one practitioner."""
    now = house().clock()
    asked = replace(body["question"], first=body["first"], days=body["days"])
    free = find_slots(asked, scope=_where(body["clinic_id"]), desk=house().desk, now=now)
    return json_response(_slots(free) | {"as_of": now.isoformat()})


def _slots(free: FreeTimes) -> dict[str, Any]:
    """Return the answer as plain JSON values; written by hand, because a month holds hundreds of starts."""
    services = {service.id: _service(service) for service in free.services}
    return {
        "clinic_id": free.offer.clinic.id,
        "service": services[free.service.id] if free.service else None,
        "services": list(services.values()),
        "practitioners": [{"id": person.id, "name": person.name} for person in free.practitioners],
        "days": [{"date": grid.day.isoformat(), "starts": grid.iso_of(mask)} for grid, mask in free.days()],
    }


def _service(service: Any) -> dict[str, Any]:
    return {
        "id": service.id,
        "name": service.name,
        "kind": service.kind,
        "minutes": service.minutes,
        "price": service.price,
    }


@operation(
    "holdSlot",
    "POST",
    "/appointments",
    body=schemas.HoldIn,
    answer=schemas.AppointmentOut,
    status=201,
    codes=(401, 403, 404, 409, 422),
    keyed=True,
)
def hold_slot(body: dict[str, Any]) -> dict[str, Any]:
    """Hold a free start for ten minutes; a taken one answers 409 with the three nearest alternatives."""
    where = _where(body["clinic_id"])
    wanted = HoldRequest(body["question"], body["start"], _key())
    return _appointment(hold(wanted, scope=where, desk=house().desk, now=house().clock()))


@operation(
    "giveDetails", "PUT", "/appointments/<reference>/details", body=schemas.DetailsIn, answer=schemas.AppointmentOut,
    codes=(401, 403, 404, 409, 410, 422, 428, 429), keyed=True,
)  # fmt: skip
def put_details(reference: str, body: dict[str, Any]) -> dict[str, Any]:
    """Give the patient's details and consent; the SMS code leaves, and the hold is extended to cover the wait.

    428 `proof_needed`: send it again with `proof`, which is `challenge` and a decimal number such that the SHA-256 of both begins with
    `bits` zero bits; or send `challenge` alone after the seconds of Retry-After.
    """
    where, appointment_id = resolve(reference, scope())
    details = Details(
        Person(body["first_name"], body["last_name"]), Person(body["booker_first_name"], body["booker_last_name"]),
        body["phone"], body["comment"], body["consent"], _key(), body["proof"],
    )  # fmt: skip
    return _appointment(give_details(appointment_id, details, scope=where, desk=house().desk, now=house().clock()))


@operation(
    "resendCode",
    "POST",
    "/appointments/<reference>/code",
    answer=schemas.AppointmentOut,
    codes=(401, 403, 404, 409, 410, 429),
    keyed=True,
)
def post_code(reference: str) -> dict[str, Any]:
    """Send a new code to the same phone; tries already taken stay counted."""
    where, appointment_id = resolve(reference, scope())
    return _appointment(resend_code(appointment_id, key=_key(), scope=where, desk=house().desk, now=house().clock()))


@operation(
    "verifyCode", "POST", "/appointments/<reference>/verification", body=schemas.CodeIn, answer=schemas.AppointmentOut,
    codes=(401, 403, 404, 409, 410, 422, 429), keyed=True,
)  # fmt: skip
def post_verification(reference: str, body: dict[str, Any]) -> dict[str, Any]:
    """Prove the phone with the code: the appointment becomes pending and stands in the therapist's schedule."""
    where, appointment_id = resolve(reference, scope())
    made = verify_code(appointment_id, body["code"], key=_key(), scope=where, desk=house().desk, now=house().clock())
    return _appointment(made)


@operation("getAppointment", "GET", "/appointments/<reference>", answer=schemas.AppointmentOut, codes=(401, 403, 404))
def read_appointment(reference: str) -> dict[str, Any]:
    """Read an appointment made by this very session."""
    where, appointment_id = resolve(reference, scope())
    return _appointment(get_appointment(appointment_id, scope=where, desk=house().desk))


@api.get("/openapi.json")
@policy(Policy.PUBLIC)
def openapi() -> Response:
    """The OpenAPI 3.1 description of everything here."""
    response = json_response(description())
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


def _where(clinic_id: str) -> Scope:
    """Return the scope at the clinic asked for; raises ForeignClinic under a pin, FieldRefused when none is named."""
    if clinic_id:
        return scope().at(clinic_id)
    if not scope().clinic_id:
        raise FieldRefused("required", field="clinic_id")
    return scope()


def _key() -> str:
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > MAX_KEY or not key.isprintable():
        raise FieldRefused("bad_request", field="Idempotency-Key")
    return key


def _appointment(held: Held) -> dict[str, Any]:
    made, offer, challenge = held.appointment, held.offer, held.challenge
    terms = made.terms(offer)
    return {
        "id": reference_of(made),
        "status": made.status.value,
        "clinic_id": made.clinic_id,
        "start": made.starts_at.astimezone(offer.clinic.zone),
        "end": made.ends_at.astimezone(offer.clinic.zone),
        "held_until": made.held_until,
        "practitioner": offer.practitioner(made.practitioner_id),
        "location": _agreed_location(made.location_id, terms),
        "service": _agreed_service(made, terms),
        "price_agreed": terms.price_agreed,
        "code": _code_state(challenge) if challenge and not challenge.used else None,
    }


def _agreed_location(location_id: str, terms: Terms) -> dict[str, Any]:
    address = terms.address
    return {
        "id": location_id,
        "name": terms.location,
        "street": address.street,
        "postcode": address.postcode,
        "city": address.city,
    }


def _agreed_service(made: Appointment, terms: Terms) -> dict[str, Any]:
    kind, minutes = made.kind.value, made.length.minutes
    return {"id": made.service_id, "name": terms.service, "kind": kind, "minutes": minutes, "price": terms.price}


def _code_state(challenge: Challenge) -> dict[str, Any]:
    return {
        "tries_left": max(0, MAX_TRIES - challenge.tries),
        "expires_at": challenge.expires_at,
        "resend_in": resend_wait(challenge, house().clock()),
    }
