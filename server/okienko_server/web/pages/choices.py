"""What a visitor has chosen so far, carried from form to form in hidden fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from werkzeug.datastructures import MultiDict

from okienko_server.domain.access import Access, Language, words_of
from okienko_server.domain.errors import FieldRefused, FieldsRefused
from okienko_server.domain.offer import ServiceKind
from okienko_server.domain.problem import ADULT, SENIOR, AgeRange, age_in_months, age_in_years, category_of
from okienko_server.domain.starts import When
from okienko_server.domain.towns import in_poland, nearest_town, towns_like
from okienko_server.operations.find_slots import Question
from okienko_server.operations.portal_search import Order, Place, Search
from okienko_server.operations.search_clinics import MAX_PAGE
from okienko_server.web.references import whole_number

TYPED = ("first_name", "last_name", "booker_first_name", "booker_last_name", "phone", "comment", "consent")
_CARRIED = (
    "category",
    "kind",
    "age_group",
    "age",
    "age_unit",
    "clinic",
    "service",
    "practitioner",
    "week",
    "location",
    "place",
    "near",
    "km",
    "when",
    "access",
    "language",
    "order",
    "page",
    "appointment",
    "theme",
    "accent",
)
RADII = (5, 15, 40, 100)
"""Kilometres a patient can choose."""
_KNOWN = {
    "kind": ("consultation", "visit"),
    "age_group": ("child", "adult", "senior"),
    "age_unit": ("months", "years"),
    "theme": ("light", "dark"),
    "km": tuple(str(km) for km in RADII),
    "when": tuple(When),
    "language": tuple(Language),
    "order": tuple(Order),
}
"""Fields with few values; any other text was sent by no page of ours and counts as not sent."""
_NEAR = re.compile(r"([0-9]{2}\.[0-9]{1,6}),([0-9]{2}\.[0-9]{1,6})")
_COLOUR = re.compile(r"[0-9a-fA-F]{6}")
_LONGEST = 64
MAX_CHILD_YEARS = 17


@dataclass(frozen=True, slots=True)
class Choices:
    """The choices as text, just as the form sent them; `typed` are the details, kept when a time is lost."""

    category: str = ""
    kind: str = "consultation"
    age_group: str = "adult"
    age: str = ""
    age_unit: str = "years"
    clinic: str = ""
    service: str = ""
    practitioner: str = ""
    week: str = ""
    location: str = ""
    place: str = ""
    """Where the patient looks: the name of a town as it was typed."""
    near: str = ""
    """The patient's own place, "50.06,19.94", where the browser told it."""
    km: str = ""
    when: str = ""
    access: str = ""
    """Codes of what should make coming easier, with blanks between."""
    language: str = ""
    order: str = ""
    page: str = ""
    appointment: str = ""
    theme: str = ""
    accent: str = ""
    """Colour of the host page, six hexadecimal digits."""
    typed: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, form: Mapping[str, str]) -> Choices:
        """Return the choices of a submitted form; raises FieldRefused (bad_request) for a value no page ever sent."""
        values = {name: form[name].strip() for name in _CARRIED if form.get(name, "").strip()}
        if isinstance(form, MultiDict):
            # One box for each, several may be ticked.
            values["access"] = " ".join(form.getlist("access"))[:_LONGEST]
        typed = {name: form[name] for name in TYPED if form.get(name)}
        for name, value in (*values.items(), *typed.items()):
            if "\0" in value or (len(value) > _LONGEST and name not in typed):
                raise FieldRefused("bad_request", field=name)
        for name, known in _KNOWN.items():
            if values.get(name) not in (None, *known):
                del values[name]
        if not _COLOUR.fullmatch(values.get("accent", "000000")):
            del values["accent"]
        return cls(**values, typed=typed)

    def hidden(self, *, typed: bool = True) -> dict[str, str]:
        """Return the hidden fields that carry the choices on."""
        carried = {name: getattr(self, name) for name in _CARRIED if getattr(self, name)}
        return carried | dict(self.typed) if typed else carried

    def patient_age(self) -> AgeRange:
        """Return the patient's age range; raises FieldRefused (age_required, age_invalid)."""
        group = "child" if self.category == "paediatrics" else self.age_group
        if self.category == "geriatrics" and group == "adult":
            group = "senior"
        if group in ("adult", "senior"):
            return ADULT if group == "adult" else SENIOR
        if group != "child":
            raise FieldRefused("bad_request", field="age")
        if not self.age:
            raise FieldRefused("age_required", field="age")
        if not (self.age.isascii() and self.age.isdigit()):
            raise FieldRefused("age_invalid", field="age")
        months = self.age_unit == "months"
        if int(self.age) > (MAX_CHILD_YEARS * 12 + 11 if months else MAX_CHILD_YEARS):
            raise FieldRefused("age_invalid", field="age")
        return age_in_months(int(self.age)) if months else age_in_years(int(self.age))

    def question(self) -> Question:
        """Return what is looked for; raises FieldsRefused for the problem step's fields, FieldRefused for others."""
        errors: dict[str, str] = {}
        category = age = None
        try:
            category = category_of(self.category)
        except FieldRefused as refused:
            errors["category"] = refused.code
        try:
            age = self.patient_age()
        except FieldRefused as refused:
            errors["age"] = refused.code
        if category is None or age is None:
            raise FieldsRefused(errors)
        try:
            kind = ServiceKind(self.kind)
            first = date.fromisoformat(self.week) if self.week else None
            language = Language(self.language) if self.language else None
        except ValueError:
            raise FieldRefused("bad_request", field="week") from None
        return Question(
            category, age, kind, self.service, self.practitioner, self.location, first=first, language=language
        )

    def where(self) -> tuple[Place, str] | None:
        """Return where to look and what it is called, None for anywhere; raises FieldRefused (place_unknown) on `place`."""
        if self.place:
            if not (found := towns_like(self.place, 1)):
                raise FieldRefused("place_unknown", field="place")
            return Place(found[0].latitude, found[0].longitude), found[0].name
        if at := _NEAR.fullmatch(self.near):
            # To a kilometre, however much was sent: what lies around a point is kept for the next who asks.
            point = round(float(at[1]), 2), round(float(at[2]), 2)
            if in_poland(*point):
                return Place(*point), nearest_town(*point).name
        return None

    def search(self, place: Place | None) -> Search:
        """Return what is looked for on the portal around a place; raises FieldsRefused, FieldRefused."""
        page = whole_number(self.page)
        page = page if 1 <= page <= MAX_PAGE else 1
        return Search(
            replace(self.question(), service_id="", practitioner_id="", location_id="", first=None),
            place,
            float(self.km) if self.km and place else 0,
            When(self.when or When.ANY),
            words_of(Access, self.access),
            Order(self.order or Order.SOONEST),
            page,
        )

    def but(self, **changes: str) -> Choices:
        """Return the choices with some replaced."""
        return replace(self, **changes)  # type: ignore[arg-type]
