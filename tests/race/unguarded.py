"""The statement of the control: the same run of cells, inserted with nothing to stop two of a kind."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select, true

from okienko_server.storage.tables import Instant


def plain_insert(insert: Any, table: Any) -> Any:
    """Return an insert of the cells from `first` to `last` without ON CONFLICT."""
    span = select(bindparam("first").label("cell")).cte("span", recursive=True)
    span = span.union_all(select(span.c.cell + 1).where(span.c.cell < bindparam("last")))
    held = bindparam("held_until", type_=Instant())
    rows = select(bindparam("clinic"), bindparam("resource"), span.c.cell, bindparam("appointment"), held).where(true())
    names = ["clinic_id", "resource_id", "cell", "appointment_id", "held_until"]
    return insert(table).from_select(names, rows).returning(table.c.cell)
