"""The tariff in words: a price in grosze, and the change a clinic should know of beforehand."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from okienko_server.domain.cells import local_day
from okienko_server.domain.tariff import Tariff, coming_change, first_day
from okienko_server.texts import load
from okienko_server.web.pages.present import when_in


def in_grosze(grosze: int, zone: ZoneInfo) -> str:
    """Return a price as one says it: "22 gr", "1,50 zł"."""
    return load()("tariff.grosze", n=grosze) if grosze < 100 else when_in(zone).price(grosze)


def coming_words(tariffs: tuple[Tariff, ...], zone: ZoneInfo, now: datetime) -> str:
    """Return the sentence about a tariff that begins within sixty days of the clinic's day, "" when nothing changes."""
    found = coming_change(tariffs, local_day(now, zone))
    if found is None:
        return ""
    t, day = load(), when_in(zone).dated(first_day(found.since))
    if not found.price:
        return t("tariff.coming_free", day=day)
    price = in_grosze(found.price, zone)
    if not found.pool_messages:
        return t("tariff.coming_no_pool", day=day, price=price)
    return t("tariff.coming", day=day, price=price, pool=t.plural("tariff.messages", found.pool_messages))
