"""What messages cost, as the house sets it: the list of tariffs, and a new one for a month that has not begun."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from okienko_server.domain.errors import FieldsRefused, NotAllowed
from okienko_server.domain.scope import Scope, ScopeKind
from okienko_server.domain.tariff import BUILT_IN, HIGHEST_PRICE, LARGEST_POOL, Tariff, has_begun, month_read
from okienko_server.operations.desk import Desk
from okienko_server.storage.tariffs import TariffStore


@dataclass(frozen=True, slots=True)
class Listed:
    """A tariff, and whether it can still be changed: not once its month has begun anywhere."""

    tariff: Tariff
    open: bool


def tariffs(*, scope: Scope, desk: Desk, now: datetime) -> tuple[Listed, ...]:
    """Return every tariff, the oldest first; the first is the built-in one, which begins with no month. Raises NotAllowed."""
    _check_operator(scope)
    found = desk.database.read(lambda connection: TariffStore(connection, scope).listed())
    return tuple(Listed(one, bool(one.since) and not has_begun(one.since, now)) for one in (BUILT_IN, *found))


def set_tariff(month: str, price: int, pool_messages: int, *, scope: Scope, desk: Desk, now: datetime) -> Tariff:
    """Let messages cost `price` grosze gross from a month ("2027-01") on, and each person give `pool_messages` a month to the pool.

    A tariff that was to begin with the same month is replaced. Raises NotAllowed unless an operator asks; FieldsRefused: tariff_month for
    what is no month, tariff_begun for one that has begun anywhere (or does within two hours), tariff_price, tariff_pool.
    """
    _check_operator(scope)
    read, errors = month_read(month), dict[str, str]()
    if not read or has_begun(read, now):
        errors["month"] = "tariff_begun" if read else "tariff_month"
    if not 0 <= price <= HIGHEST_PRICE:
        errors["price"] = "tariff_price"
    if not 0 <= pool_messages <= LARGEST_POOL:
        errors["pool_messages"] = "tariff_pool"
    if errors:
        raise FieldsRefused(errors)
    made = Tariff(read, price, pool_messages)
    desk.database.write(lambda connection: TariffStore(connection, scope).put(made, now))
    return made


def _check_operator(scope: Scope) -> None:
    if scope.kind is not ScopeKind.OPERATOR:
        raise NotAllowed
