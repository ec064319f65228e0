"""What the statement of a month shows, in words: rows of kinds and days, the pool, what still waits, what is to pay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from okienko_server.domain.money import Purse
from okienko_server.operations.month_sums import Tally, sums_of
from okienko_server.operations.statement import Month
from okienko_server.texts import load
from okienko_server.web.pages.present import when_in
from okienko_widget import load as widget_texts


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row: its name and the cells behind it, each a number of messages and, where money moved, a sum."""

    name: str
    cells: tuple[tuple[str, str], ...]
    owed: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything the template shows."""

    clinic: str
    address: str
    title: str
    month: str
    owed: str
    pool: tuple[tuple[str, str, str], ...]
    waiting: str
    kinds: tuple[SheetRow, ...]
    days: tuple[SheetRow, ...]
    total: SheetRow
    price: str


def zloty(grosze: int) -> str:
    """Return a sum as a column of sums shows it, with both places: "0,20 zł"."""
    whole, rest = divmod(abs(grosze), 100)
    sign = "−" if grosze < 0 else ""
    shown = f"{whole:,}".replace(",", "\u00a0") if whole >= 10_000 else str(whole)
    return load()("statement.zloty", zloty=sign + shown, grosze=f"{rest:02d}")


def sheet_of(month: Month) -> Sheet:
    """Return a month's statement in words."""
    t, found, sums = load(), month.statement, sums_of(month)
    year, number = (int(part) for part in found.month.split("-"))
    named = t("statement.month", month=widget_texts()(f"month.{number}"), year=year)
    waiting = t("statement.waiting", n=sums.total.waiting, sum=zloty(found.reserved)) if found.reserved else ""
    when = when_in(month.offer.clinic.zone)
    return Sheet(
        month.offer.clinic.name,
        "; ".join(dict.fromkeys(place.address for place in month.offer.locations.values())),
        t("statement.title", month=named),
        named,
        zloty(found.owed),
        _pool(month, sums.total),
        waiting,
        tuple(_row(t(f"messages.kind.{kind}"), tally) for kind, tally in sums.kinds.items()),
        tuple(_row(when.day(date.fromisoformat(day)), tally) for day, tally in sums.days.items()),
        _row(t("statement.total"), sums.total),
        zloty(month.tariff.price),
    )


def _pool(month: Month, total: Tally) -> tuple[tuple[str, str, str], ...]:
    """Return what the pool was and what became of it, in messages and money; nothing for a month in which messages were free."""
    if not month.tariff.price:
        return ()
    t, used, sent, all_ = load(), month.statement.from_pool, total.count[Purse.POOL], month.tariff.messages(month.pool)
    held = sum(line.amount for line in month.lines if line.purse is Purse.POOL and line.account == "reserved")
    parts = (
        (t("statement.pool_granted"), all_, month.pool), (t("statement.pool_used"), sent, used),
        *(((t("statement.pool_held"), total.held, held),) if held else ()),
        (t("statement.pool_left"), all_ - sent - total.held, month.pool - used - held),
    )  # fmt: skip
    return tuple((name, str(count), zloty(grosze)) for name, count, grosze in parts)


def _row(name: str, tally: Tally) -> SheetRow:
    paid = tuple(_cell(tally.count[purse], tally.grosze[purse]) for purse in (Purse.POOL, Purse.BILL, Purse.HOUSE))
    rest = (_cell(tally.waiting, tally.reserved), _cell(tally.back, 0))
    return SheetRow(name, (_cell(tally.messages, 0), *paid, *rest), zloty(tally.grosze[Purse.BILL]))


def _cell(count: int, grosze: int) -> tuple[str, str]:
    return (str(count), zloty(grosze) if grosze else "") if count else ("–", "")
