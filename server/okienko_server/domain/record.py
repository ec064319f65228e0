"""What a patient card and a visit note hold, when they may be signed, and how two versions differ."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from okienko_server.domain.details import printable
from okienko_server.domain.errors import FieldsRefused
from okienko_server.domain.offer import ServiceKind

MAX_TEXT = 8000
"""Characters of one text of a document."""
MAX_REASON = 300
HIGHEST_PAIN = 10
"""Numeric rating scale of pain: 0 none, 10 the worst there can be."""
_ICD10 = re.compile(r"[A-Z][0-9][0-9](\.[0-9X]{1,2})?")
_ICF = re.compile(r"([bsde][0-9]{1,5})\s*\.\s*([0-489]|[+][0-489])", re.IGNORECASE | re.ASCII)
_PIECES = re.compile(r"\s*\S+|\s+")
_LINES = re.compile(r"[^\n]*\n|[^\n]+")
MAX_PAIRS = 250_000
"""Pairs of equal pieces a comparison may go through; 8,000 characters of prose have some 30,000."""


class DocumentKind(StrEnum):
    """CARD documents a consultation and opens the treatment, NOTE documents a visit."""

    CARD = "card"
    NOTE = "note"


class Shape(StrEnum):
    """How a field is filled in."""

    TEXT = "text"
    CODE = "code"
    LINES = "lines"
    PAIN = "pain"
    TICK = "tick"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a document; its words stand in the staff's catalogue under its name."""

    name: str
    shape: Shape = Shape.TEXT


FIELDS: Mapping[DocumentKind, tuple[Field, ...]] = {
    DocumentKind.CARD: (
        Field("history"),
        Field("assessment"),
        Field("diagnosis"),
        Field("icd10", Shape.CODE),
        Field("icf", Shape.LINES),
        Field("goals"),
        Field("plan"),
        Field("red_flags"),
        Field("consent", Shape.TICK),
    ),
    DocumentKind.NOTE: (
        Field("procedures"),
        Field("pain_before", Shape.PAIN),
        Field("pain_after", Shape.PAIN),
        Field("course"),
        Field("exercises"),
        Field("next_step"),
    ),
}
Content = dict[str, str]


def kind_for(kind: ServiceKind) -> DocumentKind:
    """Return which document an appointment of that kind gets."""
    return DocumentKind.CARD if kind is ServiceKind.CONSULTATION else DocumentKind.NOTE


def as_typed(kind: DocumentKind, typed: Mapping[str, str]) -> Content:
    """Return the document's own fields of a form, line breaks as one character: what a draft keeps, unchecked."""
    return {field.name: typed.get(field.name, "").replace("\r\n", "\n") for field in FIELDS[kind]}


def check_sizes(content: Content) -> None:
    """Raise FieldsRefused for text too long to keep or with characters no screen shows."""
    errors: dict[str, str] = {}
    for name, text in content.items():
        if len(text) > MAX_TEXT:
            errors[name] = "record_too_long"
        elif not printable(text):
            errors[name] = "bad_request"
    if errors:
        raise FieldsRefused(errors)


def checked_content(kind: DocumentKind, typed: Mapping[str, str]) -> Content:
    """Return what may be signed: trimmed, codes in capitals. Raises FieldsRefused with one code per field.

    ICD-10: a letter, two digits, optionally a point and one or two signs (WHO ICD-10, 2019). ICF: component letter, category digits,
    point, qualifier 0-4, 8 or 9 (WHO ICF 2001, annex 2).
    """
    content = {name: text.strip() for name, text in as_typed(kind, typed).items()}
    check_sizes(content)
    errors: dict[str, str] = {}
    for field in FIELDS[kind]:
        text = content[field.name]
        if not text:
            continue
        if field.shape is Shape.CODE:
            content[field.name] = text.upper()
            if not _ICD10.fullmatch(text.upper()):
                errors[field.name] = "icd10_invalid"
        elif field.shape is Shape.LINES:
            lines = [_ICF.fullmatch(line.strip()) for line in text.split("\n") if line.strip()]
            if not all(lines):
                errors[field.name] = "icf_invalid"
            content[field.name] = "\n".join(f"{one[1].lower()}.{one[2]}" for one in lines if one)
        elif field.shape is Shape.PAIN:
            if pain_of(text) is None:
                errors[field.name] = "pain_invalid"
            content[field.name] = str(pain_of(text))
        elif field.shape is Shape.TICK:
            content[field.name] = "yes"
    if not errors and not any(content[field.name] for field in FIELDS[kind] if field.shape is not Shape.TICK):
        errors[FIELDS[kind][0].name] = "record_empty"
    if errors:
        raise FieldsRefused(errors)
    return content


def pain_of(text: str) -> int | None:
    """Return a reading of the pain scale, None for what is none."""
    return int(text) if re.fullmatch(r"[0-9]{1,2}", text) and int(text) <= HIGHEST_PAIN else None


def checked_reason(reason: str) -> str:
    """Return why a signed version is corrected; raises FieldsRefused (reason)."""
    reason = " ".join(reason.split())
    if not reason:
        raise FieldsRefused({"reason": "required"})
    if len(reason) > MAX_REASON or not printable(reason):
        raise FieldsRefused({"reason": "reason_too_long" if len(reason) > MAX_REASON else "bad_request"})
    return reason


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of text in a difference: kept, added or removed."""

    how: str
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """How one field differs between two versions."""

    field: str
    segments: tuple[Segment, ...]


def difference(before: Content, after: Content) -> list[Change]:
    """Return the fields that differ, word by word, in the order of the newer version."""
    names = [*after, *(name for name in before if name not in after)]
    return [
        Change(name, tuple(_segments(before.get(name, ""), after.get(name, ""))))
        for name in names
        if before.get(name, "") != after.get(name, "")
    ]


def _segments(before: str, after: str) -> Iterator[Segment]:
    """Word by word; by lines, or as a whole, where the same words come back so often that comparing them would take minutes."""
    for pieces in (_PIECES, _LINES):
        old, new = pieces.findall(before), pieces.findall(after)
        there = Counter(new)
        if sum(times * there[piece] for piece, times in Counter(old).items()) <= MAX_PAIRS:
            break
    else:
        old, new = [before], [after]
    for what, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            yield Segment("kept", "".join(old[start:end]))
            continue
        if end > start:
            yield Segment("removed", "".join(old[start:end]))
        if new_end > new_start:
            yield Segment("added", "".join(new[new_start:new_end]))
