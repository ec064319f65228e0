"""What a clinic is and offers: places, services, people, hours."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from okienko_server.storage.tables.base import Base, OfClinic, OfClinicById, to, to_clinic

_BEHIND = text("searched IS NULL OR searched <> revision")


class PortalRow(Base):
    """A page of somebody else that hosts the widget unpinned; belongs to no clinic."""

    __tablename__ = "portal"
    portal_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    generation: Mapped[int]
    allowed_origins: Mapped[str | None]
    graced: Mapped[int | None]
    grace_until: Mapped[datetime | None]


class ClinicRow(OfClinic):
    __tablename__ = "clinic"
    slug: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    phone: Mapped[str]
    zone: Mapped[str]
    registration: Mapped[bool]
    """The clinic's own switch of online registration; what the contract says comes before it."""
    listed: Mapped[bool]
    """Whether the portal's search names the clinic; its own links and frames do not need it."""
    signed_on: Mapped[str | None]
    """The day the contract was signed, "2026-11-25"."""
    generation: Mapped[int]
    allowed_origins: Mapped[str]
    notice_minutes: Mapped[int]
    horizon_days: Mapped[int]
    slot_step_minutes: Mapped[int]
    open_on_holidays: Mapped[bool]
    revision: Mapped[int]
    """Raised by every change of the offer; a reader's kept copy is good while it is equal."""
    graced: Mapped[int | None]
    grace_until: Mapped[datetime | None]
    """Until then tokens of the generation `graced` and later are accepted still."""
    answer_minutes: Mapped[int | None]
    """A reservation nobody answered for this long is shown to everybody who may answer; None: the house's own measure."""
    sms_day_budget: Mapped[int | None]
    """Grosze; None: the house's own measure."""
    sms_notifications: Mapped[bool | None]
    """Whether the clinic pays for notifications, which give it a pool; None: it does."""
    sms_countries: Mapped[str | None]
    """ISO codes with blanks between; None: Polish numbers only."""
    reminder_minutes: Mapped[int | None]
    """How long before a visit its patient is reminded; None and 0: never."""
    nip: Mapped[str | None]
    """Tax number: ten digits."""
    contract_street: Mapped[str | None]
    contract_postcode: Mapped[str | None]
    contract_city: Mapped[str | None]
    """The address in the contract: what the first location is prefilled with."""
    paused_at: Mapped[datetime | None]
    """Since when patients are asked to wait; None: not paused."""
    pause_message: Mapped[str | None]
    pause_phone: Mapped[str | None]
    back_on: Mapped[str | None]
    """The local day the pause ends by itself; None: until somebody ends it."""
    categories: Mapped[str | None]
    """Problem categories the clinic says it treats, with blanks between; None: it said nothing."""
    cancel_minutes: Mapped[int | None]
    """How long before a visit it may be cancelled free of charge; None and 0: at any time."""
    guests_until: Mapped[datetime | None]
    """Until when the clinic lets operators in; None: it does not."""
    accent: Mapped[str | None]
    embed_mode: Mapped[str | None]
    """What the clinic chose for its website's snippets."""
    indexed: Mapped[bool | None]
    """Whether search engines may keep the clinic's page; None: they may."""
    searched: Mapped[int | None]
    """The revision the portal's next starts stand at; anything else than `revision`: they are behind."""
    __table_args__ = (Index("ix_clinic_behind", "clinic_id", sqlite_where=_BEHIND, postgresql_where=_BEHIND),)


class ContractTermRow(OfClinic):
    """A span in which a clinic's contract has one status; half-open, spans of one clinic never overlap."""

    __tablename__ = "contract_term"
    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    ends_at: Mapped[datetime | None]
    status: Mapped[str]
    __table_args__ = (to_clinic(),)


class LocationRow(OfClinicById):
    __tablename__ = "location"
    name: Mapped[str]
    street: Mapped[str]
    postcode: Mapped[str]
    city: Mapped[str] = mapped_column(index=True)
    offered: Mapped[bool]
    """Whether patients can choose it; what is withheld stays in the schedule and in the record."""
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    """Degrees, WGS 84."""
    access: Mapped[str | None]
    """What makes coming easier (`domain.access`), codes with blanks between; None: it said nothing."""
    __table_args__ = (to_clinic(),)


class OpeningHoursRow(OfClinicById):
    __tablename__ = "opening_hours"
    location_id: Mapped[str]
    weekday: Mapped[int]
    start_minute: Mapped[int]
    end_minute: Mapped[int]
    __table_args__ = (to("location", "location_id"),)


class ServiceRow(OfClinicById):
    __tablename__ = "service"
    name: Mapped[str]
    kind: Mapped[str]
    minutes: Mapped[int]
    price: Mapped[int]
    buffer_before: Mapped[int]
    buffer_after: Mapped[int]
    categories: Mapped[str]
    """Codes separated by spaces; empty = all."""
    position: Mapped[int]
    offered: Mapped[bool]
    __table_args__ = (to_clinic(),)


class PractitionerRow(OfClinicById):
    __tablename__ = "practitioner"
    title: Mapped[str]
    first_name: Mapped[str]
    last_name: Mapped[str]
    position: Mapped[int]
    offered: Mapped[bool]
    pwz: Mapped[str | None]
    """Number of the licence to practise physiotherapy."""
    languages: Mapped[str | None]
    """Languages spoken beside Polish (`domain.access`), ISO 639-1 codes with blanks between; None: none."""
    __table_args__ = (to_clinic(),)


class CompetenceRow(OfClinic):
    __tablename__ = "competence"
    practitioner_id: Mapped[str] = mapped_column(primary_key=True)
    category: Mapped[str] = mapped_column(primary_key=True)
    lowest_months: Mapped[int] = mapped_column(primary_key=True)
    highest_months: Mapped[int]
    __table_args__ = (to("practitioner", "practitioner_id"),)


class PractitionerServiceRow(OfClinic):
    __tablename__ = "practitioner_service"
    practitioner_id: Mapped[str] = mapped_column(primary_key=True)
    service_id: Mapped[str] = mapped_column(primary_key=True)
    __table_args__ = (to("practitioner", "practitioner_id"), to("service", "service_id"))


class WorkingHoursRow(OfClinicById):
    __tablename__ = "working_hours"
    practitioner_id: Mapped[str]
    location_id: Mapped[str]
    weekday: Mapped[int]
    start_minute: Mapped[int]
    end_minute: Mapped[int]
    __table_args__ = (to("practitioner", "practitioner_id"), to("location", "location_id"))


class AbsenceRow(OfClinicById):
    __tablename__ = "absence"
    practitioner_id: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str]
    __table_args__ = (to("practitioner", "practitioner_id"),)


class NextStartRow(OfClinic):
    """One therapist's free starts of one service at one address, as the portal's search shows them.

    Derived from offer and occupancy, and able to tell by itself when it is not good any more (`storage.next_starts`).
    """

    __tablename__ = "next_start"
    location_id: Mapped[str] = mapped_column(primary_key=True)
    practitioner_id: Mapped[str] = mapped_column(primary_key=True)
    service_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    """The service's place in the clinic's own order."""
    version: Mapped[int]
    """Raised by every change of the therapist's occupancy; what was worked out for another is not written."""
    good_until: Mapped[datetime]
    """Until then `starts` is exact, if nothing changes: a hold may lapse, the window may end."""
    due_at: Mapped[datetime]
    """When it should be worked out anew: it is not good any more, or its first start has passed."""
    base: Mapped[int]
    """Cell of the first bit of `starts`."""
    starts: Mapped[bytes] = mapped_column(LargeBinary)
    """The mask of free starts, whatever notice and horizon, compressed."""
    __table_args__ = (
        to("practitioner", "practitioner_id", cascade=True),
        to("location", "location_id", cascade=True),
        to("service", "service_id", cascade=True),
        Index("ix_next_start_therapist", "clinic_id", "practitioner_id"),
        Index("ix_next_start_due", "due_at"),
    )


class StartBoundRow(OfClinic):
    """What the portal's search finds and ranks a next start by, once for each of the therapist's competences the service is for.

    Bounds lie never after the truth: a booking leaves them alone, time given back sets them to 0. Only clinics the portal may list
    have any. No search reads another table before it knows which few addresses it will show.
    """

    __tablename__ = "start_bound"
    location_id: Mapped[str] = mapped_column(primary_key=True)
    practitioner_id: Mapped[str] = mapped_column(primary_key=True)
    service_id: Mapped[str] = mapped_column(primary_key=True)
    category: Mapped[str] = mapped_column(primary_key=True)
    lowest_months: Mapped[int] = mapped_column(primary_key=True)
    highest_months: Mapped[int]
    kind: Mapped[str]
    access: Mapped[int]
    languages: Mapped[int]
    """Bits in the order of `domain.access`."""
    tile: Mapped[int]
    """The square of the map it lies in (`domain.spots`)."""
    x: Mapped[int]
    y: Mapped[int]
    z: Mapped[int]
    """Its spot, metres."""
    lot: Mapped[int]
    """Drawn for the address: what stands equal otherwise has an order nobody chose."""
    soonest: Mapped[int]
    evening: Mapped[int]
    weekend: Mapped[int]
    """Cells no free start of that sort lies before; 0: nobody knows."""
    __table_args__ = (
        ForeignKeyConstraint(
            ["clinic_id", "location_id", "practitioner_id", "service_id"],
            [
                f"next_start.{column}"
                for column in ("clinic_id", "location_id", "practitioner_id", "service_id")
            ],
            name="fk_start_bound_next_start",
            ondelete="CASCADE",
        ),
        # Everything a search near a place compares or returns, so that it reads the index alone.
        Index(
            "ix_start_bound_tile", "kind", "category", "tile", "lowest_months", "highest_months", "access", "languages",
            "soonest", "evening", "weekend", "x", "y", "z", "lot", "clinic_id", "location_id",
        ),
        Index("ix_start_bound_soonest", "kind", "category", "soonest", "lot"),
        Index("ix_start_bound_evening", "kind", "category", "evening", "lot"),
        Index("ix_start_bound_weekend", "kind", "category", "weekend", "lot"),
    )  # fmt: skip
