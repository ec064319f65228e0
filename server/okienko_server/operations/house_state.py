"""How the house stands, for whoever runs it: clinics by status, messages that wait or are in doubt, what operators did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from okienko_server.domain.scope import operator_scope
from okienko_server.operations.desk import Desk
from okienko_server.storage.clinic_list import ClinicListStore
from okienko_server.storage.operators import DoneByOperator, OperatorAccountStore
from okienko_server.storage.outbox_state import OutboxStateStore

SHOWN_ACTS = 50


@dataclass(frozen=True, slots=True)
class HouseState:
    """Counts by status of contract and of message, the newest acts, and the names of operators by id."""

    clinics: Mapping[str, int]
    messages: Mapping[str, int]
    acts: tuple[DoneByOperator, ...]
    names: Mapping[str, str]


def see_state(*, desk: Desk, now: datetime) -> HouseState:
    """Return how things stand now; counts only, no name and no number of a patient."""

    def look(connection: Connection) -> HouseState:
        scope = operator_scope()
        people = OperatorAccountStore(connection, scope)
        return HouseState(
            ClinicListStore(connection, scope).counts(now),
            OutboxStateStore(connection, scope).open_messages(),
            tuple(people.done(SHOWN_ACTS)),
            {one.id: one.name for one in people.all()},
        )

    return desk.database.read(look)
