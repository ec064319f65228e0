"""Opening and working hours, absences, the time for an answer: changed with a look at what the change would break."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from okienko_server.domain.appointment import MOVABLE, Appointment, Status
from okienko_server.domain.audit import Act
from okienko_server.domain.details import printable
from okienko_server.domain.errors import EditConflict, FieldRefused, FieldsRefused, NotAllowed
from okienko_server.domain.hours import DAYS, Span, left_outside, spans_of, with_opening, with_working
from okienko_server.domain.offer import Absence, Offer
from okienko_server.domain.roles import Reach, Right
from okienko_server.domain.scope import Scope
from okienko_server.operations.desk import Desk
from okienko_server.storage.appointments import AppointmentStore
from okienko_server.storage.hours import HoursStore, KeptAbsence

AHEAD = timedelta(days=2 * 366)
ANSWER_CHOICES = (60, 120, 240, 480, 1440)
"""Minutes a clinic may give itself for an answer."""
MAX_REASON = 100


@dataclass(frozen=True, slots=True)
class WeekAsked:
    """Hours as typed: seven texts from Monday; no practitioner means the location's opening hours. `revision` is the one the asker saw."""

    location_id: str
    practitioner_id: str
    days: tuple[str, ...]
    revision: int


def see_hours(
    right: Right = Right.CHANGE_HOURS, *, scope: Scope, desk: Desk, now: datetime
) -> tuple[Offer, list[KeptAbsence]]:
    """Return the offer as it stands and the absences to come within the reach of a right; raises NotAllowed."""
    own = scope.own_only(right)

    def work(connection: Connection) -> tuple[Offer, list[KeptAbsence]]:
        offer = desk.offer(connection, scope)
        coming = HoursStore(connection, scope).absences(now)
        return offer, [one for one in coming if own in ("", one.practitioner_id)]

    return desk.database.read(work)


def preview_hours(asked: WeekAsked, *, scope: Scope, desk: Desk, now: datetime) -> list[Appointment]:
    """Return the coming appointments, and times held right now, that the new hours would leave outside; changes nothing.

    Raises as `change_hours`.
    """
    week = _checked(asked, scope)

    def work(connection: Connection) -> list[Appointment]:
        before = desk.offer(connection, scope)
        return _broken(
            connection, before, _changed(before, asked, week), scope.own_only(Right.CHANGE_HOURS), scope, now
        )

    return desk.database.read(work)


def change_hours(asked: WeekAsked, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Write the new hours; patients' free times follow at once, appointments already made stay.

    Raises FieldsRefused with one code per day (monday = day-0), EditConflict when the offer changed since, NotAllowed, NotFound.
    """
    week = _checked(asked, scope)

    def work(connection: Connection) -> None:
        store = HoursStore(connection, scope)
        offer = desk.offer(connection, scope)
        if not store.take_revision(asked.revision):
            raise EditConflict
        _changed(offer, asked, week)
        if asked.practitioner_id:
            store.set_working(asked.practitioner_id, asked.location_id, week)
        else:
            store.set_opening(asked.location_id, week)
        kind, key = (
            ("practitioner", asked.practitioner_id) if asked.practitioner_id else ("location", asked.location_id)
        )
        desk.note_act(connection, scope, Act.CHANGE_HOURS, kind, key, now)

    desk.database.write(work)


def _checked(asked: WeekAsked, scope: Scope) -> list[tuple[Span, ...]]:
    own = scope.own_only(Right.CHANGE_HOURS)
    if not asked.practitioner_id and own:
        raise NotAllowed
    if asked.practitioner_id:
        scope.check_own(Right.CHANGE_HOURS, asked.practitioner_id)
    errors: dict[str, str] = {}
    week: list[tuple[Span, ...]] = []
    for day in range(DAYS):
        try:
            week.append(spans_of(asked.days[day], field=f"day-{day}"))
        except FieldRefused as refused:
            errors[refused.field] = refused.code
    if errors:
        raise FieldsRefused(errors)
    return week


def _changed(offer: Offer, asked: WeekAsked, week: Sequence[tuple[Span, ...]]) -> Offer:
    offer.location(asked.location_id)
    if asked.practitioner_id:
        return with_working(offer, asked.practitioner_id, asked.location_id, week)
    return with_opening(offer, asked.location_id, week)


def _broken(
    connection: Connection, before: Offer, after: Offer, own: str, scope: Scope, now: datetime
) -> list[Appointment]:
    coming = AppointmentStore(connection, scope).between(now, now + AHEAD, MOVABLE | {Status.PROPOSED}, own)
    return left_outside(coming, before, after, now)


@dataclass(frozen=True, slots=True)
class AbsenceAsked:
    """A span of aware time without work, half-open; patients never see the reason."""

    practitioner_id: str
    start: datetime
    end: datetime
    reason: str = ""


def preview_absence(asked: AbsenceAsked, *, scope: Scope, desk: Desk, now: datetime) -> list[Appointment]:
    """Return the appointments, and times held right now, that fall into an absence; they stay, and want to be moved.

    Raises as `add_absence`.
    """
    _check_absence(asked, scope, now)

    def work(connection: Connection) -> list[Appointment]:
        before = desk.offer(connection, scope)
        before.practitioner(asked.practitioner_id)
        away = Absence(asked.practitioner_id, asked.start, asked.end)
        after = replace(before, absences=(*before.absences, away), _masks={}, _spans={})
        return _broken(connection, before, after, scope.own_only(Right.CHANGE_SCHEDULE), scope, now)

    return desk.database.read(work)


def add_absence(asked: AbsenceAsked, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Write an absence; its time is offered to nobody from now on. Raises FieldsRefused, NotAllowed, NotFound."""
    _check_absence(asked, scope, now)

    def work(connection: Connection) -> None:
        desk.offer(connection, scope).practitioner(asked.practitioner_id)
        HoursStore(connection, scope).add_absence(asked.practitioner_id, asked.start, asked.end, asked.reason.strip())
        desk.note_act(connection, scope, Act.ADD_ABSENCE, "practitioner", asked.practitioner_id, now)

    desk.database.write(work)


def remove_absence(absence_id: str, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Take an absence back; its time is offered again. Raises NotAllowed, NotFound."""
    own = scope.own_only(Right.CHANGE_SCHEDULE)

    def work(connection: Connection) -> None:
        whose = HoursStore(connection, scope).remove_absence(absence_id, own)
        desk.note_act(connection, scope, Act.REMOVE_ABSENCE, "practitioner", whose, now)

    desk.database.write(work)


def _check_absence(asked: AbsenceAsked, scope: Scope, now: datetime) -> None:
    scope.check_own(Right.CHANGE_SCHEDULE, asked.practitioner_id)
    errors: dict[str, str] = {}
    if not asked.start < asked.end or asked.end <= now or asked.start > now + AHEAD or asked.end > now + 2 * AHEAD:
        errors["until"] = "absence_invalid"
    if len(asked.reason) > MAX_REASON or not printable(asked.reason):
        errors["reason"] = "reason_too_long" if len(asked.reason) > MAX_REASON else "bad_request"
    if errors:
        raise FieldsRefused(errors)


def change_answer_time(minutes: int, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Say how long a reservation may wait for an answer: one of ANSWER_CHOICES minutes. Raises FieldRefused, NotAllowed."""
    if scope.reach(Right.CHANGE_HOURS) is not Reach.ALL:
        raise NotAllowed
    if minutes not in ANSWER_CHOICES:
        raise FieldRefused("bad_request", field="answer")

    def work(connection: Connection) -> None:
        HoursStore(connection, scope).set_answer_minutes(minutes)
        desk.note_act(connection, scope, Act.CHANGE_SETTINGS, "clinic", scope.clinic_id, now)

    desk.database.write(work)
