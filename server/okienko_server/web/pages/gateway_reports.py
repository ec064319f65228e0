"""Where the SMS gateway reports what became of a message. Whether it is the gateway, its adapter decides."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, request

from okienko_server.operations.take_reports import take_reports
from okienko_server.sms.choose import REPORTS
from okienko_server.sms.gateway import Call, ReportRefused
from okienko_server.web.house import house, public_url
from okienko_server.web.policy import Policy, policy

gateway_reports = Blueprint("gateway_reports", __name__)


@gateway_reports.route(REPORTS, methods=["GET", "POST"])
@policy(Policy.GATEWAY)
def report() -> Response:
    """401 for whoever is not the gateway; else what it wants to hear, whether the report told anything new or not."""
    path = request.full_path if request.query_string else request.path
    body = request.get_data()
    call = Call(
        f"{public_url()}{path}", request.args.to_dict(), request.form.to_dict(),
        {name.lower(): value for name, value in request.headers.items()}, body,
    )  # fmt: skip
    try:
        reports = house().gateway.read_report(call)
    except ReportRefused:
        return _plain("", 401)
    take_reports(reports, desk=house().desk, now=house().clock())
    return _plain(house().gateway.report_answer(), 200)


def _plain(text: str, status: int) -> Response:
    response = make_response(text, status)
    response.mimetype = "text/plain"
    response.headers["Cache-Control"] = "no-store"
    return response
