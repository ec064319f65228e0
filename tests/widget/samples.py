"""Realistic views of every step and state: long Polish names, full weeks, errors. Shared by tests and screenshots."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from okienko_widget import When, load
from okienko_widget.portal_views import MapPin, MapTown, MapView, SearchBar, Wish
from okienko_widget.views import (
    AppointmentSummary,
    Choice,
    ClinicBadge,
    ClinicChoice,
    ClinicsView,
    CodeView,
    DayChoice,
    DetailsView,
    DoneView,
    Frame,
    MessageView,
    PartOfDay,
    ProblemView,
    SlotChoice,
    SlotGroup,
    TimesView,
    View,
)

ZONE = ZoneInfo("Europe/Warsaw")
TODAY = date(2026, 11, 23)
TEXTS = load()
WHEN = When(TEXTS, ZONE)
CATEGORIES = (
    "spine", "orthopaedics", "sports", "neurology", "paediatrics",
    "womens_health", "cardio_pulmonary", "oncology_lymph", "geriatrics", "jaw_head",
)  # fmt: skip
SESSION = "eyJzIjoicGlubmVkIiwiYyI6ImtheiIsIm8iOiJodHRwczovL3JlaGEucGwifQ.aSKX1w.k0vJ7rXo3cQm9dV2pYt6LwZb1Ns8EhUf4Ag"
CLINIC = ClinicBadge("Rehabilitacja Kazimierz", "Kraków, ul. Józefa 12", "RK", "12 345 67 89")
LONG_CLINIC = ClinicBadge(
    "Specjalistyczne Centrum Fizjoterapii i Rehabilitacji Pourazowej „Źródło Zdrowia”",
    "Świętochłowice, ul. Błogosławionego Księdza Jerzego Popiełuszki 127a",
    "ŹZ",
    "32 245 67 89",
)
STATE = {"category": "spine", "kind": "consultation", "age_group": "adult", "clinic": "kaz7q2", "service": "c60"}
PINNED = Frame(SESSION, "frame", True, "b3f1c09a77de4f02", STATE, CLINIC)
PORTAL = Frame(SESSION, "portal", False, "b3f1c09a77de4f02", STATE)
HELD = replace(PINNED, held_minutes=9, held_seconds=552)
HELD_PORTAL = replace(HELD, layout="portal", pinned=False)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE).astimezone(UTC)


def slot(moment: datetime) -> SlotChoice:
    return SlotChoice(f"{int(moment.timestamp()) // 300}.hb4k2x", WHEN.time(moment), WHEN.full(moment, TODAY),
                      "mgr Zofia Wróblewska", "ul. Józefa 12, Kraków")  # fmt: skip


def day_choice(day: date, step: int, *, chosen: bool = False) -> DayChoice:
    parts: dict[PartOfDay, list[SlotChoice]] = {"morning": [], "afternoon": [], "evening": []}
    moment, end = at(day, 8), at(day, 20)
    while step and moment < end:
        hour = moment.astimezone(ZONE).hour
        part: PartOfDay = "morning" if hour < 12 else "afternoon" if hour < 17 else "evening"
        parts[part].append(slot(moment))
        moment += timedelta(minutes=step)
    groups = tuple(SlotGroup(part, tuple(slots)) for part, slots in parts.items())
    count = sum(len(slots) for slots in parts.values())
    return DayChoice(day.isoformat(), WHEN.weekday_short(day), str(day.day), WHEN.day(day), count, chosen, groups)


def week(*steps: int) -> tuple[DayChoice, ...]:
    chosen = next((n for n, step in enumerate(steps) if step), -1)
    return tuple(day_choice(TODAY + timedelta(days=n), step, chosen=n == chosen) for n, step in enumerate(steps))


PRACTITIONERS = (
    Choice("", "Dowolny terapeuta", chosen=True),
    Choice("zw", "Zofia Wróblewska", initials="ZW"),
    Choice("mk", "Michał Kot", initials="MK"),
    Choice("sb", "Stanisława Brzęczyszczykiewicz-Nowakowska", initials="SB"),
)
SERVICES = (
    Choice("c60", "Konsultacja", "60 min · 180 zł", chosen=True),
    Choice("c45", "Konsultacja krótka", "45 min · 150 zł"),
)
SUMMARY = AppointmentSummary(
    WHEN.span(at(date(2026, 11, 24), 17, 15), at(date(2026, 11, 24), 18, 15)),
    "mgr Zofia Wróblewska",
    "Rehabilitacja Kazimierz, ul. Józefa 12, Kraków",
    "Pierwsza wizyta, kręgosłup · 180 zł, płatne w gabinecie",
)
PROBLEM = ProblemView(replace(PINNED, state={"clinic": "kaz7q2"}), CATEGORIES)
TIMES = TimesView(
    PINNED, "Kręgosłup · pierwsza wizyta · 60 min · 180 zł", slot(at(date(2026, 11, 24), 17, 15)),
    PRACTITIONERS, SERVICES, week(0, 90, 45, 60, 120, 0, 0), "", "2026-11-30",
)  # fmt: skip
FULL_WEEK = replace(TIMES, services=(), days=week(30, 30, 30, 30, 30, 30, 120), previous_week="2026-11-16")
DETAILS = DetailsView(HELD, SUMMARY, False, {}, {})
CODE = CodeView(HELD, SUMMARY, "601 ••• 567", 24, {})


def _clinic(number: int, name: str, initials: str, *, address: str, who: str) -> ClinicChoice:
    slots = tuple(
        replace(slot(moment), time=WHEN.sms(moment))
        for moment in (at(TODAY + timedelta(days=number + n), 9 + 2 * n, 30) for n in range(3))
    )
    return ClinicChoice(
        f"c{number}",
        name,
        initials,
        address,
        who,
        f"60 min · {170 + 10 * number} zł",
        slots,
        "a1",
        number + 1,
        "1,2 km",
        ("Bez schodów",),
        "/g/x",
    )


CLINICS = ClinicsView(
    replace(
        PORTAL,
        state={
            "category": "paediatrics",
            "kind": "consultation",
            "age_group": "child",
            "age": "5",
            "age_unit": "months",
        },
    ),
    "Niemowlęta i dzieci · pierwsza wizyta · 5 miesięcy",
    SearchBar(
        "Kraków",
        "",
        (Wish("adult", "Dorosły", True), Wish("child", "Dziecko"), Wish("senior", "65+")),
        (Wish("any", "Jak najszybciej", True), Wish("week", "W tym tygodniu"), Wish("weekend", "W weekend")),
        (Wish("step_free", "Bez schodów", True), Wish("parking", "Parking")),
        (Wish("", "Polski", True), Wish("en", "English"), Wish("uk", "Українська")),
        (Wish("", "Jak najbliżej", True), Wish("15", "do 15 km")),
        (Wish("soonest", "Najszybciej", True), Wish("nearest", "Najbliżej")),
    ),
    ("Kraków i okolice: najbliższy wolny termin dziś 18:00.", "Bliżej jest niewiele – pokazujemy adresy do 40 km."),
    (
        _clinic(0, "Mały Krok", "MK", address="ul. Starowiślna 40, Kraków", who="mgr Hanna Bąk i 2 inne osoby"),
        _clinic(1, CLINIC.name, "RK", address="ul. Józefa 12, Kraków", who="mgr Michał Kot"),
        _clinic(4, LONG_CLINIC.name, "ŹZ", address=LONG_CLINIC.address, who="dr Ewa Ślusarz-Wiśniewska"),
    ),
    MapView(
        360,
        "14,49 24,49 24,55 14,55",
        "34 0 0 -54 -460 2990",
        (MapTown(150, 180, "Kraków", 206), MapTown(240, 220, "Wieliczka", 224)),
        (MapPin(3, 200, 90), MapPin(2, 170, 160), MapPin(1, 140, 200)),
        (160, 180),
        120,
    ),
    next_page="2",
)

CHILD = replace(
    DETAILS,
    for_child=True,
    values={
        "first_name": "Łucja",
        "last_name": "Żółkiewska",
        "booker_first_name": "Święcisława",
        "phone": "12 345 67 89",
    },
    errors={"booker_last_name": "required", "phone": "phone_landline", "consent": "consent_required"},
)
ALTERNATIVES = tuple(slot(at(date(2026, 11, day), 16, 30)) for day in (24, 25, 27))
DEEP_LINK = replace(PORTAL, clinic=CLINIC, state={"clinic": "kaz7q2"})
TYPED = {"first_name": "Łucja", "last_name": "Żółkiewska", "phone": "12 345 67 89"}
VIEWS: dict[str, View | MessageView] = {
    "problem": PROBLEM,
    "problem-child-error": replace(
        PROBLEM, category="paediatrics", age_group="child", age="21", errors={"age": "age_invalid"}
    ),
    "problem-portal": ProblemView(replace(PORTAL, state={}), CATEGORIES),
    "problem-deep-link": ProblemView(DEEP_LINK, CATEGORIES, "neurology"),
    "clinics": CLINICS,
    "clinics-empty": replace(CLINICS, clinics=()),
    "times": TIMES,
    "times-full": FULL_WEEK,
    "times-portal": replace(TIMES, frame=replace(PORTAL, clinic=LONG_CLINIC)),
    "times-empty": replace(TIMES, days=week(0, 0, 0, 0, 0, 0, 0), practitioners=(), services=()),
    "times-nothing": replace(TIMES, days=(), soonest=None, practitioners=(), services=(), next_week=""),
    "times-taken": replace(TIMES, taken=True, services=(), alternatives=ALTERNATIVES),
    "times-notice": replace(TIMES, frame=replace(PINNED, notice="hold_expired")),
    "details": DETAILS,
    "details-error": replace(
        DETAILS,
        values=TYPED | {"comment": "ból promieniuje do lewej nogi"},
        errors={"phone": "phone_landline", "consent": "consent_required"},
    ),
    "details-child": CHILD,
    "details-portal": replace(DETAILS, frame=replace(HELD_PORTAL, clinic=LONG_CLINIC)),
    "code": CODE,
    "code-error": replace(CODE, resend_seconds=0, errors={"code": "code_wrong"}, tries_left=3),
    "code-exhausted": replace(CODE, resend_seconds=0, errors={"code": "code_exhausted"}, tries_left=0),
    "code-portal": replace(CODE, frame=replace(HELD_PORTAL, notice="code_resent")),
    "done": DoneView(PINNED, SUMMARY, "https://www.openstreetmap.org/?mlat=50.05&mlon=19.94"),
    "done-portal": DoneView(replace(PORTAL, clinic=CLINIC), SUMMARY, ""),
    "message": MessageView("clinic_unavailable", "frame", "https://okienko.example/g/kazimierz", CLINIC),
    "message-portal": MessageView("not_found", link="/"),
}  # fmt: skip
