"""What every step of a booking answers with: the appointment, its code's state, the offer it stands in."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from okienko_server.domain.appointment import Appointment
from okienko_server.domain.offer import Offer
from okienko_server.domain.scope import Scope
from okienko_server.domain.verification import Challenge
from okienko_server.operations.desk import Desk
from okienko_server.storage.appointments import AppointmentStore


@dataclass(frozen=True, slots=True)
class Held:
    """One visitor's appointment as it stands after a step; no challenge while no code was sent."""

    appointment: Appointment
    challenge: Challenge | None
    offer: Offer


def get_appointment(appointment_id: str, *, scope: Scope, desk: Desk) -> Held:
    """Return this session's appointment and the state of its code; raises NotFound."""

    def look(connection: Connection) -> Held:
        found = AppointmentStore(connection, scope).own(appointment_id)
        return Held(found.appointment, found.challenge, desk.offer_at(connection, scope, found.revision))

    return desk.database.read(look)
