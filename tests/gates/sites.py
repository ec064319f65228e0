"""Real sites for the gates: the Okienko server on 127.0.0.1, and host pages on `localhost`, which is another site to a browser."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from flask import Flask
from waitress import create_server

from okienko import Embed, EmbedToken, PortalToken
from okienko_server.app import create_app
from okienko_server.config import Settings
from okienko_server.domain.scope import operator_scope
from okienko_server.operations.onboard_clinic import OpenedClinic, allow_origins, open_clinic
from okienko_server.storage.migrations import upgrade
from okienko_server.storage.onboarding import OnboardingStore
from tests import plans
from tests.conftest import KEYS, PEPPER, Clock


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


@dataclass
class Town:
    """The server with two clinics and a portal, and two host sites that may frame them, plus one that may not."""

    app: Flask
    url: str
    host: Host
    other: Host
    stranger: Host
    clinic: OpenedClinic
    second: OpenedClinic
    clock: Clock
    log: list[str] = field(default_factory=list)

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
    app = create_app(Settings("development", f"sqlite:///{folder / 'okienko.db'}", KEYS, PEPPER, "inbox"), clock=clock)
    desk = app.extensions["okienko"].desk
    upgrade(desk.database)
    asked: list[str] = []
    inner = app.wsgi_app

    def noting(environ: Any, start_response: Any) -> Any:
        asked.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}")
        return inner(environ, start_response)

    app.wsgi_app = noting  # type: ignore[method-assign]
    server = create_server(app, host="127.0.0.1", port=0, threads=8)
    url = f"http://127.0.0.1:{server.effective_port}"  # type: ignore[union-attr]
    threading.Thread(target=server.run, daemon=True).start()
    host, other, stranger = Host(), Host(), Host()
    clinics = [
        open_clinic(replace(plans.clinic(slug), name=name, staff=()), desk=desk)
        for slug, name in (("kazimierz", "Rehabilitacja Kazimierz"), ("podgorze", "Fizjo Podgórze"))
    ]
    for one in clinics:
        allow_origins((host.url, other.url), scope=operator_scope().at(one.id), desk=desk)
    desk.database.write(
        lambda c: OnboardingStore(c, operator_scope()).add_portal("zdrowie", "Portal Zdrowie", (host.url,))
    )
    try:
        yield Town(app, url, host, other, stranger, clinics[0], clinics[1], clock, asked)
    finally:
        server.close()
        for site in (host, other, stranger):
            site.close()
        desk.database.dispose()
