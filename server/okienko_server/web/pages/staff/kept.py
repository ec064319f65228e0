"""Nothing typed is lost: a form sent after its session ended is kept for whoever sent it, and sent again on one click."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from flask import Response, jsonify, make_response, render_template, request

from okienko_server.web import guards
from okienko_server.web.guards import whose

NEVER_KEPT = ("csrf", "password", "again", "old", "totp_password", "code", "kept", "next")
MAX_KEPT = 400_000
Fields = Sequence[tuple[str, str]]


def kept_fields() -> str:
    """Return the fields of the form just sent, with the mark of whose form it was, as one text; "" when there is nothing to keep."""
    by = whose(request.form.get("csrf", ""))
    text = json.dumps({"by": by, "fields": _sent()}, ensure_ascii=False)
    return text if by and len(text) < MAX_KEPT else ""


def typed_before(csrf: str) -> Fields:
    """Return the fields kept for the account whose new session carries that form token; nothing that somebody else typed."""
    try:
        found = json.loads(request.form.get("kept", "") or "{}")
        if found["by"] != whose(csrf):
            return []
        pairs = [(str(name), str(value)) for name, value in found["fields"] if name not in NEVER_KEPT]
        "".join(name + value for name, value in pairs).encode()
    except (ValueError, TypeError, KeyError, RecursionError):
        return []
    return pairs


def resume(action: str, fields: Fields, csrf: str, status: int = 200) -> Response:
    """Return the page that sends kept fields again."""
    response = make_response(render_template("staff/resume.jinja", action=action, fields=fields, token=csrf), status)
    response.headers["Cache-Control"] = "no-store"
    return response


def outlived() -> Response:
    """Answer the own form of a session before this one: a script gets the new token, a person one click to send it again."""
    csrf = guards.staff().csrf
    if request.headers.get("X-Okienko") == "draft":
        response = jsonify(csrf=csrf)
        response.status_code = 403
        return response
    return resume(request.path, _sent(), csrf, 403)


def _sent() -> Fields:
    return [(name, value) for name, value in request.form.items(multi=True) if name not in NEVER_KEPT]


def local_path(text: str) -> str:
    """Return a path of the staff's own pages as it is, "" for anything that could lead elsewhere."""
    plain = unquote(unquote(text))
    try:
        parts = urlsplit(plain)
    except ValueError:
        return ""
    clean = posixpath.normpath(parts.path) if parts.path else ""
    safe = plain.isprintable() and plain.isascii() and "\\" not in plain and "//" not in plain
    inside = clean == "/staff" or clean.startswith("/staff/")
    return text if safe and inside and not parts.scheme and not parts.netloc and ".." not in plain else ""
