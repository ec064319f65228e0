"""Portals of others, as whoever runs the house sees to them: listed, added, let frame, their snippets ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from okienko_server.domain.errors import FieldRefused, FieldsRefused
from okienko_server.domain.plan import PlanRefused
from okienko_server.domain.scope import operator_scope
from okienko_server.domain.website import sites_of
from okienko_server.operations.desk import Desk
from okienko_server.operations.onboard_clinic import add_portal, allow_portal_origins
from okienko_server.operations.revoke_tokens import raise_portal
from okienko_server.storage.generations import Portal, TokenStore
from okienko_server.storage.operators import OperatorAccountStore

GRACE_DAYS = 7


@dataclass(frozen=True, slots=True)
class PortalTyped:
    """A portal as typed: id, name, addresses a line each."""

    id: str
    name: str
    sites: str


def list_portals(*, desk: Desk) -> list[Portal]:
    """Return every portal by id."""
    return desk.database.read(lambda connection: TokenStore(connection, operator_scope()).portals())


def open_portal(typed: PortalTyped, *, by: str, loopback: bool, desk: Desk, now: datetime) -> None:
    """Record a portal that may host the widget unpinned. Raises FieldsRefused: id (slug_invalid, also when taken), name, sites."""
    errors: dict[str, str] = {}
    if not typed.name.strip() or len(typed.name) > 100 or not typed.name.isprintable():
        errors["name"] = "required"
    sites: tuple[str, ...] = ()
    try:
        sites = sites_of(typed.sites, loopback=loopback)
    except FieldRefused as refused:
        errors[refused.field] = refused.code
    if errors:
        raise FieldsRefused(errors)
    try:
        add_portal(typed.id.strip(), typed.name.strip(), desk=desk)
    except PlanRefused:
        raise FieldsRefused({"id": "slug_invalid"}) from None
    allow_portal_origins(typed.id.strip(), sites, desk=desk)
    _note(by, "open_portal", typed.id.strip(), desk, now)


def let_portal_frame(portal_id: str, typed: str, *, by: str, loopback: bool, desk: Desk, now: datetime) -> None:
    """Let exactly these sites frame the widget under a portal's token. Raises SitesRefused, FieldRefused, NotFound."""
    allow_portal_origins(portal_id, sites_of(typed, loopback=loopback), desk=desk)
    _note(by, "portal_sites", portal_id, desk, now)


def end_portal_snippets(portal_id: str, grace: bool, *, by: str, desk: Desk, now: datetime) -> None:
    """Make every snippet a portal pasted until now invalid, at once or after GRACE_DAYS days. Raises NotFound.

    Asked for with a grace while one runs, it changes nothing: the week that was promised stays whole.
    """

    def work(connection: Connection) -> None:
        _, raised = raise_portal(connection, portal_id, GRACE_DAYS if grace else 0, now)
        if raised:
            OperatorAccountStore(connection, operator_scope()).note(by, "portal_revoke", portal_id, now)

    desk.database.write(work)


def _note(by: str, action: str, portal_id: str, desk: Desk, now: datetime) -> None:
    desk.database.write(
        lambda connection: OperatorAccountStore(connection, operator_scope()).note(by, action, portal_id, now)
    )
