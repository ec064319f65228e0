"""Who may enter: every view declares its policy, and the app refuses to start while one does not."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar

from flask import Flask

View = TypeVar("View", bound=Callable[..., Any])
_MARK = "okienko_policy"


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
    """A signed-in staff session; writes also need its CSRF token."""
    DEMO = "demo"
    """Exists only in development and demo."""


def policy(kind: Policy) -> Callable[[View], View]:
    """Declare what a view asks for."""

    def declare(view: View) -> View:
        setattr(view, _MARK, kind)
        return view

    return declare


def policy_of(app: Flask, endpoint: str) -> Policy | None:
    """Return the declared policy of an endpoint, or None."""
    found = getattr(app.view_functions.get(endpoint), _MARK, None)
    return found if isinstance(found, Policy) else None


def check_policies(app: Flask) -> None:
    """Raise RuntimeError naming every rule without a policy."""
    bare = sorted({rule.rule for rule in app.url_map.iter_rules() if policy_of(app, rule.endpoint) is None})
    if bare:
        raise RuntimeError(f"routes without a policy: {', '.join(bare)}")
