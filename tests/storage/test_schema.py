"""Rules every table and every store keeps, so that the same schema may be sharded by clinic."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import ForeignKeyConstraint, Table, UniqueConstraint
from sqlalchemy.dialects import registry
from sqlalchemy.schema import CreateIndex, CreateTable

import okienko_server.storage
from okienko_server.storage.directory import PortalStore
from okienko_server.storage.store import ClinicStore, OperatorStore
from okienko_server.storage.tables import Base

TABLES = sorted(Base.metadata.tables.values(), key=lambda table: table.name)
OF_NOBODY = ["operator", "operator_act", "operator_link", "operator_session", "portal", "rate_counter", "sms_tariff"]
"""A portal is somebody else's page; a refused sign-in may name no clinic at all; a price is the same for every clinic."""
OF_CLINICS = [table for table in TABLES if table.name not in OF_NOBODY]
FORBIDDEN = re.compile(
    r"\bnow\s*\(|current_(?:time|date|timestamp)|localtime|clock_timestamp|gen_random_uuid|extension|exclude|"
    r"\bserial\b|identity|autoincrement|trigger|\bdefault\b",
    re.IGNORECASE,
)


def families(kind: type[Any]) -> Iterator[type[Any]]:
    for heir in kind.__subclasses__():
        yield heir
        yield from families(heir)


def stores(kind: type[Any]) -> list[type[Any]]:
    for module in pkgutil.iter_modules(okienko_server.storage.__path__, "okienko_server.storage."):
        importlib.import_module(module.name)
    return sorted(families(kind), key=lambda store: store.__name__)


def methods(store: type[Any]) -> list[tuple[str, Callable[..., Any]]]:
    return [(name, method) for name, method in inspect.getmembers(store, inspect.isfunction) if name != "__init__"]


@pytest.mark.parametrize("table", OF_CLINICS, ids=lambda table: table.name)
def test_the_clinic_comes_first_in_every_key(table: Table) -> None:
    assert next(iter(table.primary_key.columns)).name == "clinic_id"
    for constraint in table.constraints:
        if isinstance(constraint, ForeignKeyConstraint | UniqueConstraint):
            assert next(iter(constraint.columns)).name == "clinic_id", constraint.name
        if isinstance(constraint, ForeignKeyConstraint):
            first = constraint.elements[0]
            assert (first.parent.name, first.column.name) == ("clinic_id", "clinic_id"), constraint.name
    for index in table.indexes:
        assert not index.unique or next(iter(index.columns)).name == "clinic_id", index.name


@pytest.mark.parametrize("table", OF_CLINICS, ids=lambda table: table.name)
def test_every_row_of_a_clinic_hangs_on_its_clinic(table: Table) -> None:
    if table.name != "clinic":
        assert any(isinstance(constraint, ForeignKeyConstraint) for constraint in table.constraints)


def test_no_other_table_belongs_to_no_clinic() -> None:
    assert [table.name for table in TABLES if "clinic_id" not in table.columns] == OF_NOBODY


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_no_table_asks_the_database_for_a_clock_or_an_extension(table: Table, engine: str) -> None:
    dialect = registry.load(engine)()
    ddl = [str(CreateTable(table).compile(dialect=dialect))]
    ddl += [str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes]
    assert not [found for text in ddl if (found := FORBIDDEN.search(text))]
    assert not [c.name for c in table.columns if c.server_default is not None or c.server_onupdate is not None]
    assert not [c.name for c in table.columns if c.identity is not None or c.computed is not None]


def test_the_forbidden_words_would_be_found() -> None:
    for ddl in (
        "created_at TIMESTAMP DEFAULT now()",
        "CREATE EXTENSION btree_gist",
        "EXCLUDE USING gist",
        "id BIGSERIAL, SERIAL",
    ):
        assert FORBIDDEN.search(ddl)


@pytest.mark.parametrize("store", stores(ClinicStore), ids=lambda store: store.__name__)
def test_no_method_of_a_clinics_store_takes_a_clinic(store: type[ClinicStore]) -> None:
    assert list(inspect.signature(store).parameters) == ["connection", "scope"]
    taking = [
        (name, parameter)
        for name, method in methods(store)
        for parameter in inspect.signature(method).parameters
        if re.search(r"clinic|tenant|scope", parameter)
    ]
    assert taking == []


def test_every_store_is_a_clinics_an_operators_or_the_portals() -> None:
    known = {store.__name__ for store in (*stores(ClinicStore), *stores(OperatorStore), *stores(PortalStore))}
    assert {"AppointmentStore", "OccupancyStore", "OfferStore", "OutboxStore", "StaffSessionStore"} <= known
    found = set()
    for module in pkgutil.iter_modules(okienko_server.storage.__path__, "okienko_server.storage."):
        classes = inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
        found |= {name for name, _ in classes if name.endswith("Store")}
    assert found - known == {"ClinicStore", "OperatorStore", "PortalStore"}


def test_no_store_asks_the_machine_for_the_time() -> None:
    for store in (*stores(ClinicStore), *stores(OperatorStore)):
        source = inspect.getsource(inspect.getmodule(store) or store)
        assert not re.search(r"func\.now|datetime\.now|utcnow|time\.time\(|date\.today", source), store.__name__
