"""What messages the clinic sent in a month and what they cost: the sum, the days, the log, as a page and as a file."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, make_response, render_template, request, url_for

from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.money import Outcome, Purse
from okienko_server.domain.phone import masked
from okienko_server.domain.roles import Right
from okienko_server.operations.statement import Charged, Month, as_csv, see_month
from okienko_server.texts import load
from okienko_server.web.guards import scope
from okienko_server.web.house import house
from okienko_server.web.pages.present import when_in
from okienko_server.web.pages.staff.ledger_words import accounts_of, entries_in_words, facts_of, today_of
from okienko_server.web.pages.staff.reminders import reminder_words
from okienko_server.web.pages.staff.sample_texts import Preview, previews_of
from okienko_server.web.pages.staff.tariff_words import coming_words, in_grosze
from okienko_server.web.policy import Policy, policy
from okienko_widget import load as widget_texts

messages = Blueprint("messages", __name__, url_prefix="/staff")
WIDTH, HEIGHT = 420, 90
"""The plot in its own units."""
OPEN = frozenset({"promised", "queued", "sending", "unsure", "lost"})
"""States in which a message's price is reserved."""
SHOWN = 200
"""Messages the page lists; the file has them all."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of the plot: messages from the pool below, those on the bill above."""

    x: int
    width: int
    pool_top: int
    pool_height: int
    bill_top: int
    bill_height: int
    words: str


@dataclass(frozen=True, slots=True)
class Row:
    """One message in the log."""

    when: str
    kind: str
    phone: str
    status: str
    paid: str
    entries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MessagesPage:
    """Everything the template shows."""

    title: str
    lead: str
    coming: str
    facts: tuple[tuple[str, str], ...]
    bars: tuple[Bar, ...]
    legend: str
    rows: tuple[Row, ...]
    more: bool
    previous: str
    next: str
    file: str
    sheet: str
    today: tuple[str, ...]
    accounts: tuple[tuple[str, str], ...]
    previews: tuple[Preview, ...]
    reminder: str


@messages.get("/messages")
@policy(Policy.STAFF, Right.SEE_MONEY)
def page() -> Response:
    """The month so far, or another one."""
    found = asked_month()
    return make_response(render_template("staff/messages.jinja", page=_page(found)))


@messages.get("/messages.csv")
@policy(Policy.STAFF, Right.SEE_MONEY)
def file() -> Response:
    """The same as a file."""
    found = asked_month()
    response = make_response(as_csv(found))
    response.mimetype = "text/csv"
    response.headers["Content-Disposition"] = f'attachment; filename="sms-{found.statement.month}.csv"'
    return response


def asked_month() -> Month:
    """Return the month the address asks for, the present one when it asks for none there is."""
    now = house().clock()
    try:
        return see_month(request.args.get("month", ""), scope=scope(), desk=house().desk, now=now)
    except FieldRefused:
        return see_month("", scope=scope(), desk=house().desk, now=now)


def _page(found: Month) -> MessagesPage:
    t, words, statement, now = load(), widget_texts(), found.statement, house().clock()
    year, number = (int(part) for part in statement.month.split("-"))
    cost = in_grosze(found.tariff.price, found.offer.clinic.zone)
    return MessagesPage(
        t("messages.title", month=words(f"month.{number}"), year=year),
        t("messages.lead", price=cost) if found.tariff.price else t("messages.lead_free"),
        coming_words(found.tariffs, found.offer.clinic.zone, now) if found.today else "",
        facts_of(found),
        _bars(found),
        t("messages.paid.bill", price=cost),
        tuple(_row(one, found) for one in found.messages[:SHOWN]),
        len(found.messages) > SHOWN,
        url_for("messages.page", month=_beside(year, number, -1)),
        url_for("messages.page", month=_beside(year, number, 1)),
        url_for("messages.file", month=statement.month),
        url_for("statement.page", month=statement.month),
        today_of(found),
        accounts_of(found),
        tuple(previews_of(found.offer.clinic, found.tariffs, now)),
        reminder_words(found.offer.clinic),
    )


def _beside(year: int, month: int, step: int) -> str:
    count = min(max(year * 12 + month - 1 + step, 12), 9999 * 12)
    return f"{count // 12:04d}-{count % 12 + 1:02d}"


def _paid(one: Charged, found: Month) -> str:
    t = load()
    if one.outcome is Outcome.SPENT:
        return t(f"messages.paid.{one.purse}", price=in_grosze(one.grosze, found.offer.clinic.zone))
    return t("messages.paid.reserved") if one.message.status in OPEN else t("messages.paid.nobody")


def _bars(found: Month) -> tuple[Bar, ...]:
    """Return a bar for each of thirty-one days; none when nothing was sent."""
    counts = {
        int(day[-2:]): (sent[Purse.POOL] + sent[Purse.HOUSE], sent[Purse.BILL]) for day, sent in found.days.items()
    }
    highest = max((sum(pair) for pair in counts.values()), default=0)
    if not highest:
        return ()
    step = WIDTH / 31
    bars = []
    for day, (pool, bill) in sorted(counts.items()):
        pool_height, bill_height = round(pool * HEIGHT / highest), round(bill * HEIGHT / highest)
        bars.append(
            Bar(
                round((day - 1) * step) + 1, round(step) - 3, HEIGHT - pool_height, pool_height,
                HEIGHT - pool_height - bill_height, bill_height, load()("messages.day", day=day, n=pool + bill),
            )
        )  # fmt: skip
    return tuple(bars)


def _row(one: Charged, found: Month) -> Row:
    t, when = load(), when_in(found.offer.clinic.zone)
    state = one.message.delivery if one.message.delivery in ("delivered", "undelivered") else one.message.status
    at = one.message.created_at
    return Row(
        f"{when.day(at)}, {when.time(at)}",
        t(f"messages.kind.{one.message.kind}"),
        masked(one.message.phone) if one.message.phone else "",
        t(f"messages.state.{state}"),
        _paid(one, found),
        entries_in_words(one, found),
    )
