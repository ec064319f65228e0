"""Security headers for each kind of document (research: embed design §6.3)."""

from __future__ import annotations

from flask import Response, g, request

from okienko_widget import script_hash, style_hash

_COMMON = {
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
_WIDGET_POLICY = (
    f"default-src 'none'; style-src {style_hash}; script-src {script_hash}; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types okienko; frame-ancestors "
)
_STAFF_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types okienko"
)
_API_POLICY = "default-src 'none'; frame-ancestors 'none'"


def widget_document(response: Response, ancestors: tuple[str, ...] = ()) -> Response:
    """Dress a widget document: framed by the listed origins only (none listed: by nobody), kept by no cache."""
    response.headers["Content-Security-Policy"] = _WIDGET_POLICY + (" ".join(ancestors) or "'none'")
    response.headers["Cache-Control"] = "no-store"
    if ancestors:
        response.headers["Referrer-Policy"] = "strict-origin"
        response.headers["Cross-Origin-Embedder-Policy"] = "credentialless"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def dress(response: Response) -> Response:
    """After every request: whatever a view left open is closed."""
    for name, value in _COMMON.items():
        response.headers.setdefault(name, value)
    framed = "Cross-Origin-Resource-Policy" in response.headers
    response.headers.setdefault(
        "Content-Security-Policy", _STAFF_POLICY if response.mimetype == "text/html" else _API_POLICY
    )
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    if not framed:
        response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin-allow-popups")
    if getattr(g, "scope", None) is not None or request.method != "GET":
        response.headers.setdefault("Cache-Control", "no-store")
    return response
