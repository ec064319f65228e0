"""Real sites for the gates: the Okienko server on 127.0.0.1, and host pages on `localhost`, which is another site to a browser."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from flask import Flask, Response
from waitress import create_server

from okienko import Embed, EmbedToken, PortalToken
from okienko_server.app import create_app
from okienko_server.config import Settings
from okienko_server.domain.scope import operator_scope
from okienko_server.operations import verify
from okienko_server.operations.onboard_clinic import OpenedClinic, allow_origins, open_clinic
from okienko_server.storage.migrations import upgrade
from okienko_server.storage.onboarding import OnboardingStore
from tests import plans
from tests.conftest import KEYS, PEPPER, Clock
from tests.limits import UNLIMITED

CODE = "135792"
"""Every SMS code here: no telephone reads it."""


class Host:
    """A host site on its own port: `put` a page, and it is served with exactly these headers. Counts what was asked for."""

    def __init__(self, name: str = "localhost") -> None:
        self.pages: dict[str, tuple[str, dict[str, str]]] = {}
        self.asked: list[str] = []
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host.asked.append(self.path)
                body, headers = host.pages.get(self.path.partition("?")[0], ("", {}))
                content = body.encode()
                self.send_response(200 if self.path.partition("?")[0] in host.pages else 404)
                for key, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://{name}:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def put(self, path: str, body: str, headers: dict[str, str] | None = None) -> str:
        """Serve a page and return its address."""
        page = f'<!doctype html><html lang="pl"><meta charset="utf-8"><title>Klinika</title><body>{body}'
        self.pages[path] = (page, headers or {})
        return self.url + path

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Surgery:
    """Takes protections away from what the server sends, for the controls; and notes every request line."""

    def __init__(self, app: Flask) -> None:
        self.replaced: list[tuple[str, str]] = []
        self.dropped: list[str] = []
        self.asked: list[str] = []
        self._inner = app.wsgi_app
        app.after_request(self._operate)
        app.wsgi_app = self._note  # type: ignore[method-assign]

    def _note(self, environ: Any, start_response: Any) -> Any:
        if self.replaced:
            environ.pop("HTTP_ACCEPT_ENCODING", None)
        self.asked.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}")

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start_response(status, [one for one in headers if one[0] not in self.dropped], *more)

        return self._inner(environ, start)

    def _operate(self, response: Response) -> Response:
        for what, instead in self.replaced:
            if response.mimetype in ("text/javascript", "text/html"):
                response.set_data(response.get_data(as_text=True).replace(what, instead))
        return response

    @contextlib.contextmanager
    def without(self, what: str = "", instead: str = "", header: str = "") -> Iterator[None]:
        """Send everything with a piece of code replaced, or without a header, for the length of the block."""
        # A changed script no longer has the digest its policy names.
        self.replaced = [(what, instead)] if what else []
        self.dropped = [header] if header else ["Content-Security-Policy"]
        try:
            yield
        finally:
            self.replaced, self.dropped = [], []


@dataclass
class Town:
    """The server with two clinics and a portal, and two host sites that may frame them, plus one that may not."""

    app: Flask
    url: str
    clock: Clock
    surgery: Surgery
    clinic: OpenedClinic
    second: OpenedClinic
    host: Host = field(default_factory=Host)
    other: Host = field(default_factory=Host)
    stranger: Host = field(default_factory=Host)

    def embed(self, **more: Any) -> Embed:
        """Return the snippets of the first clinic."""
        return Embed(self.url, EmbedToken(self.clinic.id, 1, **more).sign(KEYS.embed), "kazimierz")

    def embed_second(self) -> Embed:
        return Embed(self.url, EmbedToken(self.second.id, 1).sign(KEYS.embed), "podgorze")

    def portal(self) -> Embed:
        return Embed(self.url, PortalToken("zdrowie", 1).sign(KEYS.embed))


@contextlib.contextmanager
def town(folder: Path) -> Iterator[Town]:
    """Run everything on real sockets until the block ends."""
    clock = Clock()
    settings = Settings("development", f"sqlite:///{folder / 'okienko.db'}", KEYS, PEPPER, "inbox")
    app = create_app(settings, clock=clock, sms_limits=UNLIMITED)
    desk = app.extensions["okienko"].desk
    upgrade(desk.database)
    surgery = Surgery(app)
    server = create_server(app, host="127.0.0.1", port=0, threads=8)
    threading.Thread(target=server.run, daemon=True).start()
    first, second = [
        open_clinic(replace(plans.clinic(slug), name=name, staff=()), desk=desk)
        for slug, name in (("kazimierz", "Rehabilitacja Kazimierz"), ("podgorze", "Fizjo Podgórze"))
    ]
    place = Town(app, f"http://127.0.0.1:{server.effective_port}", clock, surgery, first, second)
    for one in (first, second):
        allow_origins((place.host.url, place.other.url), scope=operator_scope().at(one.id), desk=desk)
    sites = (place.host.url,)
    desk.database.write(lambda c: OnboardingStore(c, operator_scope()).add_portal("zdrowie", "Portal Zdrowie", sites))
    code, verify.new_code = verify.new_code, lambda: CODE  # type: ignore[attr-defined]
    try:
        yield place
    finally:
        verify.new_code = code  # type: ignore[attr-defined]
        server.close()
        for site in (place.host, place.other, place.stranger):
            site.close()
        desk.database.dispose()
