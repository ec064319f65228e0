"""The factory: settings -> adapters -> blueprints -> problems. Importing it starts nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from okienko_server.config import Settings
from okienko_server.domain.throttle import SmsLimits
from okienko_server.operations.desk import Desk
from okienko_server.operations.worker import work
from okienko_server.sms.choose import gateway_of
from okienko_server.storage.session import Database
from okienko_server.web import errors, guards, headers
from okienko_server.web.api.routes import api
from okienko_server.web.house import House, wall_clock
from okienko_server.web.pages.assets import assets
from okienko_server.web.pages.being_found import found
from okienko_server.web.pages.doctor import doctor
from okienko_server.web.pages.doors import doors
from okienko_server.web.pages.feeds import slot_feeds
from okienko_server.web.pages.gateway_reports import gateway_reports
from okienko_server.web.pages.health import health
from okienko_server.web.pages.help import help_pages
from okienko_server.web.pages.loader import scripts
from okienko_server.web.pages.metrics import metrics
from okienko_server.web.pages.oembed import oembed
from okienko_server.web.pages.operator.console import console
from okienko_server.web.pages.operator.door import operator_door
from okienko_server.web.pages.operator.portals import portals
from okienko_server.web.pages.sms_inbox import inbox
from okienko_server.web.pages.staff.account import account
from okienko_server.web.pages.staff.archive import archive
from okienko_server.web.pages.staff.conversion import conversion
from okienko_server.web.pages.staff.episode import episodes
from okienko_server.web.pages.staff.feeds import calendars
from okienko_server.web.pages.staff.hours import hours
from okienko_server.web.pages.staff.messages import messages
from okienko_server.web.pages.staff.patients import patients
from okienko_server.web.pages.staff.pauses import pauses
from okienko_server.web.pages.staff.people import people
from okienko_server.web.pages.staff.places import places
from okienko_server.web.pages.staff.planning import planning
from okienko_server.web.pages.staff.record import records
from okienko_server.web.pages.staff.rehearsal import rehearsal
from okienko_server.web.pages.staff.reminders import reminders
from okienko_server.web.pages.staff.rules import rules
from okienko_server.web.pages.staff.schedule import staff
from okienko_server.web.pages.staff.services import services
from okienko_server.web.pages.staff.settings import settings_pages
from okienko_server.web.pages.staff.sign_in import door
from okienko_server.web.pages.staff.sms_wishes import sms_wishes
from okienko_server.web.pages.staff.statement import statement
from okienko_server.web.pages.staff.therapists import therapists
from okienko_server.web.pages.staff.trail import trail
from okienko_server.web.pages.staff.website import website
from okienko_server.web.pages.treatments import pages as treatment_pages
from okienko_server.web.pages.widget import steps
from okienko_server.web.policy import check_policies
from okienko_widget import load

MAX_BODY = 64 * 1024
OPERATORS = (operator_door, console, portals, metrics)
PATIENTS = (doors, steps, scripts, treatment_pages, found, oembed, slot_feeds, doctor, help_pages, api)
STAFF = (
    door,
    staff,
    account,
    people,
    conversion,
    patients,
    episodes,
    records,
    planning,
    hours,
    archive,
    calendars,
    trail,
    messages,
    reminders,
    statement,
    settings_pages,
    pauses,
    rules,
    sms_wishes,
    rehearsal,
    services,
    therapists,
    website,
    places,
)


def create_app(
    settings: Settings | None = None, *, clock: Callable[[], datetime] = wall_clock, sms_limits: SmsLimits | None = None
) -> Flask:
    """Return the WSGI application; raises SettingsRefused, or RuntimeError when a route declares no policy."""
    settings = settings or Settings.from_environment()
    settings.check()
    app = Flask("okienko_server", static_folder=None, template_folder="web/templates")
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_BODY
    gateway = gateway_of(settings)
    desk = Desk(Database(settings.database_url), settings.pepper, load(), settings.code_host, sms_limits or SmsLimits())
    app.extensions["okienko"] = House(settings, desk, gateway, clock)
    if settings.proxies:
        # The client's address and the scheme are taken from so many proxies, and believed of nobody else.
        hops = settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.before_request(guards.guard)
    app.after_request(headers.dress)
    errors.register(app)
    for part in (*PATIENTS, *STAFF, *OPERATORS, assets, inbox, gateway_reports, health):
        app.register_blueprint(part)
    check_policies(app)
    if settings.worker_inside:
        start_worker(app)
    return app


def start_worker(app: Flask) -> threading.Event:
    """Run the outbox worker as a thread of this process; the returned event stops it."""
    found: House = app.extensions["okienko"]
    stop = threading.Event()
    threading.Thread(
        target=work, args=(found.gateway,), kwargs={"desk": found.desk, "clock": found.clock, "stop": stop}, daemon=True
    ).start()
    return stop
