"""What the clinic's patients read: each kind of message with an invented code and time, its length and its price."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from okienko_server.domain.clinic import Clinic
from okienko_server.domain.money import month_of
from okienko_server.domain.reminder import DAY, moment
from okienko_server.domain.sms_text import SEGMENT, septets
from okienko_server.domain.tariff import Tariff, tariff_of
from okienko_server.operations.sms_wording import REMINDER, previews
from okienko_server.texts import load
from okienko_server.web.house import house
from okienko_server.web.pages.present import when_in


@dataclass(frozen=True, slots=True)
class Preview:
    """A message of a kind: the kind's name, the text, what it takes and costs."""

    kind: str
    name: str
    text: str
    takes: str


def previews_of(clinic: Clinic, tariffs: tuple[Tariff, ...], now: datetime) -> Iterator[Preview]:
    """Yield every kind of message a clinic's patients may get, for a visit in a week at ten: each at the price it would leave at."""
    t, here = load(), now.astimezone(clinic.zone) + timedelta(days=7)
    sample = here.replace(hour=10, minute=0, second=0, microsecond=0).astimezone(UTC)
    reminded = moment(sample, clinic.reminder_minutes or DAY, clinic.zone)
    for kind, text in previews(house().desk.texts, clinic, sample, house().desk.code_host).items():
        leaves = month_of(reminded if kind == REMINDER else now, clinic.zone)
        cost = when_in(clinic.zone).price(tariff_of(tariffs, leaves).price)
        takes = t("messages.takes", n=septets(text), of=SEGMENT, price=cost)
        yield Preview(kind, t(f"messages.kind.{kind}"), text, takes)
