"""The staff's side: a week of ten therapists over hello-world, two hundred open screens, and the way from the code to the pixel."""

from __future__ import annotations

import re
import statistics
import time

import requests
from playwright.sync_api import sync_playwright
from sqlalchemy import insert

from okienko_server.operations.sign_in import password_hash
from okienko_server.storage.migrations import upgrade
from okienko_server.storage.session import Database
from okienko_server.storage.tables import StaffRow
from tests.bench import client, world
from tests.bench import screens as room
from tests.bench.serving import REQUESTS, ROUNDS, analyse, chain, free_starts, serving
from tests.chromium import LAUNCH_FLAGS, find_or_fetch
from tests.postgres import PostgresServer

GOAL = 0.1
SCREENS = 200
WAIT = 0.6
"""Seconds between two questions of an open screen (staff.js)."""
PASSWORD = "haslo na czas pomiaru"
WEEK = f"/staff/?day={world.FIRST_DAY.isoformat()}&view=week&practitioner=all"


def run() -> None:
    """Measure on PostgreSQL with fsync on, behind gunicorn with two sync workers."""
    with PostgresServer.start(fsync=True) as postgres:
        url = postgres.create_database("bench")
        database = Database(url)
        upgrade(database)
        world.build(database)
        _add_owner(database)
        analyse(database)
        print("\n## Staff: gunicorn 2 sync workers, PostgreSQL with fsync; R = rate / hello's rate")
        with serving("hello") as hello, serving("okienko", url) as okienko:
            cookie = _sign_in(okienko)
            week(hello, okienko, cookie)
            screens(okienko, cookie)
            taking_in(okienko, cookie, database)
            code_to_pixel(okienko, cookie, database)
        database.dispose()


def _add_owner(database: Database) -> None:
    row = {
        "clinic_id": world.CLINIC, "id": "owner", "email": "owner@bench.test", "name": "Barbara Owsiak", "role": "owner",
        "password_hash": password_hash(PASSWORD), "practitioner_id": None,
    }  # fmt: skip
    with database.writing() as connection:
        connection.execute(insert(StaffRow), row)


def _sign_in(port: int) -> str:
    """Return the Cookie header of a session at the benchmark's clinic."""
    answer = requests.post(
        f"http://127.0.0.1:{port}/staff/sign-in",
        data={"email": "owner@bench.test", "password": PASSWORD},
        allow_redirects=False,
        timeout=10,
    )
    assert answer.status_code == 303, answer.status_code
    return "; ".join(f"{name}={value}" for name, value in answer.cookies.items())


def _get(path: str, cookie: str, *, redraw: bool = False) -> bytes:
    more = "X-Okienko: redraw\r\n" if redraw else ""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n{more}Cookie: {cookie}\r\n\r\n".encode()


def week(hello: int, okienko: int, cookie: str) -> None:
    """Print R of everybody's week and of a day of everybody."""
    day = WEEK.replace("view=week", "view=day")
    print(f"{'page':34}{'c':>4}{'req/s':>8}{'R':>7}{'goal':>7}{'p50 ms':>8}{'p95 ms':>8}{'kB':>7}{'visits':>8}")
    for name, path in (("week of ten therapists", WEEK), ("day of ten therapists", day)):
        request = _get(path, cookie)
        status, body = client.ask_once(okienko, request)
        assert status == 200, status
        visits = len(re.findall(rb's-brief s-|id="b-', body))
        for workers in (1, 8):
            rates, ratios, p50, p95 = [], [], [], []
            for _ in range(ROUNDS):
                base = client.load(hello, [client.GET_ROOT] * REQUESTS[workers], workers)
                ours = client.load(okienko, [request] * 200, workers)
                assert set(ours.statuses) == {200}, ours.statuses
                rates.append(ours.rate)
                ratios.append(ours.rate / base.rate)
                p50.append(ours.percentile(0.5) * 1000)
                p95.append(ours.percentile(0.95) * 1000)
            row = [statistics.median(values) for values in (rates, ratios, p50, p95)]
            print(
                f"{name:34}{workers:>4}{row[0]:>8.0f}{row[1]:>7.3f}{GOAL:>7}{row[2]:>8.1f}{row[3]:>8.1f}{len(body) / 1000:>7.0f}{visits:>8}"
            )


def screens(okienko: int, cookie: str) -> None:
    """Print what the questions of two hundred open screens cost: the share of the server's time they take."""
    seen = re.search(rb'data-poll="([^"]+)"', client.ask_once(okienko, _get(WEEK, cookie))[1])
    assert seen
    request = _get(seen[1].decode().replace("&amp;", "&"), cookie)
    asked = client.load(okienko, [request] * 3000, 8)
    assert set(asked.statuses) == {200}, asked.statuses
    wanted = SCREENS / WAIT
    print(
        f"\n{SCREENS} open screens ask {wanted:.0f} times a second; the server answers {asked.rate:.0f} a second at c=8: "
        f"{wanted / asked.rate:.0%} of it (p95 {asked.percentile(0.95) * 1000:.1f} ms)"
    )


def taking_in(okienko: int, cookie: str, database: Database) -> None:
    """Print how soon two hundred screens show a new reservation."""
    room.run(okienko, lambda path, redraw: _get(path, cookie, redraw=redraw), WEEK, database)


def code_to_pixel(okienko: int, cookie: str, database: Database) -> None:
    """Print the time from the answer to the patient's code to the reservation on a therapist's screen."""
    cookies = [one.split("=", 1) for one in cookie.split("; ")]
    delays: list[float] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_or_fetch(), args=LAUNCH_FLAGS)
        context = browser.new_context()
        context.add_cookies(
            [{"name": name, "value": value, "url": f"http://127.0.0.1:{okienko}/staff"} for name, value in cookies]
        )
        page = context.new_page()
        for person, start in free_starts(database, 12, 300):
            page.goto(f"http://127.0.0.1:{okienko}{WEEK}")
            before = page.locator("[data-waiting]").count()
            booked = client.chains(okienko, [chain(person, start)], 1)
            assert set(booked.statuses) <= {200, 201}, booked.statuses
            done = time.perf_counter()
            page.wait_for_function("count => document.querySelectorAll('[data-waiting]').length > count", arg=before)
            delays.append(time.perf_counter() - done)
        browser.close()
    delays.sort()
    print(
        f"from the right code to the screen: median {statistics.median(delays) * 1000:.0f} ms, worst {delays[-1] * 1000:.0f} ms of "
        f"{len(delays)} (goal 1000 ms)"
    )
