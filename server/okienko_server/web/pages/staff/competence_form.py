"""Competences as a form: for each problem a usual range of ages, two ends of one's own, or what stands there already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from okienko_server.domain.ages import UNITS, USUAL, ends_of, range_of, usual_name
from okienko_server.domain.errors import FieldRefused, FieldsRefused
from okienko_server.domain.problem import AgeRange, Competence, ProblemCategory
from okienko_server.texts import load
from okienko_widget import load as widget_texts

NONE, OWN, KEPT = "none", "own", "kept"
_PARTS = ("", "-from", "-from-unit", "-to", "-to-unit")


@dataclass(frozen=True, slots=True)
class Line:
    """One problem in the form; `typed` maps "", "from", "from-unit", "to", "to-unit" to what stands in the fields."""

    field: str
    words: str
    choices: tuple[tuple[str, str], ...]
    typed: Mapping[str, str]


def lines_of(competences: Iterable[Competence], typed: Mapping[str, str] | None = None) -> tuple[Line, ...]:
    """Return the form's lines for what a therapist is competent for, or as they were typed."""
    own: dict[ProblemCategory, list[AgeRange]] = {}
    for one in competences:
        own.setdefault(one.category, []).append(one.ages)
    return tuple(_line(code, own.get(code, []), typed) for code in ProblemCategory)


def read(form: Mapping[str, str], kept: Iterable[Competence]) -> tuple[Competence, ...]:
    """Return the competences a form asks for; `kept` are those that stand now. Raises FieldsRefused (ages_invalid, choice_missing)."""
    found: list[Competence] = []
    errors: dict[str, str] = {}
    for code in ProblemCategory:
        field = f"c-{code}"
        choice = form.get(field, NONE)
        if choice == KEPT:
            found += [one for one in kept if one.category is code]
        elif choice in USUAL:
            found.append(Competence(code, USUAL[choice]))
        elif choice == OWN:
            ends = [form.get(field + part, "").strip() for part in _PARTS[1:]]
            try:
                found.append(Competence(code, range_of(*ends, field=field)))
            except FieldRefused as refused:
                errors[refused.field] = refused.code
        elif choice != NONE:
            errors[field] = "choice_missing"
    if errors:
        raise FieldsRefused(errors)
    return tuple(found)


def in_words(ages: AgeRange) -> str:
    """Return "wszyscy", "dorośli", "od 3 do 17 lat", "0–36 mies."."""
    t, word = load(), usual_name(ages)
    if word:
        return t(f"therapists.ages.{word}")
    low, low_unit, high, high_unit = ends_of(ages)
    begin = t(f"therapists.from_{low_unit}", n=low)
    return begin if high is None else t("therapists.span", begin=begin, end=t(f"therapists.to_{high_unit}", n=high))


def _line(code: ProblemCategory, own: list[AgeRange], typed: Mapping[str, str] | None) -> Line:
    t, field = load(), f"c-{code}"
    choices = [(NONE, t("therapists.none")), *((word, t(f"therapists.ages.{word}")) for word in USUAL)]
    if len(own) > 1:
        choices.append((KEPT, t("therapists.kept", ages=", ".join(in_words(ages) for ages in own))))
    choices.append((OWN, t("therapists.own")))
    values = {part.lstrip("-"): (typed or {}).get(field + part, "") for part in _PARTS} if typed else _values(own)
    return Line(field, widget_texts()(f"category.{code}"), tuple(choices), values)


def _values(own: list[AgeRange]) -> dict[str, str]:
    values = {"": NONE, "from": "", "from-unit": UNITS[0], "to": "", "to-unit": UNITS[0]}
    if len(own) > 1:
        return values | {"": KEPT}
    for ages in own:
        low, low_unit, high, high_unit = ends_of(ages)
        ends = {"from": str(low), "from-unit": low_unit, "to": "" if high is None else str(high), "to-unit": high_unit}
        values |= {"": usual_name(ages) or OWN} | (ends if not usual_name(ages) else {})
    return values
