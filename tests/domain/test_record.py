"""What may be signed, and how two versions are told apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okienko_server.domain.errors import FieldsRefused
from okienko_server.domain.offer import ServiceKind
from okienko_server.domain.patient import surname_key
from okienko_server.domain.record import (
    FIELDS,
    MAX_TEXT,
    DocumentKind,
    checked_content,
    checked_reason,
    difference,
    kind_for,
)

CARD, NOTE = DocumentKind.CARD, DocumentKind.NOTE


def test_a_consultation_gets_a_card_and_a_visit_a_note() -> None:
    assert [kind_for(kind) for kind in ServiceKind] == [CARD, NOTE]


def test_what_is_signed_is_trimmed_and_only_the_documents_own_fields() -> None:
    typed = {
        "history": "  Ból od maja\r\ni sztywność ",
        "icd10": "m54.5",
        "icf": "B280.2\n\n d450 .1",
        "consent": "on",
        "x": "y",
    }
    content = checked_content(CARD, typed)
    assert content["history"] == "Ból od maja\ni sztywność"
    assert (content["icd10"], content["icf"], content["consent"]) == ("M54.5", "b280.2\nd450.1", "yes")
    assert set(content) == {field.name for field in FIELDS[CARD]}


@pytest.mark.parametrize(
    ("kind", "typed", "wrong"),
    [(CARD, {}, {"history": "record_empty"}), (CARD, {"consent": "yes"}, {"history": "record_empty"}),
     (CARD, {"history": "x", "icd10": "54.5"}, {"icd10": "icd10_invalid"}), (CARD, {"icd10": "M5"}, {"icd10": "icd10_invalid"}),
     (CARD, {"icf": "b280"}, {"icf": "icf_invalid"}), (CARD, {"icf": "b280.2\nx1.5"}, {"icf": "icf_invalid"}),
     (CARD, {"icf": "b280.7"}, {"icf": "icf_invalid"}), (CARD, {"plan": "x" * (MAX_TEXT + 1)}, {"plan": "record_too_long"}),
     (CARD, {"plan": "a\0"}, {"plan": "bad_request"}), (NOTE, {"pain_before": "11"}, {"pain_before": "pain_invalid"}),
     (NOTE, {"pain_after": "-1"}, {"pain_after": "pain_invalid"}), (NOTE, {"pain_after": "3,5"}, {"pain_after": "pain_invalid"}),
     (NOTE, {"pain_after": "9" * 400}, {"pain_after": "pain_invalid"}), (NOTE, {"pain_after": "٣"}, {"pain_after": "pain_invalid"})],
)  # fmt: skip
def test_what_may_not_be_signed_is_named_field_by_field(
    kind: DocumentKind, typed: dict[str, str], wrong: dict[str, str]
) -> None:
    with pytest.raises(FieldsRefused) as refused:
        checked_content(kind, typed)
    assert refused.value.errors == wrong


@pytest.mark.parametrize("reading", ["0", "5", "10"])
def test_every_reading_of_the_pain_scale_is_taken(reading: str) -> None:
    assert checked_content(NOTE, {"pain_before": reading})["pain_before"] == reading


@pytest.mark.parametrize(
    ("reason", "code"), [(" ", "required"), ("x" * 301, "reason_too_long"), ("\x07", "bad_request")]
)
def test_a_correction_needs_a_reason(reason: str, code: str) -> None:
    with pytest.raises(FieldsRefused) as refused:
        checked_reason(reason)
    assert refused.value.errors == {"reason": code}


TEXTS = st.dictionaries(st.sampled_from([field.name for field in FIELDS[NOTE]]), st.text(max_size=60))


@given(TEXTS, TEXTS)
def test_a_difference_holds_both_texts_whole(before: dict[str, str], after: dict[str, str]) -> None:
    changes = {change.field: change.segments for change in difference(before, after)}
    for name in before.keys() | after.keys():
        old, new = before.get(name, ""), after.get(name, "")
        assert (name in changes) is (old != new)
        if name in changes:
            assert "".join(one.text for one in changes[name] if one.how != "added") == old
            assert "".join(one.text for one in changes[name] if one.how != "removed") == new


@pytest.mark.parametrize(
    ("surname", "key"),
    [("Żółkiewska-Łoś", "zolkiewska los"), (" ŁĄCKI ", "lacki"), ("O'Hara", "o hara"), ("Müller", "muller"), ("Đorđević", "dordevic"),
     ("", ""), ("😀", "")],
)  # fmt: skip
def test_a_surname_is_folded_for_comparison(surname: str, key: str) -> None:
    assert surname_key(surname) == key
    assert surname_key(key) == key
