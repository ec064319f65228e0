"""Alembic's entry: the connection comes from `upgrade`, never from a file."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from okienko_server.storage.tables import Base, Instant


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Name our own column type the way the template imports it."""
    return "Instant()" if kind == "type" and isinstance(item, Instant) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    transactional_ddl=False,
    render_item=render_item,
)
context.run_migrations()
