"""The ledger in words: the month's sums, each message's entries, the accounts' balances, the day's budget."""

from __future__ import annotations

from okienko_server.domain.money import Account, Event, Purse
from okienko_server.operations.allow_code import pumped
from okienko_server.operations.month_sums import sums_of
from okienko_server.operations.statement import Charged, Month
from okienko_server.texts import load
from okienko_server.web.pages.present import when_in
from okienko_server.web.pages.staff.sheet import zloty


def facts_of(found: Month) -> tuple[tuple[str, str], ...]:
    """Return how many messages the pool and the bill paid for, and what is to pay; of a free month there is no pool to speak of."""
    t, count, tariff = load(), sums_of(found).total.count, found.tariff
    price, pool = when_in(found.offer.clinic.zone).price, str(count[Purse.POOL])
    return (
        (t("messages.pool"), t("messages.of", n=pool, all=tariff.messages(found.pool)) if tariff.price else pool),
        (t("messages.bill"), t("messages.times", n=count[Purse.BILL], price=price(tariff.price))),
        (t("messages.owed"), price(found.statement.owed)),
    )


def today_of(found: Month) -> tuple[str, ...]:
    """Return what today's codes took of their budget, and a sentence more when patients get none; nothing for another month."""
    if found.today is None:
        return ()
    t, budget = load(), found.offer.clinic.sms_day_budget
    said = [t("ledger.today", used=zloty(found.today.used), budget=zloty(budget))]
    # A booking's first code takes its confirmation's price along.
    if found.today.used + 2 * found.tariff.budgeted > budget:
        said.append(t("ledger.used_up"))
    elif pumped(found.today):
        said.append(t("ledger.paused"))
    return tuple(said)


def accounts_of(found: Month) -> tuple[tuple[str, str], ...]:
    """Return the balance of each account of the month; they add up to nothing."""
    sums = {account: sum(line.amount for line in found.lines if line.account is account) for account in Account}
    return tuple((load()(f"ledger.account.{one}"), zloty(sums[one])) for one in Account) if found.lines else ()


def entries_in_words(one: Charged, found: Month) -> tuple[str, ...]:
    """Return a message's events with time, sum and purse, in the order they happened."""
    t, when = load(), when_in(found.offer.clinic.zone)
    # Each event has two sides; the one that gets the money stands for it.
    mine = (line for line in found.lines if line.sms_id == one.message.id and line.amount > 0)
    order = list(Event)
    return tuple(
        t(
            "ledger.line", when=f"{when.day(line.at)}, {when.time(line.at)}", event=t(f"ledger.event.{line.event}"),
            sum=zloty(line.amount), purse=t(f"ledger.purse.{line.purse}"),
        )
        for line in sorted(mine, key=lambda line: (line.at, order.index(line.event)))
    )  # fmt: skip
