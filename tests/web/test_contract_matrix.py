"""Every status of a contract at every door, as the one table says: the table is the expectation, real requests are the fact."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise

import pytest
from flask import Flask
from sqlalchemy import update

from okienko_server.domain import contract
from okienko_server.domain.contract import BEGINNING, OPENS, ContractStatus, Term, Use, check_signed, status_at
from okienko_server.domain.errors import FieldRefused
from okienko_server.domain.scope import operator_scope
from okienko_server.operations.onboard_clinic import OpenedClinic
from okienko_server.storage.contracts import ContractStore
from okienko_server.storage.directory import visible
from okienko_server.storage.tables import ClinicRow, ContractTermRow, LedgerRow, SmsMessageRow
from tests.conftest import MONDAY, Clock
from tests.operations.test_money import balanced
from tests.plans import clinic
from tests.web.patients import (
    ADULT_SPINE,
    API,
    ApiPatient,
    FormPatient,
    Telephone,
    became_of,
    change_clinic,
    embed_token,
    house_of,
    messages_of,
    opened,
    refusal_of,
    rows_of,
    searched_as_visible,
)
from tests.web.staff_world import OWNER, StaffWorld


def by_portal(app: Flask, place: OpenedClinic) -> bool:
    """Search as a person and as a program, and look into the published files; all find the clinic or none does."""
    found = ApiPatient(app).ask("POST", "/clinics/search", ADULT_SPINE).get_json()
    listed = "Rehabilitacja Kazimierz" in FormPatient(app, "/").problem().html
    published = app.test_client().get("/fhir/locations-1.ndjson").status_code == 200
    assert listed == published == bool(found["clinics"]) == bool(found["cities"])
    return listed


def by_link(app: Flask, place: OpenedClinic) -> bool:
    answer = app.test_client().get(f"/g/{place.slug}")
    card = app.test_client().get(f"/card/{place.slug}")
    oembed = app.test_client().get("/oembed", query_string={"url": f"http://localhost/g/{place.slug}"})
    feed = app.test_client().get(f"/g/{place.slug}/terminy.json")
    assert answer.status_code == card.status_code == oembed.status_code == feed.status_code
    assert answer.status_code in (200, 404)
    return answer.status_code == 200


def by_frame(app: Flask, place: OpenedClinic) -> bool:
    answer = app.test_client().get(f"/e/{embed_token(place.id)}")
    assert answer.status_code in (200, 403)
    return answer.status_code == 200


def by_api(app: Flask, place: OpenedClinic) -> bool:
    answer = app.test_client().post(f"{API}/sessions", json={"token": embed_token(place.id)})
    assert answer.status_code in (201, 403)
    return answer.status_code == 201


def by_sms(app: Flask, place: OpenedClinic) -> bool:
    """A visit is cancelled by the staff: a message is written and leaves, or none is written and nothing is paid."""
    world = StaffWorld(place, house_of(app).desk, app.test_client())
    world.sign_in(OWNER)
    appointment = world.add("told")
    world.answer(appointment.id, "decline")
    written = messages_of(app)
    arrived = Telephone(app).messages()
    assert len(written) == len(arrived) in (0, 1)
    assert bool(rows_of(app, LedgerRow)) == bool(arrived)
    return bool(arrived)


WAYS: dict[Use, Callable[[Flask, OpenedClinic], bool]] = {
    Use.PORTAL: by_portal,
    Use.LINK: by_link,
    Use.IFRAME: by_frame,
    Use.API: by_api,
    Use.SMS: by_sms,
}


def test_every_use_has_a_way_to_try_it() -> None:
    """The rehearsal's own way stands in test_rehearsal.py."""
    assert set(WAYS) == set(Use) - {Use.REHEARSAL}
    assert set(OPENS) == set(ContractStatus)


@pytest.mark.parametrize("use", WAYS, ids=str)
@pytest.mark.parametrize("status", ContractStatus, ids=str)
def test_a_door_is_as_open_as_the_table_says(app: Flask, status: ContractStatus, use: Use) -> None:
    place = opened(app, clinic(contract=status))
    assert WAYS[use](app, place) is (use in OPENS[status])


@pytest.mark.parametrize("use", [Use.PORTAL, Use.LINK, Use.IFRAME, Use.API], ids=str)
def test_the_table_is_what_decides(app: Flask, use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: a row of the table changed opens the door, so the walk above does look at it."""
    place = opened(app, clinic(contract="suspended"))
    assert WAYS[use](app, place) is False
    monkeypatch.setitem(contract.OPENS, ContractStatus.SUSPENDED, frozenset(Use))
    searched_as_visible(monkeypatch, *visible(MONDAY))
    assert WAYS[use](app, place) is True


@pytest.mark.parametrize("use", WAYS, ids=str)
def test_a_term_begins_and_ends_by_itself(app: Flask, clock: Clock, use: Use) -> None:
    """Nothing runs at the instant a term begins: every look judges by the clock."""
    place = opened(app, clinic(contract="trial"))
    scope, tomorrow = operator_scope().at(place.id), MONDAY + timedelta(days=1)

    def plan(store: ContractStore) -> None:
        store.begin(Term(tomorrow, ContractStatus.ACTIVE))

    house_of(app).desk.database.write(lambda connection: plan(ContractStore(connection, scope)))
    if use is not Use.SMS:
        assert WAYS[use](app, place) is False
    clock.now = tomorrow - timedelta(microseconds=1)
    if use is not Use.SMS:
        assert WAYS[use](app, place) is False
    clock.now = tomorrow
    assert WAYS[use](app, place) is True


def test_terms_never_overlap_and_a_later_one_is_withdrawn(app: Flask) -> None:
    place = opened(app, clinic(contract="trial"))
    scope = operator_scope().at(place.id)
    days = [(5, "active"), (9, "suspended"), (7, "ended"), (7, "active"), (0, "suspended")]
    for day, status in days:
        at = MONDAY + timedelta(days=day)
        with house_of(app).desk.database.writing() as connection:
            ContractStore(connection, scope).begin(Term(at, ContractStatus(status)))
    rows = sorted(rows_of(app, ContractTermRow), key=lambda row: row.starts_at)
    assert [(row.status, row.starts_at) for row in rows] == [("trial", BEGINNING), ("suspended", MONDAY)]
    assert all(before.ends_at == after.starts_at for before, after in pairwise(rows))
    assert rows[-1].ends_at is None


def test_a_patient_in_mid_booking_gets_no_code_after_the_contract_ended(app: Flask) -> None:
    place = opened(app)
    patient = ApiPatient(app, place.id)
    assert patient.hold().status_code == 201
    change_clinic(app, place.id, contract="ended")
    assert refusal_of(patient.details()) == (403, "clinic_unavailable")
    assert messages_of(app) == []


def test_a_code_that_came_before_the_contract_ended_books_nothing(app: Flask) -> None:
    place = opened(app)
    patient = ApiPatient(app, place.id)
    code = patient.awaiting_code()
    change_clinic(app, place.id, contract="suspended")
    assert refusal_of(patient.verify(code)) == (403, "clinic_unavailable")
    change_clinic(app, place.id, contract="active")
    assert patient.verify(code).status_code == 200


def test_a_message_written_before_the_contract_ended_does_not_leave_and_costs_nothing(app: Flask) -> None:
    place = opened(app)
    patient = ApiPatient(app, place.id)
    patient.hold()
    patient.details()
    with house_of(app).desk.database.writing() as connection:
        became_of(connection, place.id, "suspended")
    assert Telephone(app).messages() == []
    (message,) = [row for row in rows_of(app, SmsMessageRow) if row.kind == "verification"]
    assert (message.status, message.body) == ("dropped", "")
    assert balanced(app)
    spent = [row.amount for row in rows_of(app, LedgerRow) if row.sms_id == message.id and row.account == "reserved"]
    assert sum(spent) == 0


@pytest.mark.parametrize("use", [Use.PORTAL, Use.LINK, Use.IFRAME, Use.API], ids=str)
def test_the_clinics_own_switch_shuts_every_door(app: Flask, use: Use) -> None:
    place = opened(app, clinic(registration=False))
    assert WAYS[use](app, place) is False


def test_unlisted_means_the_portal_alone(app: Flask) -> None:
    place = opened(app, clinic(listed=False))
    assert {use: way(app, place) for use, way in WAYS.items()} == {use: use is not Use.PORTAL for use in WAYS}


@pytest.mark.parametrize(
    ("status", "signed", "code"),
    [
        ("active", None, "signed_missing"),
        ("active", date(2026, 11, 24), "signed_ahead"),
        ("active", date(2019, 12, 31), "signed_legacy"),
        ("active", date(2020, 1, 1), ""),
        ("legacy", date(2019, 12, 31), ""),
        ("legacy", date(2020, 1, 1), "signed_since"),
        ("legacy_opened", date(2020, 1, 1), "signed_since"),
        ("trial", None, ""),
        ("suspended", None, ""),
    ],
)
def test_the_day_of_signing_fits_the_status(status: str, signed: date | None, code: str) -> None:
    told = ""
    try:
        check_signed(ContractStatus(status), signed, date(2026, 11, 23))
    except FieldRefused as refused:
        told = refused.code
    assert told == code


def test_before_its_first_term_a_clinic_is_on_trial() -> None:
    terms = (Term(MONDAY, ContractStatus.ACTIVE),)
    assert status_at(terms, MONDAY - timedelta(seconds=1)) is ContractStatus.TRIAL
    assert status_at(terms, MONDAY) is ContractStatus.ACTIVE


def test_the_revision_of_the_offer_rises_with_a_term(app: Flask) -> None:
    """A process that keeps the offer must look again."""
    place = opened(app)
    with house_of(app).desk.database.writing() as connection:
        connection.execute(update(ClinicRow).values(revision=41))
        became_of(connection, place.id, "ended")
    assert [row.revision for row in rows_of(app, ClinicRow)] == [42]
