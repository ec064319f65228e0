"""The invented clinic's own website: one static page on another site, with the pasted frame and the link."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.resources import files
from string import Template
from typing import Any

from markupsafe import escape

from okienko_server.operations.issue_embed import IssuedEmbed

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Wsgi = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]
_PATHS = ("/", "/index.html")


def clinic_site(issued: IssuedEmbed, server: str) -> Wsgi:
    """Return a WSGI application that serves the page, with a policy that lets it load nothing but the frame of `server`."""
    template = Template(files(__package__).joinpath("clinic_site.html").read_text("utf-8"))
    page = template.substitute(iframe=issued.iframe, link=escape(issued.link)).encode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src {server}; base-uri 'none'"

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        found = environ.get("PATH_INFO") in _PATHS
        body = page if found else b"Nie ma takiej strony."
        kind = "text/html; charset=utf-8" if found else "text/plain; charset=utf-8"
        start_response(
            "200 OK" if found else "404 Not Found",
            [("Content-Type", kind), ("Content-Length", str(len(body))), ("Content-Security-Policy", policy)],
        )
        return [body] if environ.get("REQUEST_METHOD") != "HEAD" else []

    return app
