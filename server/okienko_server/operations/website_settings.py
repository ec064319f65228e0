"""The clinic's website: which sites may frame the window, how it stands there, new snippets, whether search engines may keep its page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from okienko.snippet import MODES
from okienko_server.domain.audit import Act
from okienko_server.domain.errors import EditConflict, FieldsRefused
from okienko_server.domain.roles import Right
from okienko_server.domain.scope import Scope
from okienko_server.domain.website import sites_of
from okienko_server.operations.desk import Desk
from okienko_server.operations.revoke_tokens import raise_clinic
from okienko_server.storage.clinic_settings import ClinicSettingsStore

GRACE_DAYS = 7
_COLOUR = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class WebsiteTyped:
    """Addresses with a line each, one of the snippet's modes, a colour "#rrggbb" or nothing, whether search engines may keep its page."""

    sites: str
    mode: str
    accent: str
    indexed: bool = True


def save_website(
    typed: WebsiteTyped, revision: int, *, loopback: bool, scope: Scope, desk: Desk, now: datetime
) -> None:
    """Write the clinic's website; frames are allowed and refused accordingly at once. `loopback` also allows http on this machine.

    Raises FieldsRefused (mode: choice_missing, accent: colour_invalid), SitesRefused or FieldRefused for the sites,
    EditConflict, NotAllowed.
    """
    scope.own_only(Right.CHANGE_SETTINGS)
    accent = typed.accent.strip().lower()
    errors = {}
    if typed.mode not in MODES:
        errors["mode"] = "choice_missing"
    if accent and not _COLOUR.fullmatch(accent):
        errors["accent"] = "colour_invalid"
    # Which line is wrong is told first; what is wrong beside it comes with the next press.
    sites = sites_of(typed.sites, loopback=loopback)
    if errors:
        raise FieldsRefused(errors)

    def work(connection: Connection) -> None:
        columns = {
            "allowed_origins": " ".join(sites), "embed_mode": typed.mode, "accent": accent or None, "indexed": typed.indexed,
        }  # fmt: skip
        if not ClinicSettingsStore(connection, scope).change(revision, **columns):
            raise EditConflict
        desk.note_act(connection, scope, Act.CHANGE_SETTINGS, "clinic", scope.clinic_id, now)

    desk.database.write(work)


def renew_snippets(grace: bool, *, scope: Scope, desk: Desk, now: datetime) -> None:
    """Make every snippet pasted until now invalid, at once or after GRACE_DAYS days. Raises NotAllowed.

    Asked for with a grace while one runs, it changes nothing: the week that was promised stays whole.
    """
    scope.own_only(Right.CHANGE_SETTINGS)

    def work(connection: Connection) -> None:
        _, raised = raise_clinic(connection, scope.clinic_id, GRACE_DAYS if grace else 0, now)
        if raised:
            desk.note_act(connection, scope, Act.RENEW_SNIPPETS, "clinic", scope.clinic_id, now)

    desk.database.write(work)
