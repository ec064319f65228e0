"""The tenant: who signed the contract, what it opens and when, and the clinic's own rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from okienko_server.domain.cells import local_day
from okienko_server.domain.contract import OPENS, ContractStatus, Term, Use, status_at
from okienko_server.domain.errors import ClinicPaused, ClinicUnavailable
from okienko_server.domain.phone import HOME
from okienko_server.domain.problem import ProblemCategory

SMS_DAY_BUDGET = 8_000
"""Two hundred bookings a day."""
ANSWER_MINUTES = 4 * 60
"""How long a reservation may wait for an answer where the clinic chose nothing else."""


@dataclass(frozen=True, slots=True)
class Address:
    """Street with number, postcode, city; all empty: unknown."""

    street: str = ""
    postcode: str = ""
    city: str = ""

    @property
    def short(self) -> str:
        """Street and city, as people say it."""
        return f"{self.street}, {self.city}"

    @property
    def full(self) -> str:
        """With the postcode, as maps and calendars find it."""
        return f"{self.street}, {self.postcode} {self.city}"


NOWHERE = Address()


@dataclass(frozen=True, slots=True)
class Pause:
    """A clinic asks patients to wait: what it says, whom to call (empty: the clinic's number), the local day it is back (None: open)."""

    since: datetime
    message: str = ""
    phone: str = ""
    back_on: date | None = None


@dataclass(frozen=True, slots=True)
class Clinic:
    """The tenant: who signed the contract and how long in advance it takes appointments."""

    id: str
    slug: str
    name: str
    phone: str
    zone: ZoneInfo
    terms: tuple[Term, ...]
    """The contract's history and what is known of its future, in time order."""
    generation: int
    """Lowest generation whose visitors may go on; under a grace the one before, so that nobody is cut off in mid-booking."""
    allowed_origins: tuple[str, ...]
    notice_minutes: int
    """Minimum notice: nothing sooner than this many minutes from now."""
    horizon_days: int
    """Nothing later than this many days from today."""
    slot_step_minutes: int
    open_on_holidays: bool
    answer_minutes: int = ANSWER_MINUTES
    """A reservation that waits longer than this for an answer is overdue."""
    sms_day_budget: int = SMS_DAY_BUDGET
    """Grosze codes and what they promise may cost in a day; beyond it patients are asked to call."""
    sms_notifications: bool = True
    """The clinic pays for notifications: each month its people give it a pool of messages."""
    sms_countries: tuple[str, ...] = HOME
    """ISO codes of the countries whose mobile numbers get codes."""
    reminder_minutes: int = 0
    """How long before a visit its patient is reminded by SMS; 0: never."""
    registration: bool = True
    """The clinic's own switch of online registration."""
    listed: bool = True
    """Whether the portal's search names it."""
    pause: Pause | None = None
    signed_on: date | None = None
    nip: str = ""
    contract_address: Address = NOWHERE
    """Where the contract says the clinic is."""
    categories: tuple[ProblemCategory, ...] = ()
    """What the clinic says it treats, whoever is competent for it; empty: it said nothing."""
    cancel_minutes: int = 0
    """How long before a visit it may be cancelled free of charge; 0: at any time."""
    accent: str = ""
    embed_mode: str = ""
    guests_until: datetime | None = None
    """Until when operators may come in."""
    indexed: bool = True
    """Whether search engines may keep the clinic's page."""

    def lets_guests_in(self, now: datetime) -> bool:
        """Return whether an operator may be in this clinic now."""
        return self.guests_until is not None and now < self.guests_until

    def status(self, now: datetime) -> ContractStatus:
        """Return the contract's status at an instant."""
        return status_at(self.terms, now)

    def opens(self, use: Use, now: datetime) -> bool:
        """Return whether the contract opens a use at an instant, whatever the clinic itself chose."""
        return use in OPENS[self.status(now)]

    def paused(self, now: datetime) -> Pause | None:
        """Return the pause that holds at an instant."""
        if self.pause is None or (self.pause.back_on and local_day(now, self.zone) >= self.pause.back_on):
            return None
        return self.pause

    def check_contract(self, use: Use, now: datetime) -> None:
        """Raise ClinicUnavailable when the contract or the clinic's own switch keeps a door shut; a pause alone does not.

        A rehearsal is for before patients come: while they can, it would take their times.
        """
        wanted = not (self.registration and self.opens(Use.IFRAME, now)) if use is Use.REHEARSAL else self.registration
        if not (wanted and self.opens(use, now)):
            raise ClinicUnavailable

    def check_door(self, use: Use, now: datetime) -> None:
        """Raise ClinicUnavailable when patients find this door shut at an instant, ClinicPaused when they are asked to wait."""
        self.check_contract(use, now)
        pause = self.paused(now)
        if pause and use is not Use.REHEARSAL:
            raise ClinicPaused(self.name, pause.message, pause.phone or self.phone, pause.back_on)
