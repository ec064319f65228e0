"""A clinic goes online by itself: what is still missing, the switch, the portal's list, and a pause with words for patients."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from okienko_server.domain.audit import Act
from okienko_server.domain.cells import local_day
from okienko_server.domain.checklist import Item, checklist
from okienko_server.domain.contract import OPENS, ContractStatus, Use
from okienko_server.domain.details import printable
from okienko_server.domain.errors import EditConflict, FieldRefused, FieldsRefused, NotAllowed
from okienko_server.domain.offer import Offer
from okienko_server.domain.phone import any_polish
from okienko_server.domain.roles import Right
from okienko_server.domain.scope import Scope
from okienko_server.operations.desk import Desk
from okienko_server.storage.clinic_settings import ClinicSettingsStore

MAX_MESSAGE = 200
LONGEST_PAUSE = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Joining:
    """Where a clinic stands: its whole offer, its contract's status, what is missing."""

    offer: Offer
    status: ContractStatus
    missing: tuple[Item, ...]

    @property
    def allowed(self) -> bool:
        """True when the contract lets the clinic switch online registration on."""
        return Use.IFRAME in OPENS[self.status]


@dataclass(frozen=True, slots=True)
class PauseTyped:
    """A pause as typed: words for patients, another telephone than the clinic's, the day it is back ("2026-12-01"); each may be empty."""

    message: str
    phone: str
    back_on: str


class NotYet(NotAllowed):
    """Something that stops patients is missing, and whoever pressed had not seen all of it: `missing` says what."""

    def __init__(self, missing: tuple[Item, ...]) -> None:
        self.missing = missing
        super().__init__()


def see_joining(*, scope: Scope, desk: Desk, now: datetime) -> Joining:
    """Return where the scope's clinic stands; raises NotAllowed."""
    scope.own_only(Right.CHANGE_SETTINGS)
    return desk.database.read(lambda connection: _look(connection, scope, desk, now))


def switch_registration(on: bool, *, seen: Collection[str] = (), scope: Scope, desk: Desk, now: datetime) -> None:
    """Switch online registration on or off, for patients at once.

    Raises NotAllowed when the contract does not allow it, NotYet while something stops patients that is not among `seen` (names of lacks).
    """
    scope.own_only(Right.CHANGE_SETTINGS)

    def work(connection: Connection) -> None:
        found = _look(connection, scope, desk, now)
        if on:
            if not found.allowed:
                raise NotAllowed
            stopping = tuple(item for item in found.missing if item.stops)
            if any(item.lack not in seen for item in stopping):
                raise NotYet(stopping)
        if found.offer.clinic.registration is not on:
            ClinicSettingsStore(connection, scope).change(registration=on)
            act = Act.SWITCH_ON if on else Act.SWITCH_OFF
            desk.note_act(connection, scope, act, "clinic", scope.clinic_id, now)

    desk.database.write(work)


def list_in_portal(listed: bool, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Let the portal's search name the clinic, or not; its links and frames work either way. Raises NotAllowed."""
    scope.own_only(Right.CHANGE_SETTINGS)

    def work(connection: Connection) -> None:
        if desk.offer(connection, scope).clinic.listed is not listed:
            ClinicSettingsStore(connection, scope).change(listed=listed)
            desk.note_act(connection, scope, Act.CHANGE_SETTINGS, "clinic", scope.clinic_id, now)

    desk.database.write(work)


def pause(typed: PauseTyped, revision: int, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Ask patients to wait from now on; appointments already made stay, whoever holds a time may finish.

    Raises FieldsRefused (message: message_long, bad_request; phone: as `any_polish`; back_on: day_invalid, back_past, back_far),
    EditConflict, NotAllowed.
    """
    scope.own_only(Right.CHANGE_SETTINGS)

    def work(connection: Connection) -> None:
        clinic = desk.offer(connection, scope).clinic
        message, phone, back_on = _checked(typed, local_day(now, clinic.zone))
        columns = {
            "paused_at": clinic.pause.since if clinic.paused(now) and clinic.pause else now,
            "pause_message": message or None,
            "pause_phone": phone or None,
            "back_on": back_on.isoformat() if back_on else None,
        }
        if not ClinicSettingsStore(connection, scope).change(revision, **columns):
            raise EditConflict
        desk.note_act(connection, scope, Act.PAUSE, "clinic", scope.clinic_id, now)

    desk.database.write(work)


def end_pause(*, scope: Scope, desk: Desk, now: datetime) -> None:
    """Take patients again; nothing happens when there is no pause. Raises NotAllowed."""
    scope.own_only(Right.CHANGE_SETTINGS)

    def work(connection: Connection) -> None:
        if desk.offer(connection, scope).clinic.pause is not None:
            ClinicSettingsStore(connection, scope).change(
                paused_at=None, pause_message=None, pause_phone=None, back_on=None
            )
            desk.note_act(connection, scope, Act.END_PAUSE, "clinic", scope.clinic_id, now)

    desk.database.write(work)


def _look(connection: Connection, scope: Scope, desk: Desk, now: datetime) -> Joining:
    offer = desk.offer(connection, scope)
    return Joining(offer, offer.clinic.status(now), checklist(offer))


def _checked(typed: PauseTyped, today: date) -> tuple[str, str, date | None]:
    errors: dict[str, str] = {}
    message, phone, back_on = " ".join(typed.message.split()), "", None
    if len(message) > MAX_MESSAGE or not printable(message):
        errors["message"] = "message_long" if len(message) > MAX_MESSAGE else "bad_request"
    try:
        phone = any_polish(typed.phone) if typed.phone.strip() else ""
    except FieldRefused as refused:
        errors["phone"] = refused.code
    try:
        back_on = date.fromisoformat(typed.back_on) if typed.back_on else None
    except ValueError:
        errors["back_on"] = "day_invalid"
    if back_on and back_on <= today:
        errors["back_on"] = "back_past"
    elif back_on and back_on > today + LONGEST_PAUSE:
        errors["back_on"] = "back_far"
    if errors:
        raise FieldsRefused(errors)
    return message, phone, back_on
