"""The embed doctor for webmasters: an address or pasted HTML in, faults by name and corrected snippets out."""

from __future__ import annotations

import threading
from importlib.resources import files

from flask import Blueprint, Response, make_response, render_template, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge

from okienko.exceptions import OptionRefused
from okienko_server.operations.doctor import CannotLook, Fetched, Report, examine, fetch, summary, trouble, worded
from okienko_server.operations.doctor.fetch import completed
from okienko_server.web.house import house, public_url
from okienko_server.web.pages.assets import FOR_EVER, Asset
from okienko_server.web.policy import Policy, policy
from okienko_widget.bundle import tight_css

doctor = Blueprint("doctor", __name__, url_prefix="/doctor")
_LOOKING = threading.Lock()
"""One fetch at a time: a page asked for is a request somebody else makes this server send."""
_STATUS = {"busy": 429, "pasted_too_large": 413}


@doctor.get("")
@policy(Policy.PUBLIC)
def form() -> Response:
    """The empty form."""
    return _page("", "")


@doctor.post("")
@policy(Policy.PUBLIC)
def look() -> Response:
    """What was found on the page; changes nothing."""
    try:
        address, html = request.form.get("address", "").strip(), request.form.get("html", "")
    except RequestEntityTooLarge:
        return _page("", "", refused=CannotLook("pasted_too_large"))
    try:
        looked = _looked_at(address, html)
        report = _examined(looked)
    except CannotLook as refused:
        return _page(address, html, refused=refused)
    return _page(address, html, report, looked.url)


def _looked_at(address: str, html: str) -> Fetched:
    if html.strip():
        return Fetched(completed(address) if address else "", html, {})
    if not address:
        raise CannotLook("empty")
    if not _LOOKING.acquire(blocking=False):
        raise CannotLook("busy")
    try:
        return fetch(address, public_only=True, loopback=house().settings.development)
    finally:
        _LOOKING.release()


def _examined(looked: Fetched) -> Report:
    found = house()
    try:
        return examine(
            looked.html, looked.headers, looked.url, server_url=public_url(), desk=found.desk, keys=found.settings.keys,
            now=found.clock(),
        )  # fmt: skip
    except OptionRefused:
        raise CannotLook("server") from None


def _page(
    address: str, html: str, report: Report | None = None, looked_at: str = "", *, refused: CannotLook | None = None
) -> Response:
    said = {
        "verdict": summary(report) if report else "",
        "faults": [worded(one) for one in report.faults] if report else [],
        "notes": [worded(one) for one in report.notes] if report else [],
        "refused": trouble(refused) if refused else "",
    }
    style = url_for("doctor.style", v=_STYLE.version)
    drawn = render_template(
        "doctor.jinja", address=address, html=html, report=report, looked_at=looked_at, style=style, **said
    )
    response = make_response(drawn, _STATUS.get(refused.code, 422) if refused else 200)
    if refused and refused.code == "busy":
        response.headers["Retry-After"] = "5"
    return response


_STYLE = Asset(
    tight_css(files("okienko_server").joinpath("web", "static", "doctor.css").read_text("utf-8")), "text/css"
)


@doctor.get("/style.css")
@policy(Policy.PUBLIC)
def style() -> Response:
    """The few rules this page has beside the staff's."""
    response = Response(_STYLE.text, mimetype=_STYLE.mimetype)
    response.headers["Cache-Control"] = FOR_EVER if request.args.get("v") == _STYLE.version else "no-cache"
    return response
