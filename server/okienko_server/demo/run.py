"""Starts everything of the demonstration and serves until it is stopped."""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from waitress import create_server

from okienko_server.app import create_app, start_worker
from okienko_server.demo.keys import demo_settings
from okienko_server.demo.ports import Doors, open_doors
from okienko_server.demo.site import Wsgi, clinic_site
from okienko_server.domain.cells import local_day
from okienko_server.domain.scope import operator_scope
from okienko_server.operations.desk import Desk
from okienko_server.operations.issue_embed import IssuedEmbed, issue_embed
from okienko_server.operations.onboard_clinic import allow_origins
from okienko_server.operations.seed import DEMO_ACCOUNTS, DEMO_CLINIC, DEMO_OWNER, DEMO_PASSWORD, ZONE, seed, seeded
from okienko_server.storage.migrations import upgrade
from okienko_server.web.house import House

THREADS = 8


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where to look once the demonstration runs, and how to sign in."""

    portal: str
    deep_link: str
    clinic_site: str
    embed: str
    staff: str
    staff_login: dict[str, str]
    staff_accounts: dict[str, str]
    """Role -> address; the password is the same for all."""
    sms_inbox: str
    openapi: str


def run(port: int, keep: Path | None, announce: Callable[[Addresses], None]) -> None:
    """Serve the demonstration, call `announce` as soon as it answers, and clean up when SystemExit or KeyboardInterrupt ends it.

    `keep` names a database file that outlives the run. Raises CannotListen.
    """
    with ExitStack() as stack:
        doors = open_doors(port)
        stack.callback(doors.close)
        database = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="okienko-demo-"))) / "okienko.db"
        settings = demo_settings(database.absolute())
        app = create_app(settings)
        house: House = app.extensions["okienko"]
        stack.callback(house.desk.database.dispose)
        issued = _prepare(house, doors)
        stop = start_worker(app)
        stack.callback(stop.set)
        _serve(app, clinic_site(issued, doors.server_url), doors, lambda: announce(_addresses(doors, issued)))


def _prepare(house: House, doors: Doors) -> IssuedEmbed:
    """Bring the database up: schema, clinics when it has none, and the website's address among the allowed ones."""
    desk: Desk = house.desk
    upgrade(desk.database)
    if not seeded(desk):
        seed(desk, local_day(house.clock(), ZONE))
    issued = issue_embed(DEMO_CLINIC, doors.server_url, house.settings.keys.embed, desk=desk)
    scope = operator_scope().at(issued.clinic_id)
    allowed = desk.database.read(lambda connection: desk.offer(connection, scope)).clinic.allowed_origins
    if doors.site_url not in allowed:
        allow_origins((*allowed, doors.site_url), scope=scope, desk=desk)
    return issued


def _serve(app: Flask, site: Wsgi, doors: Doors, ready: Callable[[], None]) -> None:
    # A browser's first burst queues for an instant; that is no news for whoever looks at the demonstration.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    beside = create_server(site, sockets=list(doors.site), threads=2)
    threading.Thread(target=beside.run, daemon=True, name="clinic-site").start()
    server = create_server(app, sockets=[doors.server], threads=THREADS)
    ready()
    server.run()


def _addresses(doors: Doors, issued: IssuedEmbed) -> Addresses:
    server = doors.server_url
    return Addresses(
        portal=f"{server}/",
        deep_link=issued.link,
        clinic_site=f"{doors.site_url}/",
        embed=issued.frame,
        staff=f"{server}/staff/",
        staff_login={"email": DEMO_OWNER, "password": DEMO_PASSWORD},
        staff_accounts=DEMO_ACCOUNTS,
        sms_inbox=f"{server}/dev/sms",
        openapi=f"{server}/api/v1/openapi.json",
    )
