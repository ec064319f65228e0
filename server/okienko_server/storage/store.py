"""The base of every store: one connection, one Scope."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from okienko_server.domain.errors import ForeignClinic
from okienko_server.domain.scope import Scope, ScopeKind


class ClinicStore:
    """Rows of the one clinic the scope stands in; raises ForeignClinic when the scope names none."""

    def __init__(self, connection: Connection, scope: Scope) -> None:
        if not scope.clinic_id:
            raise ForeignClinic
        self.connection = connection
        self.scope = scope
        self.clinic_id = scope.clinic_id

    def insert_into(self, table: Any) -> Any:
        """Return an insert of the engine's own dialect, the one that knows ON CONFLICT."""
        return (postgresql if self.connection.dialect.name == "postgresql" else sqlite).insert(table)


class OperatorStore:
    """Rows of all clinics, for the house itself (worker, sweeps, command line); raises ForeignClinic for anybody else."""

    def __init__(self, connection: Connection, scope: Scope) -> None:
        if scope.kind is not ScopeKind.OPERATOR:
            raise ForeignClinic
        self.connection = connection
