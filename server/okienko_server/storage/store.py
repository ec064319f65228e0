"""The base of every store: one connection, one Scope."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from okienko_server.domain.errors import ForeignClinic
from okienko_server.domain.scope import Scope, ScopeKind


def on_both(make: Callable[[Any], Any]) -> dict[str, Any]:
    """Return a statement with ON CONFLICT once for each engine; statements are made once, because making one costs more than running it."""
    return {"postgresql": make(postgresql.insert), "sqlite": make(sqlite.insert)}


def padded(values: Iterable[Any]) -> list[Any]:
    """Return the values, the last one repeated up to a power of two: so there are few statements, and each is prepared once."""
    found = list(values)
    return [*found, *[found[-1]] * ((1 << (len(found) - 1).bit_length()) - len(found))] if found else []


class ClinicStore:
    """Rows of the one clinic the scope stands in; raises ForeignClinic when the scope names none."""

    def __init__(self, connection: Connection, scope: Scope) -> None:
        if not scope.clinic_id:
            raise ForeignClinic
        self.connection = connection
        self.scope = scope
        self.clinic_id = scope.clinic_id
        self.dialect = connection.dialect.name


class OperatorStore:
    """Rows of all clinics, for the house itself (worker, sweeps, command line); raises ForeignClinic for anybody else."""

    def __init__(self, connection: Connection, scope: Scope) -> None:
        if scope.kind is not ScopeKind.OPERATOR:
            raise ForeignClinic
        self.connection = connection
