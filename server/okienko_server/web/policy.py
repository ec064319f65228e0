"""Who may enter: every view declares its policy, and the app refuses to start while one does not."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar

from flask import Flask

from okienko_server.domain.roles import Right

View = TypeVar("View", bound=Callable[..., Any])
_MARK, _RIGHT, _LARGE = "okienko_policy", "okienko_right", "okienko_large"


class Policy(Enum):
    """The credential a route asks for; `guards` turns each into a Scope."""

    PUBLIC = "public"
    """No credential and no scope: health, documents that hold nothing of anybody."""
    PORTAL = "portal"
    """Our own portal pages: a fresh unpinned visitor."""
    EMBED = "embed"
    """The path carries an EmbedToken or PortalToken."""
    FORM = "form"
    """The form carries a WidgetSession."""
    BEARER = "bearer"
    """The Authorization header carries a WidgetSession."""
    STAFF = "staff"
    """A signed-in staff session whose role has the right named beside it; writes also need its CSRF token."""
    OPERATOR = "operator"
    """A signed-in operator; writes also need the session's CSRF token."""
    FEED = "feed"
    """The path carries a therapist's private calendar address."""
    GATEWAY = "gateway"
    """The SMS gateway's own call; its adapter asks for the proof, and no scope comes of it."""
    DEMO = "demo"
    """Exists only in development and demo."""


def policy(kind: Policy, right: Right | None = None) -> Callable[[View], View]:
    """Declare what a view asks for; a staff view names the right it needs."""

    def declare(view: View) -> View:
        setattr(view, _MARK, kind)
        setattr(view, _RIGHT, right)
        return view

    return declare


def large_form(view: View) -> View:
    """Declare that a view takes a long document: half a megabyte instead of the usual bound."""
    setattr(view, _LARGE, True)
    return view


def is_large(app: Flask, endpoint: str) -> bool:
    """Return whether an endpoint takes a long document."""
    return bool(getattr(app.view_functions.get(endpoint), _LARGE, False))


def policy_of(app: Flask, endpoint: str) -> Policy | None:
    """Return the declared policy of an endpoint, or None."""
    found = getattr(app.view_functions.get(endpoint), _MARK, None)
    return found if isinstance(found, Policy) else None


def right_of(app: Flask, endpoint: str) -> Right | None:
    """Return the right a staff endpoint declares, or None."""
    found = getattr(app.view_functions.get(endpoint), _RIGHT, None)
    return found if isinstance(found, Right) else None


def check_policies(app: Flask) -> None:
    """Raise RuntimeError naming every rule without a policy, and every staff rule without a right."""
    bare = sorted({rule.rule for rule in app.url_map.iter_rules() if not _declared(app, rule.endpoint)})
    if bare:
        raise RuntimeError(f"routes without a policy: {', '.join(bare)}")


def _declared(app: Flask, endpoint: str) -> bool:
    kind = policy_of(app, endpoint)
    return kind is not None and (kind is not Policy.STAFF or right_of(app, endpoint) is not None)
