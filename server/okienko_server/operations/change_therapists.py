"""The clinic's therapists: who they are, which services they give, what they are competent for; and what the clinic declares to treat."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from okienko_server.domain.access import Language, text_of
from okienko_server.domain.appointment import MOVABLE, Appointment
from okienko_server.domain.audit import Act
from okienko_server.domain.details import printable
from okienko_server.domain.errors import FieldRefused, FieldsRefused, StepNotAllowed
from okienko_server.domain.licence import licence_of
from okienko_server.domain.offer import Offer
from okienko_server.domain.problem import Competence, ProblemCategory
from okienko_server.domain.roles import Right
from okienko_server.domain.scope import Scope
from okienko_server.operations.desk import Desk
from okienko_server.operations.edit_offer import edit_offer
from okienko_server.storage.appointments import AppointmentStore
from okienko_server.storage.clinic_settings import ClinicSettingsStore
from okienko_server.storage.ids import new_id
from okienko_server.storage.therapists import TherapistStore

AHEAD = timedelta(days=2 * 366)
MAX_TITLE, MAX_NAME = 20, 60


@dataclass(frozen=True, slots=True)
class TherapistTyped:
    """A therapist as typed: names and number as text, ids of services, competences and languages already read."""

    title: str
    first_name: str
    last_name: str
    pwz: str
    services: tuple[str, ...]
    competences: tuple[Competence, ...]
    languages: frozenset[Language] = frozenset()


def left_unqualified(
    practitioner_id: str, competences: tuple[Competence, ...], *, scope: Scope, desk: Desk, now: datetime
) -> list[Appointment]:
    """Return the coming appointments of a therapist that fit the present competences and not these; they would stay. Raises NotAllowed."""
    scope.own_only(Right.CHANGE_SETTINGS)

    def work(connection: Connection) -> list[Appointment]:
        before = desk.offer(connection, scope).practitioner(practitioner_id)
        after = replace(before, competences=competences)
        coming = AppointmentStore(connection, scope).between(now, now + AHEAD, MOVABLE, practitioner_id)
        return [
            one
            for one in coming
            if before.qualified(one.category, one.age) and not after.qualified(one.category, one.age)
        ]

    return desk.database.read(work)


def save_therapist(
    practitioner_id: str, typed: TherapistTyped, revision: int, *, scope: Scope, desk: Desk, now: datetime
) -> str:
    """Write a therapist, a new one for an empty id, and return the id; appointments already made stay.

    Raises FieldsRefused (names: required, name_too_long, bad_request; pwz: pwz_invalid, pwz_taken), EditConflict, NotFound, NotAllowed.
    """

    def work(connection: Connection, offer: Offer) -> str:
        columns = _checked(typed, practitioner_id, offer)
        store, key = TherapistStore(connection, scope), practitioner_id or new_id()
        if practitioner_id:
            offer.practitioner(practitioner_id)
            store.change(practitioner_id, **columns)
        else:
            store.add(key, **columns)
        store.set_services(key, [one for one in offer.services if one in typed.services])
        store.set_competences(key, dict.fromkeys(typed.competences))
        return key

    return edit_offer(work, "practitioner", revision, scope=scope, desk=desk, now=now)


def withhold_therapist(practitioner_id: str, offered: bool, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Let patients choose a therapist, or not; the schedule and the record keep the person. Raises NotFound, NotAllowed."""

    def work(connection: Connection, offer: Offer) -> str:
        offer.practitioner(practitioner_id)
        TherapistStore(connection, scope).change(practitioner_id, offered=offered)
        return practitioner_id

    edit_offer(work, "practitioner", None, scope=scope, desk=desk, now=now)


def remove_therapist(practitioner_id: str, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Delete a therapist; raises StepNotAllowed when an appointment, documentation or an account names the person, NotFound, NotAllowed."""

    def work(connection: Connection, offer: Offer) -> str:
        offer.practitioner(practitioner_id)
        store = TherapistStore(connection, scope)
        if store.tied(practitioner_id):
            raise StepNotAllowed
        store.remove(practitioner_id)
        return practitioner_id

    edit_offer(work, "practitioner", None, scope=scope, desk=desk, now=now)


def declare(categories: tuple[str, ...], *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Say which problems the clinic treats, so that it can be warned of those nobody covers. Raises FieldRefused, NotAllowed."""
    scope.own_only(Right.CHANGE_SETTINGS)
    if not set(categories) <= set(ProblemCategory):
        raise FieldRefused("category_unknown", field="categories")
    listed = " ".join(code for code in ProblemCategory if code in categories)

    def work(connection: Connection) -> None:
        ClinicSettingsStore(connection, scope).change(categories=listed or None)
        desk.note_act(connection, scope, Act.CHANGE_SETTINGS, "clinic", scope.clinic_id, now)

    desk.database.write(work)


def _checked(typed: TherapistTyped, practitioner_id: str, offer: Offer) -> dict[str, object]:
    errors: dict[str, str] = {}
    names = {name: " ".join(getattr(typed, name).split()) for name in ("title", "first_name", "last_name")}
    for name, value in names.items():
        if not value and name != "title":
            errors[name] = "required"
        elif len(value) > (MAX_TITLE if name == "title" else MAX_NAME) or not printable(value):
            errors[name] = "name_too_long" if printable(value) else "bad_request"
    pwz = ""
    try:
        pwz = licence_of(typed.pwz)
    except FieldRefused as refused:
        errors[refused.field] = refused.code
    if pwz and any(one.pwz == pwz and one.id != practitioner_id for one in offer.practitioners.values()):
        errors["pwz"] = "pwz_taken"
    if errors:
        raise FieldsRefused(errors)
    return {**names, "pwz": pwz or None, "languages": text_of(typed.languages) or None}
