"""The embed on a host page of another site: bytes, requests, time to usable, layout shift, idle work."""

from __future__ import annotations

import contextlib
import statistics
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import brotli
import requests
from playwright.sync_api import Browser, Frame, sync_playwright

from okienko import Embed, EmbedToken
from okienko_server.domain.scope import operator_scope
from okienko_server.operations.desk import Desk
from okienko_server.operations.onboard_clinic import allow_origins
from okienko_server.storage.migrations import upgrade
from okienko_server.storage.session import Database
from okienko_widget import load as catalogue
from tests.bench import target, world
from tests.bench.browser import SLOW
from tests.bench.serving import serving
from tests.chromium import LAUNCH_FLAGS, find_or_fetch
from tests.postgres import PostgresServer

RUNS = 7
# One process for page and frame, so that the slowed network and processor are the frame's too.
FLAGS = [*LAUNCH_FLAGS, "--disable-site-isolation-trials", "--disable-features=IsolateOrigins,site-per-process"]
SHIFTS = """window.shifted = 0; new PerformanceObserver(list => list.getEntries().forEach(one => { shifted += one.value }))
    .observe({ type: 'layout-shift', buffered: true })"""
PAINT = "performance.timeOrigin + performance.getEntriesByName('first-contentful-paint')[0].startTime"


@dataclass
class Seen:
    """One visit: milliseconds from the host page's start to a usable frame, its layout shift, idle milliseconds of 5 s, requests."""

    usable: float
    shift: float
    idle: float
    requests: int
    kept: int


def run() -> None:
    """Print the embed's figures beside its budgets."""
    with PostgresServer.start(fsync=True) as postgres, _host() as (site, pages), _host() as (floor, floors):
        url = postgres.create_database("embedding")
        database = Database(url)
        upgrade(database)
        world.build(database)
        desk = Desk(database, "p" * 32, catalogue())
        allow_origins((site,), scope=operator_scope().at(world.CLINIC), desk=desk)
        token = EmbedToken(world.CLINIC, 1).sign(target.KEYS.embed)
        with serving("okienko", url) as port, sync_playwright() as playwright:
            embed = Embed(f"http://127.0.0.1:{port}", token)
            pages["/loader"], pages["/frame"] = str(embed.element()), str(embed.iframe())
            # What no frame can beat: the same host page around a static document of one button.
            floors["/e/floor"] = '<button name="category">Kręgosłup</button>'
            still = floor.replace("localhost", "127.0.0.1")
            pages["/floor"] = str(embed.iframe()).replace(embed.frame_url(), f"{still}/e/floor")
            script, document = (
                len(brotli.compress(requests.get(one, timeout=10).content))
                for one in (f"{embed.base_url}/embed/v1/okienko.js", embed.frame_url())
            )
            browser = playwright.chromium.launch(executable_path=find_or_fetch(), args=FLAGS)
            rows = {
                name: _median([_visit(browser, f"{site}/{name}") for _ in range(RUNS)])
                for name in ("loader", "frame", "floor")
            }
            browser.close()
        database.dispose()
    print(f"\n## The embed on another site's page: 150 ms latency, 1.6 Mbit/s, CPU x4, cold, medians of {RUNS}")
    print(
        f"loader {script} B brotli (budget 2000), document {document} B (12000), together {script + document} B (14000)"
    )
    print(
        f"{'':10}{'requests':>9}{'usable ms':>10}{'budget':>8}{'shift':>7}{'idle ms in 5 s':>15}{'cookies, keys':>14}"
    )
    for (name, seen), budget in zip(rows.items(), (700, 500, 500), strict=True):
        print(
            f"{name:10}{seen.requests:>9}{seen.usable:>10.0f}{budget:>8}{seen.shift:>7.3f}{seen.idle:>15.0f}{seen.kept:>14}"
        )
    loader, frame, least = (rows[name].usable for name in ("loader", "frame", "floor"))
    print(f"over a frame with one static button: frame {frame / least:.2f}x, loader {loader / least:.2f}x")


def _visit(browser: Browser, url: str) -> Seen:
    context = browser.new_context(viewport={"width": 1000, "height": 844})
    page = context.new_page()
    page.add_init_script(SHIFTS)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.send("Performance.enable")
    wire.send("Network.emulateNetworkConditions", SLOW)
    wire.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(url, wait_until="commit")
    frame = _frame(page)
    frame.wait_for_selector("button[name=category]:not([hidden])")
    frame.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
    usable = frame.evaluate(PAINT) - page.evaluate("performance.timeOrigin")
    page.wait_for_timeout(1000)
    before = _work(wire)
    page.wait_for_timeout(5000)
    idle = (_work(wire) - before) * 1000
    stored = "localStorage.length + sessionStorage.length"
    kept = len(context.cookies()) + frame.evaluate(stored) + page.evaluate(stored)
    seen = Seen(usable, page.evaluate("shifted"), idle, len([one for one in asked if "127.0.0.1" in one]), kept)
    context.close()
    return seen


def _frame(page: Any) -> Frame:
    while True:
        for one in page.frames[1:]:
            if "/e/" in one.url:
                return one  # type: ignore[no-any-return]
        page.wait_for_timeout(5)


def _work(wire: Any) -> float:
    metrics = {one["name"]: one["value"] for one in wire.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"])


def _median(seen: list[Seen]) -> Seen:
    usable, idle = statistics.median(s.usable for s in seen), statistics.median(s.idle for s in seen)
    return Seen(usable, max(s.shift for s in seen), idle, seen[0].requests, max(s.kept for s in seen))


@contextlib.contextmanager
def _host() -> Iterator[tuple[str, dict[str, str]]]:
    pages: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = pages.get(self.path, "")
            body = f'<!doctype html><html lang="pl"><meta charset="utf-8"><link rel="icon" href="data:,"><h1>Klinika</h1>{found}<p>Po</p>'
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_address[1]}", pages
    server.shutdown()
