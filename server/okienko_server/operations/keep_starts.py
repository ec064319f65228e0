"""Keeping the next free starts the portal's search reads: worked out anew wherever offer, occupancy or clock left them behind."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from okienko_server.domain.access import bits_of
from okienko_server.domain.cells import day_grid, instant_of, local_day
from okienko_server.domain.clinic import Clinic
from okienko_server.domain.contract import Use
from okienko_server.domain.offer import HealthcareService, Location, Offer, Practitioner
from okienko_server.domain.problem import Competence
from okienko_server.domain.scope import Scope, operator_scope
from okienko_server.domain.slots import Window, start_masks
from okienko_server.domain.spots import NOWHERE, UNKNOWN_TILE, lot_of, point_of, spot_of, tile_of
from okienko_server.domain.starts import SHOWN_DAYS, WINDOW_DAYS, Bounds, bounds, fold, whole_window
from okienko_server.operations.desk import Desk
from okienko_server.storage.next_starts import (
    Finished,
    Held,
    NextStartStore,
    RowKey,
    Traits,
    Worked,
)
from okienko_server.storage.starts_due import NextStartsDueStore, Therapist

CLINICS_A_TURN, THERAPISTS_A_TURN = 50, 200
WRITTEN_AT_ONCE = 25
"""Therapists whose rows are written in one transaction: fewer commits, and nobody waits long for one."""
Days = Mapping[date, int]
T = TypeVar("T")
log = logging.getLogger("okienko.worker")


def keep_starts(*, desk: Desk, now: datetime) -> int:
    """Catch up with a turn's worth of changed offers and therapists; returns how many there were, 0: nothing is behind."""
    operator = operator_scope()
    apart = desk.setbacks.at(now)
    behind = desk.database.read(lambda c: NextStartsDueStore(c, operator).behind(CLINICS_A_TURN, apart))
    for clinic_id in behind:
        _alone(clinic_id, desk, now, lambda scope: _follow_offer(scope, desk, now))
    apart = desk.setbacks.at(now)
    due = sorted(desk.database.read(lambda c: NextStartsDueStore(c, operator).due(now, THERAPISTS_A_TURN, apart)))
    for begin in range(0, len(due), WRITTEN_AT_ONCE):
        _catch_up(due[begin : begin + WRITTEN_AT_ONCE], desk, now)
    return len(behind) + len(due)


def _alone(clinic_id: str, desk: Desk, now: datetime, work: Callable[[Scope], T]) -> T | None:
    """Do a clinic's part; a fault in it is logged by its kind, stops no other clinic's, and returns None."""
    try:
        return work(operator_scope().at(clinic_id))
    except Exception as error:
        if _is_nobodys(error):
            raise
        log.warning("next starts of a clinic met %s", type(error).__name__)
        desk.setbacks.note(clinic_id, now)
    return None


def _is_nobodys(error: Exception) -> bool:
    """Return whether the database as a whole is at fault (away, locked, a deadlock): that the worker meets again by itself."""
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or isinstance(error, OperationalError | InterfaceError)


def _follow_offer(scope: Scope, desk: Desk, now: datetime) -> None:
    """Bring a clinic's rows to its present offer; what they hold is worked out afterwards, so that no booking in between is missed."""

    def work(connection: Connection) -> None:
        store = NextStartStore(connection, scope)
        offer = desk.offer(connection, scope)
        # First, because it waits for whoever is changing the offer, and tells whether anybody did.
        if store.caught_up(offer.revision):
            store.keep_only(rows_of(offer.public), offer.revision, listed=may_be_listed(offer.clinic, now))

    desk.database.write(work)


def may_be_listed(clinic: Clinic, now: datetime) -> bool:
    """Return whether the portal lists a clinic now or will without its offer changing before."""
    if not clinic.registration or not clinic.listed:
        return False
    return clinic.opens(Use.PORTAL, now) or any(
        clinic.opens(Use.PORTAL, term.starts_at) for term in clinic.terms if term.starts_at > now
    )


def _catch_up(due: Sequence[Therapist], desk: Desk, now: datetime) -> None:
    """Work therapists out and write them together; who reads does not wait for that, and whoever changes something meanwhile wins."""
    try:
        _keep(due, desk, now)
    except Exception as error:
        if _is_nobodys(error):
            raise
        for clinic_id, mine in groupby(due, key=lambda one: one[0]):
            _alone(clinic_id, desk, now, partial(_keep_alone, list(mine), desk, now))


def _keep(due: Sequence[Therapist], desk: Desk, now: datetime) -> None:
    finished = desk.database.read(lambda connection: _worked_out(connection, due, desk, now))
    desk.database.write(lambda connection: NextStartsDueStore(connection, operator_scope()).write(finished))


def _keep_alone(due: Sequence[Therapist], desk: Desk, now: datetime, _: Scope) -> None:
    _keep(due, desk, now)


def rows_of(offer: Offer) -> dict[RowKey, Traits]:
    """Return the rows a public offer asks for: every therapist at every address with every service that fits a competence."""
    order = {service_id: position for position, service_id in enumerate(offer.services)}
    return {
        RowKey(place.id, person.id, service.id): _traits(offer, person, place, service, order[service.id])
        for person in offer.practitioners.values()
        for place in offer.locations.values()
        if person.works_at(place.id)
        for service in offer.services.values()
        if service.id in person.services and _competences(person, service)
    }


def _competences(person: Practitioner, service: HealthcareService) -> tuple[Competence, ...]:
    return tuple(one for one in person.competences if service.meant_for(one.category))


def _traits(offer: Offer, person: Practitioner, place: Location, service: HealthcareService, position: int) -> Traits:
    point = point_of(place)
    return Traits(
        service.kind.value,
        position,
        _competences(person, service),
        bits_of(place.access),
        bits_of(person.languages),
        tile_of(*point) if point else UNKNOWN_TILE,
        spot_of(*point) if point else NOWHERE,
        lot_of(offer.clinic.id, place.id),
    )


@dataclass(frozen=True, slots=True)
class _Public:
    """What a clinic offers, over the days that are kept."""

    offer: Offer
    span: Window


def _worked_out(connection: Connection, due: Sequence[Therapist], desk: Desk, now: datetime) -> list[Finished]:
    """Return what the rows of therapists should hold; read in few statements, however many clinics they are of."""
    operator = operator_scope()
    store = NextStartsDueStore(connection, operator)
    # Before the occupancy: a change that comes between is seen in the occupancy, or else refuses what is written.
    versions = store.versions(due)
    clinics: dict[str, _Public] = {}
    for clinic_id, revision in desk.restock(connection, operator, {clinic for clinic, _ in due}).items():
        if found := _alone(clinic_id, desk, now, partial(_public, connection, revision, desk, now)):
            clinics[clinic_id] = found
    whom = [one for one in due if one[0] in clinics]
    if not whom:
        return []
    first = min(one.span.around[0].day for one in clinics.values())
    last = max(one.span.around[-1].day for one in clinics.values())
    days, held = store.days(whom, first, last), store.held(whom)
    finished: list[Finished] = []
    for one in whom:
        clinic_id, person = one
        work = partial(_of_therapist, clinics[clinic_id], person, days[one], held[one], now)
        worked = _alone(clinic_id, desk, now, work)
        if worked is not None:
            nothing = _nothing(clinics[clinic_id].span)
            finished += [Finished(clinic_id, key, at, worked.get(key) or nothing) for key, at in versions[one].items()]
    return finished


def _public(connection: Connection, revision: int, desk: Desk, now: datetime, scope: Scope) -> _Public:
    offer = desk.offer_at(connection, scope, revision).public
    return _Public(offer, whole_window(offer, local_day(now, offer.clinic.zone)))


def _of_therapist(
    there: _Public, practitioner_id: str, days: Days, held: list[Held], now: datetime, _: Scope
) -> dict[RowKey, Worked]:
    person = there.offer.practitioners.get(practitioner_id)
    return worked_out(there.offer, person, there.span, days, held, now) if person else {}


def _nothing(span: Window) -> Worked:
    """Return what a row holds that the offer does not ask for any more, until its clinic's rows follow the offer."""
    end = span.base + span.bookable.bit_length()
    never = instant_of(end)
    return Worked(fold(0), span.base, Bounds(end, end, end), never, never)


def worked_out(
    offer: Offer, person: Practitioner, span: Window, days: Days, held: list[Held], now: datetime
) -> dict[RowKey, Worked]:
    """Return what each row of a therapist should hold, given the occupied days and the holds among them."""
    busy = _without(days, [one.cell for one in held if one.until <= now], offer)
    hopeful = _without(busy, [one.cell for one in held], offer)
    ends = [one.until for one in held if one.until > now]
    zone, notice = offer.clinic.zone, timedelta(minutes=offer.clinic.notice_minutes)
    last = day_grid(zone, span.days[0].day + timedelta(days=WINDOW_DAYS - SHOWN_DAYS))
    good_until = min([*ends, instant_of(last.first)])
    found = {}
    for service in offer.services.values():
        if service.id not in person.services:
            continue
        exact = start_masks(offer, span, [person], service.length, {person.id: busy})
        # A hold that lapses may set an earlier time free than any now: the bound has to lie before that one as well.
        open_soon = start_masks(offer, span, [person], service.length, {person.id: hopeful}) if ends else exact
        for place_id in offer.locations:
            if not person.works_at(place_id):
                continue
            mask, hope = exact.get((person.id, place_id), 0), open_soon.get((person.id, place_id), 0)
            limits = bounds(hope, span, zone, now + notice)
            end = span.base + span.bookable.bit_length()
            firsts = [cell for cell in (limits.soonest, limits.evening, limits.weekend) if cell < end]
            passing = [instant_of(cell) - notice + timedelta(seconds=1) for cell in firsts]
            key = RowKey(place_id, person.id, service.id)
            found[key] = Worked(fold(mask), span.base, limits, good_until, min([good_until, *passing]))
    return found


def _without(days: Days, cells: list[int], offer: Offer) -> Days:
    """Return the day masks without some cells."""
    if not cells:
        return days
    left, zone = dict(days), offer.clinic.zone
    for cell in cells:
        grid = day_grid(zone, local_day(instant_of(cell), zone))
        if grid.day in left:
            left[grid.day] &= ~(1 << (cell - grid.first))
    return left
