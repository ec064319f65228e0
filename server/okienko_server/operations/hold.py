"""Holding a time: the appointment is *proposed*, its cells are taken, and nobody else can have them for ten minutes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from okienko_server.domain.agreement import agreed
from okienko_server.domain.appointment import Appointment, Status, Step
from okienko_server.domain.cells import cell_at, instant_of
from okienko_server.domain.errors import NotFound, SlotRefused, SlotTaken, StepNotAllowed
from okienko_server.domain.scope import Scope
from okienko_server.domain.slots import nearest_starts, refusal, start_masks
from okienko_server.operations.desk import Desk
from okienko_server.operations.find_slots import FreeTimes, Question, find_slots, free_times
from okienko_server.operations.held import Held, get_appointment
from okienko_server.operations.messages import forget_messages
from okienko_server.operations.once import Keyed, once
from okienko_server.storage.appointments import AppointmentStore
from okienko_server.storage.ids import new_appointment_id
from okienko_server.storage.occupancy import OccupancyStore

ALTERNATIVES = 3
ALTERNATIVE_DAYS = 7
"""Nearest alternatives are looked for this many days before and after the lost start."""


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """A start asked for: `question` says for whom and with whom (its days are ignored), `start` is aware."""

    question: Question
    start: datetime
    key: str = ""

    def fingerprint(self) -> str:
        asked = self.question
        whom = f"{asked.category} {asked.age} {asked.kind}"
        return f"hold {whom} {asked.service_id} {asked.practitioner_id} {asked.location_id} {self.start.timestamp()}"


def hold(request: HoldRequest, *, scope: Scope, desk: Desk, now: datetime) -> Held:
    """Return the proposed appointment now kept for the visitor; any other time this session held in the clinic before is given back.

    Raises SlotTaken (with alternatives) when somebody was faster, SlotRefused when the start was never on offer, ClinicUnavailable,
    NotFound, IdempotencyMismatch.
    """
    if not now - timedelta(days=366) < request.start < now + timedelta(days=5 * 366):
        raise SlotRefused("slot_past" if request.start < now else "slot_beyond_horizon")

    fresh: dict[str, Held] = {}

    def work(connection: Connection) -> str:
        free = free_times(connection, _day_of(request), scope=scope, desk=desk, now=now)
        candidates = _candidates(free, request, now)
        made = _take_first(connection, candidates, free, request, scope, desk, now)
        _give_back_others(connection, made, free, scope, now)
        fresh[made.id] = Held(made, None, free.offer)
        return made.id

    try:
        appointment_id, new = once(desk, Keyed(scope, request.key, request.fingerprint(), now), work)
    except SlotTaken:
        raise SlotTaken(alternatives(request.question, request.start, scope=scope, desk=desk, now=now)) from None
    return fresh[appointment_id] if new else get_appointment(appointment_id, scope=scope, desk=desk)


def alternatives(question: Question, start: datetime, *, scope: Scope, desk: Desk, now: datetime) -> list[datetime]:
    """Return the three free starts nearest to a lost one, aware UTC in time order: the asked practitioner's, filled up with anybody's.

    Fewer only when nobody qualified has more within a week either way.
    """
    wide = replace(question, first=start.date() - timedelta(days=ALTERNATIVE_DAYS), days=2 * ALTERNATIVE_DAYS + 1)
    free = find_slots(wide, scope=scope, desk=desk, now=now)
    found = nearest_starts(free.span, free.any_start, cell_at(start), ALTERNATIVES)
    if len(found) < ALTERNATIVES and question.practitioner_id:
        all_found = find_slots(replace(wide, practitioner_id=""), scope=scope, desk=desk, now=now)
        rest = all_found.any_start & ~free.any_start
        found = sorted(found + nearest_starts(free.span, rest, cell_at(start), ALTERNATIVES - len(found)))
    return [instant_of(cell) for cell in found]


def _day_of(request: HoldRequest) -> Question:
    # The UTC day before and the day after surely contain the local day, whatever the zone.
    return replace(request.question, first=request.start.date() - timedelta(days=1), days=3)


def _candidates(free: FreeTimes, request: HoldRequest, now: datetime) -> list[tuple[str, str]]:
    """Return (practitioner id, location id) pairs free at the start; raises the reason when there is none."""
    if not free.practitioners:
        raise SlotRefused("slot_unqualified")
    if reason := refusal(free.offer, request.start, now):
        raise reason
    cell = cell_at(request.start)
    if found := free.free_at(cell):
        return found
    asked = request.question.practitioner_id
    who = [person for person in free.practitioners if asked in ("", person.id)]
    if not who:
        raise SlotRefused("slot_unqualified")
    assert free.service is not None
    open_hours = start_masks(free.offer, free.span, who, free.service.length, {}, request.question.location_id)
    bit = cell - free.span.base
    if any(bit >= 0 and mask >> bit & 1 for mask in open_hours.values()):
        raise SlotTaken
    raise SlotRefused("slot_outside_hours")


def _take_first(
    connection: Connection,
    candidates: Sequence[tuple[str, str]],
    free: FreeTimes,
    request: HoldRequest,
    scope: Scope,
    desk: Desk,
    now: datetime,
) -> Appointment:
    """Insert the appointment for the first candidate whose cells can really be had; raises SlotTaken."""
    for practitioner_id, location_id in candidates:
        made = _proposed(practitioner_id, location_id, free, request, scope, desk, now)
        if len(candidates) == 1:
            if _insert(connection, made, free, scope, now):
                return made
            raise SlotTaken
        with connection.begin_nested() as attempt:
            if _insert(connection, made, free, scope, now):
                return made
            attempt.rollback()
    raise SlotTaken


def _proposed(
    practitioner_id: str,
    location_id: str,
    free: FreeTimes,
    request: HoldRequest,
    scope: Scope,
    desk: Desk,
    now: datetime,
) -> Appointment:
    question, service, start = request.question, free.service, instant_of(cell_at(request.start))
    assert service is not None
    made = Appointment(
        id=new_appointment_id(), clinic_id=scope.clinic_id, practitioner_id=practitioner_id, location_id=location_id,
        service_id=service.id, status=Status.PROPOSED, source=scope.source, session_id=scope.session_id, kind=service.kind,
        category=question.category, age=question.age, any_practitioner=not question.practitioner_id,
        starts_at=start, ends_at=start + service.length.treatment, created_at=now, held_until=None,
        agreement=agreed(service, free.offer.location(location_id), free.offer.clinic, desk.texts_version),
    )  # fmt: skip
    return replace(made, held_until=made.hold_ends(now))


def _insert(connection: Connection, made: Appointment, free: FreeTimes, scope: Scope, now: datetime) -> bool:
    AppointmentStore(connection, scope).add(made)
    zone = free.offer.clinic.zone
    return OccupancyStore(connection, scope).take(
        made.id, made.practitioner_id, made.occupied, made.held_until, now, zone
    )


def _give_back_others(connection: Connection, made: Appointment, free: FreeTimes, scope: Scope, now: datetime) -> None:
    store = AppointmentStore(connection, scope)
    for other in store.held_by_session():
        if other.id == made.id:
            continue
        # It may have lapsed, or been given back in another tab, since it was read.
        with suppress(StepNotAllowed):
            store.step(other, Step.RELEASE, now)
            forget_messages(connection, scope, other.id, now)
            OccupancyStore(connection, scope).free(other.id, free.offer.clinic.zone)


def release(appointment_id: str, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Give a held time back at once; nothing happens when it is not held by this session any more."""

    def work(connection: Connection) -> None:
        store = AppointmentStore(connection, scope)
        store.step(store.lock_own(appointment_id), Step.RELEASE, now)
        forget_messages(connection, scope, appointment_id, now)
        OccupancyStore(connection, scope).free(appointment_id, desk.current_offer(connection, scope).clinic.zone)

    try:
        desk.database.write(work)
    except (NotFound, StepNotAllowed):
        return
