"""The browser before the door: which network it comes from, what it calls itself, and which accounts it signed in to before."""

from __future__ import annotations

import secrets

from flask import Response, request
from itsdangerous import BadData, URLSafeSerializer
from werkzeug.wrappers import Response as AnyResponse

from okienko_server.domain.throttle import device_mark, network_of
from okienko_server.operations.sign_in import From
from okienko_server.web.house import house

DEVICE_SECONDS = 400 * 24 * 3600
DEVICE_ACCOUNTS = 8
"""A shared computer at the counter remembers that many accounts."""
_BROWSERS = ("Edg", "OPR", "Firefox", "Chrome", "Safari")
_SYSTEMS = ("Windows", "Android", "iPhone", "iPad", "Mac OS", "Linux")
_NAMES = {"Edg": "Edge", "OPR": "Opera", "Mac OS": "macOS"}


def came_from() -> From:
    """Return where the present request comes from."""
    device, marks = known()
    agent = browser_name(request.headers.get("User-Agent", ""))
    return From(network_of(request.remote_addr or ""), agent, device, frozenset(marks))


def known() -> tuple[str, list[str]]:
    """Return the browser's id and the marks of the accounts it signed in to; ("", []) for one never seen."""
    try:
        device, marks = _devices().loads(request.cookies.get(_device_cookie(), ""))
        return str(device), [str(one) for one in marks]
    except (BadData, ValueError, TypeError):
        return "", []


def remember(response: Response | AnyResponse, account: str) -> None:
    """Let the browser keep that it signed in to an account."""
    device, marks = known()
    device = device or secrets.token_urlsafe(16)
    mark = device_mark(device, account)
    cookie = str(_devices().dumps([device, [mark, *(one for one in marks if one != mark)][:DEVICE_ACCOUNTS]]))
    response.set_cookie(
        _device_cookie(), cookie, path="/", httponly=True, samesite="Lax", secure=house().settings.secure_cookies,
        max_age=DEVICE_SECONDS,
    )  # fmt: skip


def browser_name(agent: str) -> str:
    """Return "Firefox, Windows" for what a browser calls itself; what it calls itself in full stays unkept."""
    browser = next((name for name in _BROWSERS if f"{name}/" in agent), "")
    system = next((name for name in _SYSTEMS if name in agent), "")
    return ", ".join(_NAMES.get(part, part) for part in (browser, system) if part)


def _device_cookie() -> str:
    return "__Host-okienko_device" if house().settings.secure_cookies else "okienko_device"


def _devices() -> URLSafeSerializer:
    return URLSafeSerializer(list(house().settings.keys.session), salt="okienko.device.v2")
