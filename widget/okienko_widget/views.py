"""What each step of the widget needs to be drawn: plain frozen values, already decided by the server.

The templates format nothing themselves: times and prices arrive as text made by :mod:`okienko_widget.when`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from okienko_widget.portal_views import AboutView, Intro, MapView, PageHead, SearchBar

Layout = Literal["frame", "portal"]
PartOfDay = Literal["morning", "afternoon", "evening"]


@dataclass(frozen=True, slots=True)
class ClinicBadge:
    """The clinic as the header names it: initials in the square, name, address line, phone for a call."""

    name: str
    address: str
    initials: str
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """Common to every step: the signed session, the choices made so far, and where the page stands."""

    session: str
    """Signed WidgetSession; every form repeats it as the hidden field `session`."""
    layout: Layout
    """`frame` inside a clinic's page; `portal` on our own pages (site header, wider column)."""
    pinned: bool
    """True when no other clinic exists for this visitor."""
    key: str
    """Random idempotency key of this page; every form repeats it as the hidden field `key`, so a doubled click counts once."""
    state: Mapping[str, str] = field(default_factory=dict)
    """Hidden fields carried from step to step: category, kind, age_group, age, age_unit, clinic, service, practitioner, week,
    appointment, and what was typed."""
    clinic: ClinicBadge | None = None
    notice: str = ""
    """Key of a sentence in the catalogue (`notice.<key>`) shown above the question, or empty."""
    held_minutes: int | None = None
    """Whole minutes the chosen time is still kept, or None when nothing is held."""
    held_seconds: int | None = None
    theme: str = ""
    """`light` or `dark` when the host page asked for one, else empty: the visitor's own setting counts."""
    accent: str = ""
    """The host page's colour "#rrggbb", or empty; the style sheet corrects it to a readable contrast."""
    hosts: tuple[str, ...] = ()
    """Origins of pages that may hear the frame's height and steps."""
    reference: str = ""
    """Opaque reference of the appointment just made, for the host page's event."""
    rehearsal: bool = False
    """True when the clinic's own people try the window out: every page says so."""
    bare: bool = False
    """True when the page's own script asks: it has the style sheet and itself already, and takes the step only."""
    head: PageHead | None = None
    """What search engines and sharers read, on pages that have an address of their own."""
    oembed: str = ""
    """Address of the clinic's oEmbed answer, on the page a link leads to; empty elsewhere."""


@dataclass(frozen=True, slots=True)
class ProblemView:
    """Step 1: problem category, first visit or continuation, whose body it is."""

    frame: Frame
    categories: tuple[str, ...]
    """Codes of the categories offered here, in screen order; labels are `category.<code>`."""
    category: str = ""
    kind: str = "consultation"
    age_group: str = "adult"
    """`child` (then age and age_unit), `adult` (18-64) or `senior` (65 and over)."""
    age: str = ""
    age_unit: str = "years"
    errors: Mapping[str, str] = field(default_factory=dict)
    """Field name -> error key (`error.<key>`)."""
    soonest: Mapping[str, str] = field(default_factory=dict)
    """Category code -> its first free time in words ("dziś 13:30") for the kind and age group shown; known only at one clinic."""
    place: str | None = None
    """The town as typed; None where the clinic is known already and nobody is asked."""
    about: AboutView | None = None
    """The rest of a clinic's own page."""
    intro: Intro | None = None


@dataclass(frozen=True, slots=True)
class SlotChoice:
    """One free start. `value` is what the form posts back in the field `slot`."""

    value: str
    time: str
    """"17:15", with the season named when the hour occurs twice."""
    label: str = ""
    """The whole thing in words: "jutro, wt. 24 listopada, 17:15"."""
    practitioner: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class ClinicChoice:
    """One clinic that can treat the problem, with its next free starts."""

    id: str
    name: str
    initials: str
    address: str
    practitioners: str
    """Names of those qualified, short: "mgr Hanna Bąk i 2 inne osoby"."""
    price: str
    """"60 min · 170 zł"."""
    slots: tuple[SlotChoice, ...]
    location: str = ""
    """Id of the address."""
    number: int = 0
    """Its number on the map."""
    distance: str = ""
    """"1,2 km", or empty."""
    access: tuple[str, ...] = ()
    url: str = ""
    """The clinic's own page."""


@dataclass(frozen=True, slots=True)
class ClinicsView:
    """Step 2 on the portal only: addresses where this problem is treated at this age, soonest first."""

    frame: Frame
    summary: str
    """"Kręgosłup · pierwsza wizyta · dorosły"."""
    bar: SearchBar
    told: tuple[str, ...]
    """What was found, and what had to be given up for it, in sentences; the first stands out."""
    clinics: tuple[ClinicChoice, ...]
    map: MapView | None
    previous_page: str = ""
    next_page: str = ""
    """Numbers to post as `page`, or empty."""
    intro: Intro | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """A therapist, service or address to filter by."""

    id: str
    name: str
    detail: str = ""
    initials: str = ""
    chosen: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class SlotGroup:
    """The free times of one part of a day; known by identity, so that what was drawn of it can be kept."""

    part: PartOfDay
    slots: tuple[SlotChoice, ...]


@dataclass(frozen=True, slots=True, eq=False)
class DayChoice:
    """One day of the week strip with all its free times; known by identity, like its groups."""

    date: str
    weekday: str
    number: str
    title: str
    """"wt. 24 listopada"."""
    count: int
    chosen: bool
    groups: tuple[SlotGroup, ...]


@dataclass(frozen=True, slots=True)
class TimesView:
    """Step 2 (3 on the portal): the soonest time as one big choice, the week beneath it."""

    frame: Frame
    summary: str
    """"Kręgosłup · pierwsza wizyta · 60 min · 180 zł"."""
    soonest: SlotChoice | None
    practitioners: tuple[Choice, ...]
    """First entry has id "" = any therapist. One real therapist only: the template hides the filter."""
    services: tuple[Choice, ...]
    """Shown only when there are two or more."""
    days: tuple[DayChoice, ...]
    previous_week: str
    next_week: str
    """ISO dates to post as `week`, or empty when there is no such week."""
    taken: bool = False
    """True after a lost race: `alternatives` are the nearest free times."""
    alternatives: tuple[SlotChoice, ...] = ()


@dataclass(frozen=True, slots=True)
class AppointmentSummary:
    """Who, when, where and for how much, always in view from the moment a time is held."""

    when: str
    practitioner: str
    place: str
    offer: str
    """"Pierwsza wizyta, kręgosłup · 180 zł, płatne w gabinecie"."""
    cancel_by: str = ""
    """The moment until which it may be cancelled free of charge, in words; empty: the clinic set none, or it is over."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A little work before the code leaves: `challenge` with a number, SHA-256 beginning with `bits` zero bits; or a wait."""

    challenge: str
    bits: int
    wait_seconds: int


@dataclass(frozen=True, slots=True)
class DetailsView:
    """Step 3: details and consents."""

    frame: Frame
    summary: AppointmentSummary
    for_child: bool
    values: Mapping[str, str]
    """first_name, last_name, phone, comment, consent ("yes"), and for a child booker_first_name, booker_last_name."""
    errors: Mapping[str, str]
    proof: Proof | None = None


@dataclass(frozen=True, slots=True)
class CodeView:
    """Step 4: the code from the SMS."""

    frame: Frame
    summary: AppointmentSummary
    phone: str
    """Masked: "601 ••• 567"."""
    resend_seconds: int
    """Seconds until a new code may be asked for; 0 = now."""
    errors: Mapping[str, str]
    tries_left: int | None = None
    shown: str = ""
    """The code itself, in a rehearsal, where no message brings it."""


@dataclass(frozen=True, slots=True)
class DoneView:
    """The confirmation worth keeping."""

    frame: Frame
    summary: AppointmentSummary
    directions_url: str


@dataclass(frozen=True, slots=True)
class MessageView:
    """A designed dead end: clinic paused, link no longer valid, page not found. Texts are `message.<key>.title/body`."""

    key: str
    layout: Layout = "portal"
    link: str = ""
    clinic: ClinicBadge | None = None
    lead: str = ""
    """What the clinic itself says, instead of the catalogue's sentence."""
    note: str = ""
    """A line beneath: when it is over."""
    elsewhere: str = ""
    """Words of a quiet way on, where the telephone is the better one."""


View = ProblemView | ClinicsView | TimesView | DetailsView | CodeView | DoneView
