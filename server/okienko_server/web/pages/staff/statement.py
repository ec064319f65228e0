"""The statement of a month's messages as a page made for paper."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, url_for

from okienko_server.domain.roles import Right
from okienko_server.web.pages.staff.messages import asked_month
from okienko_server.web.pages.staff.sheet import sheet_of
from okienko_server.web.policy import Policy, policy

statement = Blueprint("statement", __name__, url_prefix="/staff")


@statement.get("/messages/statement")
@policy(Policy.STAFF, Right.SEE_MONEY)
def page() -> Response:
    """One month, the present one unless another is asked for."""
    found = asked_month()
    back = url_for("messages.page", month=found.statement.month)
    return make_response(render_template("staff/statement.jinja", page=sheet_of(found), style="", back=back))
