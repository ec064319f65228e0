"""The operators' page of portals: who may host the widget unpinned, with which snippet, on which sites."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from okienko_server.domain.errors import FieldRefused, FieldsRefused, NotFound
from okienko_server.operations.issue_embed import issue_portal_embed
from okienko_server.operations.portals import (
    PortalTyped,
    end_portal_snippets,
    let_portal_frame,
    list_portals,
    open_portal,
)
from okienko_server.web.guards import operator
from okienko_server.web.house import house, public_url
from okienko_server.web.policy import Policy, policy

portals = Blueprint("portals", __name__, url_prefix="/operator/portals")
_FIELDS = ("id", "name", "sites")


@portals.get("")
@policy(Policy.OPERATOR)
def page() -> Response:
    """Every portal with its snippet."""
    return _shown({}, {})


@portals.post("")
@policy(Policy.OPERATOR)
def add() -> AnyResponse:
    """A new portal."""
    typed = {name: request.form.get(name, "")[:3000] for name in _FIELDS}
    try:
        open_portal(
            PortalTyped(**typed), by=operator().operator.id, loopback=house().settings.development, desk=house().desk, now=house().clock(),
        )  # fmt: skip
    except FieldsRefused as refused:
        return _shown(typed, refused.errors, 422)
    return redirect(url_for("portals.page", did="saved"), 303)


@portals.post("/<portal_id>/sites")
@policy(Policy.OPERATOR)
def sites(portal_id: str) -> AnyResponse:
    """Which sites may frame the widget under this portal's token."""
    typed = request.form.get("sites", "")[:3000]
    try:
        let_portal_frame(
            _known(portal_id), typed, by=operator().operator.id, loopback=house().settings.development, desk=house().desk,
            now=house().clock(),
        )  # fmt: skip
    except FieldRefused as refused:
        return _shown({f"sites-{portal_id}": typed}, {f"sites-{portal_id}": refused.code}, 422)
    return redirect(url_for("portals.page", did="saved"), 303)


@portals.post("/<portal_id>/revoke")
@policy(Policy.OPERATOR)
def revoke(portal_id: str) -> AnyResponse:
    """Snippets pasted until now end, in a week or at once."""
    grace = request.form.get("when") != "now"
    end_portal_snippets(_known(portal_id), grace, by=operator().operator.id, desk=house().desk, now=house().clock())
    return redirect(url_for("portals.page", did="saved"), 303)


def _known(portal_id: str) -> str:
    if all(one.id != portal_id for one in list_portals(desk=house().desk)):
        raise NotFound
    return portal_id


def _shown(typed: Mapping[str, str], errors: Mapping[str, str], status: int = 200) -> Response:
    keys, desk = house().settings.keys.embed, house().desk
    rows = [
        (
            one,
            typed.get(f"sites-{one.id}", "\n".join(one.allowed_origins)),
            issue_portal_embed(one.id, public_url(), keys, desk=desk).element(),
        )
        for one in list_portals(desk=desk)
    ]  # fmt: skip
    page = render_template(
        "operator/portals.jinja", rows=rows, typed=dict.fromkeys(_FIELDS, "") | dict(typed), errors=errors,
        saved=request.args.get("did") == "saved",
    )  # fmt: skip
    response = make_response(page, status)
    response.headers["Cache-Control"] = "no-store"
    return response
