"""The clinic's own rules of online registration: notice, horizon, steps of starts, cancellation, time for an answer, holidays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from okienko_server.domain.audit import Act
from okienko_server.domain.errors import EditConflict, FieldsRefused
from okienko_server.domain.offer import Offer
from okienko_server.domain.roles import Right
from okienko_server.domain.scope import Scope
from okienko_server.operations.change_hours import ANSWER_CHOICES
from okienko_server.operations.desk import Desk
from okienko_server.storage.clinic_settings import ClinicSettingsStore

HOUR, DAY = 60, 24 * 60
CHOICES: dict[str, tuple[int, ...]] = {
    "notice_minutes": (0, 30, HOUR, 2 * HOUR, 4 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY),
    "horizon_days": (7, 14, 30, 60, 90, 180, 365),
    "slot_step_minutes": (5, 10, 15, 20, 30, 60),
    "cancel_minutes": (0, 2 * HOUR, 4 * HOUR, 12 * HOUR, DAY, 2 * DAY),
    "answer_minutes": ANSWER_CHOICES,
}
"""What a clinic may choose; a value from before, or from the command line, stays choosable while it is the clinic's own."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Minutes, days and whether public holidays are ordinary days; `revision` is the one the asker saw."""

    notice_minutes: int
    horizon_days: int
    slot_step_minutes: int
    cancel_minutes: int
    answer_minutes: int
    open_on_holidays: bool
    revision: int

    def numbers(self) -> dict[str, int]:
        """Return the rules that are chosen from a list."""
        return {name: getattr(self, name) for name in CHOICES}


def rules_of(offer: Offer) -> Rules:
    """Return the rules a clinic has now."""
    c = offer.clinic
    return Rules(
        c.notice_minutes, c.horizon_days, c.slot_step_minutes, c.cancel_minutes, c.answer_minutes, c.open_on_holidays, offer.revision,
    )  # fmt: skip


def see_rules(*, scope: Scope, desk: Desk) -> Offer:
    """Return the offer as it stands; raises NotAllowed."""
    scope.own_only(Right.CHANGE_SETTINGS)
    return desk.database.read(lambda connection: desk.offer(connection, scope))


def set_rules(asked: Rules, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Write the rules; free times follow at once, appointments already made stay.

    Raises FieldsRefused (choice_missing) for what is no choice, EditConflict, NotAllowed.
    """
    scope.own_only(Right.CHANGE_SETTINGS)

    def work(connection: Connection) -> None:
        kept = rules_of(desk.offer(connection, scope)).numbers()
        numbers = asked.numbers()
        wrong = {name: "choice_missing" for name, n in numbers.items() if n not in CHOICES[name] and n != kept[name]}
        if wrong:
            raise FieldsRefused(wrong)
        columns = numbers | {"open_on_holidays": asked.open_on_holidays}
        if not ClinicSettingsStore(connection, scope).change(asked.revision, **columns):
            raise EditConflict
        desk.note_act(connection, scope, Act.CHANGE_SETTINGS, "clinic", scope.clinic_id, now)

    desk.database.write(work)
