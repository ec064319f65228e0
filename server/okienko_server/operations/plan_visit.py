"""Staff change the schedule by the same occupancy rules as patients: put in, move, cancel, and what became of a visit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from okienko_server.domain.agreement import agreed
from okienko_server.domain.appointment import FARTHEST, Appointment, Person, Status, Step
from okienko_server.domain.audit import Act
from okienko_server.domain.cells import CELL_MINUTES, Length, cell_at, cells_of, instant_of, local_day, ones
from okienko_server.domain.details import MAX_COMMENT, MAX_NAME, printable
from okienko_server.domain.errors import (
    EditConflict,
    FieldRefused,
    FieldsRefused,
    SlotRefused,
    SlotTaken,
    StepNotAllowed,
)
from okienko_server.domain.offer import Offer
from okienko_server.domain.phone import any_polish
from okienko_server.domain.problem import ADULT, category_of
from okienko_server.domain.roles import Right
from okienko_server.domain.scope import Scope, Source
from okienko_server.domain.slots import bits, start_masks, window_between, without
from okienko_server.operations.desk import Desk
from okienko_server.operations.messages import Post
from okienko_server.operations.remind import drop_reminder, redate_reminder
from okienko_server.operations.sms_wording import CANCELLED, MOVED, cancelled_text, moved_text
from okienko_server.storage.appointments import AppointmentStore
from okienko_server.storage.ids import new_appointment_id
from okienko_server.storage.occupancy import OccupancyStore
from okienko_server.storage.offers import OfferStore
from okienko_server.storage.patients import EpisodeStore

MAX_REASON = 300


@dataclass(frozen=True, slots=True)
class Where:
    """A place in the schedule; `start` is aware. `outside` says that it may lie outside the opening hours, knowingly."""

    practitioner_id: str
    location_id: str
    start: datetime
    outside: bool = False


@dataclass(frozen=True, slots=True)
class NewVisit:
    """What staff put in; the telephone may stay empty, then nobody gets an SMS about it later."""

    where: Where
    service_id: str
    category: str
    first_name: str
    last_name: str
    phone: str = ""
    comment: str = ""


def put_in(visit: NewVisit, *, scope: Scope, desk: Desk, now: datetime) -> Appointment:
    """Return the planned appointment staff put in at that place.

    Raises FieldsRefused, SlotTaken with the nearest free starts, SlotRefused (slot_past, slot_outside_hours), NotAllowed, NotFound.
    """
    scope.check_own(Right.CHANGE_SCHEDULE, visit.where.practitioner_id)
    person, phone, comment = _checked(visit)

    def work(connection: Connection) -> Appointment:
        offer = desk.current_offer(connection, scope)
        if visit.service_id not in offer.services:
            raise FieldRefused("required", field="service")
        service = offer.service(visit.service_id)
        made = Appointment(
            id=new_appointment_id(), clinic_id=scope.clinic_id, practitioner_id=visit.where.practitioner_id,
            location_id=visit.where.location_id, service_id=service.id, status=Status.BOOKED, source=Source.STAFF, session_id="",
            kind=service.kind, category=category_of(visit.category), age=ADULT, any_practitioner=False,
            starts_at=visit.where.start, ends_at=_later(visit.where.start, service.length.treatment), created_at=now,
            held_until=None, patient=person, phone=phone, comment=comment,
            agreement=agreed(service, offer.location(visit.where.location_id), offer.clinic, desk.texts_version),
        )  # fmt: skip
        _check_place(visit.where, service.length, offer, now)
        AppointmentStore(connection, scope).add(made)
        _take(connection, made, offer, scope, now)
        desk.note_act(connection, scope, Act.PUT_IN, "appointment", made.id, now)
        return made

    return desk.database.write(work)


def move(appointment_id: str, where: Where, seen: datetime, *, scope: Scope, desk: Desk, now: datetime) -> Appointment:
    """Move a pending or planned appointment; the old time is kept until the new one is had, and an SMS tells of a new time or address.

    `seen` is the start the asker saw. Raises EditConflict when it begins elsewhere by now, SlotTaken, SlotRefused, StepNotAllowed,
    NotAllowed, NotFound (also for another therapist's, when one's own only are within reach).
    """
    scope.check_own(Right.CHANGE_SCHEDULE, where.practitioner_id)

    def work(connection: Connection) -> Appointment:
        store, occupancy = AppointmentStore(connection, scope), OccupancyStore(connection, scope)
        before = store.get(appointment_id, lock=True)
        scope.check_own(Right.CHANGE_SCHEDULE, before.practitioner_id)
        if before.starts_at != seen:
            raise EditConflict
        offer = desk.current_offer(connection, scope)
        _check_place(where, before.length, offer, now)
        after = _moved(before, where, offer)
        # Given back first, within the same transaction: nobody sees it free before the new place is had.
        occupancy.free(appointment_id, offer.clinic.zone)
        store.move(before, after, now)
        _take(connection, after, offer, scope, now)
        EpisodeStore(connection, scope).follow(appointment_id, after.practitioner_id)
        if after.practitioner_id != before.practitioner_id:
            # Who sees only the own schedule would not be told that a visit left it: everybody is asked to look again.
            OfferStore(connection, scope).raise_revision()
        if told_of_move(before, after):
            address = after.terms(offer).address if after.location_id != before.location_id else None
            text = moved_text(desk.texts, offer.clinic, after.starts_at, address)
            Post(connection, scope, desk, offer.clinic, now).send(appointment_id, MOVED, after.phone, text)
        redate_reminder(connection, scope, before, after, offer.clinic, now)
        desk.note_act(connection, scope, Act.MOVE, "appointment", appointment_id, now)
        return after

    moved = desk.database.write(work)
    desk.outbox_bell.set()
    return moved


def _moved(before: Appointment, where: Where, offer: Offer) -> Appointment:
    """Return the appointment at another place, as long as it was and on the terms it was made on; a new address is agreed on."""
    agreement = before.agreement
    if where.location_id != before.location_id:
        agreement = agreement.at(offer.location(where.location_id))
    return replace(
        before,
        practitioner_id=where.practitioner_id,
        location_id=where.location_id,
        starts_at=where.start,
        ends_at=_later(where.start, before.length.treatment),
        agreement=agreement,
    )


def told_of_move(before: Appointment, after: Appointment) -> bool:
    """Return whether the patient gets an SMS about a move: of another time or another address, not of another therapist alone."""
    return after.told_by_sms and (before.starts_at, before.location_id) != (after.starts_at, after.location_id)


def cancel(
    appointment_id: str, reason: str, *, tell: bool = True, scope: Scope, desk: Desk, now: datetime
) -> Appointment:
    """Cancel a pending or planned appointment for the clinic and give its time back; `tell` sends the patient an SMS without the reason.

    Raises FieldRefused, StepNotAllowed, NotAllowed, NotFound.
    """
    reason = reason.replace("\r\n", "\n").strip()
    if len(reason) > MAX_REASON or not printable(reason):
        raise FieldRefused("reason_too_long" if len(reason) > MAX_REASON else "bad_request", field="reason")

    def work(connection: Connection) -> Appointment:
        store = AppointmentStore(connection, scope)
        before = store.get(appointment_id, lock=True)
        scope.check_own(Right.CHANGE_SCHEDULE, before.practitioner_id)
        clinic = desk.current_offer(connection, scope).clinic
        after = store.step(before, Step.CANCEL, now, decline_reason=reason)
        OccupancyStore(connection, scope).free(appointment_id, clinic.zone)
        drop_reminder(connection, scope, appointment_id, now)
        if tell and before.told_by_sms and before.starts_at > now:
            text = cancelled_text(desk.texts, clinic, before.starts_at)
            Post(connection, scope, desk, clinic, now).send(appointment_id, CANCELLED, before.phone, text)
        desk.note_act(connection, scope, Act.CANCEL, "appointment", appointment_id, now)
        return after

    after = desk.database.write(work)
    desk.outbox_bell.set()
    return after


def settle(appointment_id: str, step: Step, *, scope: Scope, desk: Desk, now: datetime) -> Appointment:
    """Say of a planned visit that has begun whether it took place (Step.FULFIL) or the patient missed it (Step.MISS).

    Raises StepNotAllowed before its start, NotAllowed, NotFound.
    """

    def work(connection: Connection) -> Appointment:
        store = AppointmentStore(connection, scope)
        before = store.get(appointment_id, lock=True)
        scope.check_own(Right.CHANGE_SCHEDULE, before.practitioner_id)
        if before.starts_at > now:
            raise StepNotAllowed
        after = store.step(before, step, now)
        act = Act.MISS if step is Step.MISS else Act.FULFIL
        desk.note_act(connection, scope, act, "appointment", appointment_id, now)
        return after

    return desk.database.write(work)


def free_beside(
    where: Where, service_id: str, *, scope: Scope, desk: Desk, now: datetime, moved: str = ""
) -> list[datetime]:
    """Return up to three free starts nearest to a place with the same therapist, within a day before and after; aware UTC, in time order.

    A new visit is as long as its service; `moved` is an appointment that keeps its own length, and whose own time counts as free.
    """

    def work(connection: Connection) -> list[datetime]:
        offer = desk.current_offer(connection, scope)
        zone, middle = offer.clinic.zone, local_day(where.start, offer.clinic.zone)
        span = window_between(offer, middle - timedelta(days=1), middle + timedelta(days=1))
        seen = OccupancyStore(connection, scope).read(span.around[0].day, span.around[-1].day, now, zone)
        one = AppointmentStore(connection, scope).get(moved) if moved else None
        length = one.length if one else offer.service(service_id).length
        busy = without(seen.busy, one.practitioner_id, one.occupied, span.around) if one else seen.busy
        who = [offer.practitioner(where.practitioner_id)]
        free = start_masks(offer, span, who, length, busy, where.location_id)
        starts = [instant_of(span.base + bit) for mask in free.values() for bit in bits(mask)]
        near = sorted((one for one in starts if one > now), key=lambda one: (abs(one - where.start), one))[:3]
        return sorted(near)

    return desk.database.read(work)


def _later(start: datetime, length: timedelta) -> datetime:
    # Added in UTC: on the wall clock an hour over the clock change would be none, or two.
    return start.astimezone(UTC) + length


def _check_place(where: Where, length: Length, offer: Offer, now: datetime) -> None:
    """Raise SlotRefused or NotFound unless somebody could be received there: a walk-in earlier today may be put in afterwards."""
    zone = offer.clinic.zone
    offer.practitioner(where.practitioner_id)
    offer.location(where.location_id)
    if int(where.start.timestamp()) % (CELL_MINUTES * 60):
        raise SlotRefused("slot_off_grid")
    if local_day(where.start, zone) < local_day(now, zone):
        raise SlotRefused("slot_past")
    if where.start > now + FARTHEST:
        raise SlotRefused("slot_beyond_horizon")
    if where.outside:
        return
    (grid,) = offer.grids(local_day(where.start, zone), 1)
    needed = ones(cells_of(length.minutes)) << (cell_at(where.start) - grid.first)
    if offer.open_mask(where.practitioner_id, where.location_id, grid.day) & needed != needed:
        raise SlotRefused("slot_outside_hours")


def _take(connection: Connection, made: Appointment, offer: Offer, scope: Scope, now: datetime) -> None:
    occupancy = OccupancyStore(connection, scope)
    if not occupancy.take(made.id, made.practitioner_id, made.occupied, None, now, offer.clinic.zone):
        raise SlotTaken


def _checked(visit: NewVisit) -> tuple[Person, str, str]:
    errors: dict[str, str] = {}
    person = Person(" ".join(visit.first_name.split()), " ".join(visit.last_name.split()))
    if not person.last_name:
        errors["last_name"] = "required"
    for field, value in (("first_name", person.first_name), ("last_name", person.last_name)):
        if len(value) > MAX_NAME or not printable(value):
            errors[field] = "name_too_long" if len(value) > MAX_NAME else "bad_request"
    phone, comment = "", visit.comment.replace("\r\n", "\n").strip()
    try:
        phone = any_polish(visit.phone) if visit.phone.strip() else ""
    except FieldRefused as refused:
        errors["phone"] = refused.code
    if len(comment) > MAX_COMMENT or not printable(comment):
        errors["comment"] = "text_too_long" if len(comment) > MAX_COMMENT else "bad_request"
    try:
        category_of(visit.category)
    except FieldRefused as refused:
        errors["category"] = refused.code
    if errors:
        raise FieldsRefused(errors)
    return person, phone, comment
