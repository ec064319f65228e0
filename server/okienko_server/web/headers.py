"""Security headers for each kind of document (research: embed design §6.3)."""

from __future__ import annotations

import gzip

from flask import Response, g, request

from okienko_widget import script_hash, style_hash
from okienko_widget.bundle import brand, csp_hash, portal_script_hash, portal_style_hash

_OPEN = (
    ("X-Content-Type-Options", "nosniff"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
    ("Referrer-Policy", "no-referrer"),
)
_NEAR_ME = "camera=(), microphone=(), geolocation=(self), payment=(), usb=()"
_CLOSED = (
    *_OPEN,
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin-allow-popups"),
)
_WIDGET_POLICY = (
    f"default-src 'none'; style-src {style_hash}; script-src {script_hash}; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types okienko; frame-ancestors "
)
_PORTAL_POLICY = _WIDGET_POLICY.replace(style_hash, f"{style_hash} {portal_style_hash}").replace(
    script_hash, f"{script_hash} {portal_script_hash}"
)
_STAFF_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types okienko"
)
_FRAMING_POLICY = _STAFF_POLICY + "; frame-src 'self'"
OURS = ("'self'",)
"""Our own pages show the window to the clinic's people as a preview; nobody else's words stand on them."""
_API_POLICY = "default-src 'none'; frame-ancestors 'none'"


def widget_document(
    response: Response, ancestors: tuple[str, ...] = (), accent: str = "", *, portal: bool = False
) -> Response:
    """Dress a widget document: framed by the listed origins only (none listed: by nobody), kept by no cache.

    `portal` says that it carries the search's own style and script as well.
    """
    own = _PORTAL_POLICY if portal else _WIDGET_POLICY
    if accent:
        own = own.replace(style_hash, f"{style_hash} {csp_hash(brand(accent))}")
    response.headers["Content-Security-Policy"] = own + (" ".join(ancestors) or "'none'")
    response.headers["Cache-Control"] = "no-store"
    _pack(response)
    if portal and not ancestors:
        # "Near me" is asked on our own pages only, and only by the one who presses it.
        response.headers["Permissions-Policy"] = _NEAR_ME
    if ancestors == OURS:
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
    elif ancestors:
        response.headers["Referrer-Policy"] = "strict-origin"
        response.headers["Cross-Origin-Embedder-Policy"] = "credentialless"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def may_frame_ours(response: Response) -> Response:
    """Let a staff page show the widget's own document in a frame."""
    response.headers["Content-Security-Policy"] = _FRAMING_POLICY
    return response


def _pack(response: Response) -> None:
    """Compress a widget document for a browser that asks, so that a server without a proxy is as quick.

    Staff pages stay as they are: BREACH needs a secret that rides on a cookie, and only they have one.
    """
    response.headers["Vary"] = "Accept-Encoding"
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        response.set_data(gzip.compress(response.get_data(), 6, mtime=0))
        response.headers["Content-Encoding"] = "gzip"


def dress(response: Response) -> Response:
    """After every request: whatever a view left open is closed."""
    headers = response.headers
    there = {name for name, _ in headers}
    wanted = _OPEN if "Cross-Origin-Resource-Policy" in there else _CLOSED
    headers.extend([(name, value) for name, value in wanted if name not in there])
    if "Content-Security-Policy" not in there:
        headers["Content-Security-Policy"] = _STAFF_POLICY if response.mimetype == "text/html" else _API_POLICY
    if "Cache-Control" not in there and (getattr(g, "scope", None) is not None or request.method != "GET"):
        headers["Cache-Control"] = "no-store"
    return response
