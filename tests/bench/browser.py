"""The first screens in a real Chromium, slowed down, against a static floor page in the same run."""

from __future__ import annotations

import contextlib
import statistics
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import brotli
from playwright.sync_api import Browser, sync_playwright

from okienko.tokens import EmbedToken
from okienko_server.storage.migrations import upgrade
from okienko_server.storage.session import Database
from tests.bench import target, world
from tests.bench.serving import serving
from tests.chromium import LAUNCH_FLAGS, find_or_fetch
from tests.postgres import PostgresServer

RUNS = 7
LAST_PAINT = """() => new Promise(done => new PerformanceObserver(list => done(list.getEntries().at(-1).startTime))
    .observe({type: 'largest-contentful-paint', buffered: true}))"""
SLOW = {"offline": False, "latency": 150, "downloadThroughput": 1_600_000 / 8, "uploadThroughput": 750_000 / 8}
FLOOR_SCRIPT = b"document.querySelectorAll('button').forEach(b => b.disabled = false);\n" + b"// " + b"x" * 8200


@dataclass
class Seen:
    """What one visit took: milliseconds to the first paint, to a free time on the screen, from a tap to a whole week; requests, bytes."""

    paint: float
    time: float
    week: float
    requests: int
    raw: int
    packed: int


def run() -> None:
    """Print bytes, requests and the two times of the widget over those of the floor page."""
    with PostgresServer.start(fsync=True) as postgres:
        url = postgres.create_database("browser")
        database = Database(url)
        upgrade(database)
        world.build(database)
        token = EmbedToken(world.CLINIC, 1).sign(target.KEYS.embed)
        with serving("okienko", url) as port, _floor() as floor, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_or_fetch(), args=LAUNCH_FLAGS)
            base = _median([_visit(browser, f"http://127.0.0.1:{floor}/", None) for _ in range(RUNS)])
            ours = _median(
                [_visit(browser, f"http://127.0.0.1:{port}/e/{token}?kind=visit", "spine") for _ in range(RUNS)]
            )
            browser.close()
        database.dispose()
    print("\n## First screen: 150 ms latency, 1.6 Mbit/s, CPU x4, cold, medians of", RUNS)
    print(f"{'':14}{'requests':>9}{'raw kB':>8}{'brotli kB':>10}{'first paint ms':>15}{'free time ms':>13}")
    for name, seen in (("floor", base), ("pinned frame", ours)):
        packed, raw = seen.packed / 1000, seen.raw / 1000
        print(f"{name:14}{seen.requests:>9}{raw:>8.1f}{packed:>10.1f}{seen.paint:>15.0f}{seen.time:>13.0f}")
    print(f"over the floor: first paint {ours.paint / base.paint:.2f}x (goal 1.5x)")
    print(f"over the floor: a free time on the screen {ours.time / base.time:.2f}x (goal 1.5x)")
    print(f"from the tap on a problem to a week of times: {ours.week:.0f} ms, {ours.week / base.time:.2f} floors")


def _visit(browser: Browser, url: str, tap: str | None) -> Seen:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    bodies: list[int] = []
    packed: list[int] = []
    page.on("requestfinished", lambda request: bodies.append(1))
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.send("Network.emulateNetworkConditions", SLOW)
    wire.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(url)
    first = page.content().encode()
    packed.append(len(brotli.compress(first)))
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    requests = len(bodies)
    page.wait_for_selector(".o-soon" if tap else "button:not([disabled])")
    # A free time is seen with the paint that shows it; the floor's stand in its first paint, and so do ours.
    shown = page.evaluate(LAST_PAINT)
    answered = 0.0
    if tap:
        page.evaluate("window.__began = performance.now()")
        page.click(f"button[value={tap}]")
        page.wait_for_selector("[name=slot]")
        answered = page.evaluate("performance.now() - window.__began")
    context.close()
    return Seen(paint, shown, answered, requests, len(first), sum(packed))


def _median(seen: list[Seen]) -> Seen:
    def of(values: list[float]) -> float:
        return statistics.median(values)

    paint, time, week = of([s.paint for s in seen]), of([s.time for s in seen]), of([s.week for s in seen])
    return Seen(paint, time, week, seen[0].requests, seen[0].raw, seen[0].packed)


class _Floor(BaseHTTPRequestHandler):
    """A static page of 7 kB with 90 time buttons, and a script of 8 kB beside it: what no page of times can beat."""

    def do_GET(self) -> None:
        script = self.path == "/floor.js"
        buttons = "".join(f"<button disabled>{8 + n // 6}:{n % 6}0</button>" for n in range(90))
        style = "button{font:16px system-ui;padding:12px;margin:4px;border:1px solid #ccc;border-radius:8px}" * 20
        page = f"<!doctype html><title>x</title><style>{style}</style><h1>Terminy</h1>{buttons}<script src=/floor.js></script>"
        body = FLOOR_SCRIPT if script else page.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if script else "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def _floor() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Floor)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
