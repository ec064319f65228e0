"""A store sees one clinic: it refuses a scope without one, and never touches a neighbour with the same ids."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from okienko_server.domain.appointment import Appointment, Person, Status, Step
from okienko_server.domain.audit import Act
from okienko_server.domain.cells import cell_at
from okienko_server.domain.contract import ContractStatus, Term
from okienko_server.domain.details import Details
from okienko_server.domain.errors import EditConflict, ForeignClinic, NotFound, StepNotAllowed
from okienko_server.domain.money import Event, Purse
from okienko_server.domain.patient import Encounter, Episode
from okienko_server.domain.problem import AgeRange, Competence, ProblemCategory
from okienko_server.domain.record import DocumentKind
from okienko_server.domain.scope import Scope, ScopeKind, operator_scope
from okienko_server.domain.spots import NOWHERE, UNKNOWN_TILE
from okienko_server.domain.starts import Bounds, fold
from okienko_server.domain.tariff import BUILT_IN
from okienko_server.domain.verification import Challenge
from okienko_server.storage.appointments import AppointmentStore
from okienko_server.storage.audit import AuditStore
from okienko_server.storage.challenges import AnswerStore, ChallengeStore
from okienko_server.storage.clinic_settings import ClinicSettingsStore
from okienko_server.storage.contracts import ContractStore
from okienko_server.storage.diary import DiaryStore, Entry
from okienko_server.storage.directory import PortalStore
from okienko_server.storage.documents import DocumentStore
from okienko_server.storage.feeds import FeedStore
from okienko_server.storage.hours import HoursStore
from okienko_server.storage.ledger import LedgerStore
from okienko_server.storage.next_starts import Finished, NextStartStore, RowKey, Traits, Worked
from okienko_server.storage.occupancy import OccupancyStore
from okienko_server.storage.offers import OfferStore
from okienko_server.storage.onboarding import ClinicRecordStore
from okienko_server.storage.outbox import OutboxStore
from okienko_server.storage.patients import EpisodeStore, PatientStore
from okienko_server.storage.places import PlaceStore
from okienko_server.storage.services import ServiceStore
from okienko_server.storage.session import Database
from okienko_server.storage.staff import LinkStore, MemberStore, StaffSessionStore
from okienko_server.storage.starts_due import NextStartsDueStore
from okienko_server.storage.store import ClinicStore, OperatorStore
from okienko_server.storage.tables import Base, StaffRow
from okienko_server.storage.therapists import TherapistStore
from tests.storage.rows import NOW, WARSAW, add_appointment, add_clinic, proposed, scope_of, staff_of
from tests.storage.test_schema import stores

LATER = NOW + timedelta(minutes=10)
CHALLENGE = Challenge("digest", LATER, 0, 1, NOW, used=False)


@pytest.mark.parametrize("kind", ScopeKind)
@pytest.mark.parametrize("store", stores(ClinicStore), ids=lambda store: store.__name__)
def test_a_clinics_store_refuses_a_scope_without_a_clinic(
    database: Database, store: type[ClinicStore], kind: ScopeKind
) -> None:
    with database.reading() as connection, pytest.raises(ForeignClinic):
        store(connection, Scope(kind))


@pytest.mark.parametrize("kind", [ScopeKind.PORTAL, ScopeKind.CLINIC, ScopeKind.STAFF])
@pytest.mark.parametrize("store", stores(OperatorStore), ids=lambda store: store.__name__)
def test_an_operators_store_refuses_everybody_else(
    database: Database, store: type[OperatorStore], kind: ScopeKind
) -> None:
    with database.reading() as connection:
        store(connection, operator_scope())
        with pytest.raises(ForeignClinic):
            store(connection, Scope(kind, "klinika", "session"))


def test_the_portals_store_refuses_whoever_is_pinned(database: Database) -> None:
    with database.reading() as connection:
        for kind in (ScopeKind.PORTAL, ScopeKind.OPERATOR):
            PortalStore(connection, Scope(kind))
        for kind in (ScopeKind.CLINIC, ScopeKind.STAFF):
            with pytest.raises(ForeignClinic):
                PortalStore(connection, Scope(kind, "klinika"))


def everything_of(connection: Connection, clinic_id: str) -> dict[str, list[Any]]:
    """Return every row of every table that belongs to a clinic."""
    return {
        table.name: sorted(map(repr, connection.execute(select(table).where(table.c.clinic_id == clinic_id))))
        for table in Base.metadata.sorted_tables
        if "clinic_id" in table.c
    }


def fill(connection: Connection, clinic_id: str) -> None:
    """Write a clinic with one row of everything, under ids every other clinic has too."""
    scope = scope_of(clinic_id)
    add_clinic(connection, clinic_id)
    made = add_appointment(connection, "a1", clinic_id)
    connection.execute(
        insert(StaffRow).values(
            clinic_id=clinic_id, id="s1", email="ewa@example.pl", name="Ewa", role="therapist", password_hash="", practitioner_id="anna"
        )
    )  # fmt: skip
    cells = range(cell_at(made.starts_at), cell_at(made.ends_at))
    assert OccupancyStore(connection, scope).take("a1", "anna", cells, LATER, NOW, WARSAW)
    NextStartStore(connection, scope).keep_only(next_start(), 1, listed=True)
    ChallengeStore(connection, scope).put("a1", CHALLENGE)
    assert AnswerStore(connection, scope).keep("key", "sha", "a1", NOW)
    OutboxStore(connection, scope).add("a1", "verification", "+48601234567", "kod", NOW)
    StaffSessionStore(connection, scope).open("token", "s1", "csrf", NOW)
    staff = staff_of(clinic_id)
    AuditStore(connection, staff).append(b"key", Act.CONFIRM, "appointment", "a1", NOW)
    patient = PatientStore(connection, staff).add("p1", Person("Jan", "Nowak"), "+48601234567", Person(), None, NOW)
    EpisodeStore(connection, staff).add(Episode("e1", patient.id, ProblemCategory.SPINE, "", "anna", NOW, None, 1))
    EpisodeStore(connection, staff).tie(Encounter("a1", "p1", "e1", "anna", NOW, "s1"))
    documents = DocumentStore(connection, staff)
    documents.sign("a1", 1, DocumentKind.NOTE, {"course": "dobrze"}, "", NOW)
    documents.save_draft("a1", {"course": "lepiej"}, 1, 0, NOW)
    FeedStore(connection, staff).open("feed", "anna", NOW)
    LinkStore(connection, staff).make("link", "s1", "reset", NOW, LATER)
    money = LedgerStore(connection, staff)
    money.reserve("m1", Purse.POOL, "2026-11", NOW, BUILT_IN)
    assert money.charge_day("2026-11-23", 40, 100)


def next_start(services: tuple[str, ...] = ("wizyta",)) -> dict[RowKey, Traits]:
    """Return rows of next starts: anna's at her address."""
    treated = Competence(ProblemCategory.SPINE, AgeRange(0, 215))
    traits = Traits("visit", 0, (treated,), 0, 0, UNKNOWN_TILE, NOWHERE, 7)
    return {RowKey("adres", "anna", service): traits for service in services}


def change_everything(connection: Connection, clinic_id: str) -> None:
    """Call every method that writes, from the clinic's own scope."""
    scope = scope_of(clinic_id)
    appointments, occupancy = AppointmentStore(connection, scope), OccupancyStore(connection, scope)
    challenges, sessions = ChallengeStore(connection, scope), StaffSessionStore(connection, scope)
    held = appointments.lock_own("a1")
    typed = Details(Person("Jan", "Nowak"), Person(), "+48601234567", "", consent=True)
    appointments.give_details(held, typed, LATER, NOW)
    appointments.extend(held, LATER + timedelta(minutes=1), NOW)
    challenges.put("a1", Challenge("other", LATER, 0, 2, NOW, used=False))
    challenges.take_try("a1")
    challenges.mark_used("a1")
    AnswerStore(connection, scope).keep("another key", "sha", "a1", NOW)
    OutboxStore(connection, scope).add("a1", "confirmation", "+48601234567", "termin", NOW)
    appointments.step(held, Step.RELEASE, NOW)
    OutboxStore(connection, scope).forget("a1")
    appointments.add_consent("a1", "processing", "2026-11", "sha", "Jan Nowak", NOW)
    own = range(cell_at(held.starts_at), cell_at(held.ends_at))
    assert occupancy.keep("a1", "anna", own, LATER + timedelta(minutes=1), NOW, WARSAW)
    cells = range(cell_at(held.starts_at) + 20, cell_at(held.starts_at) + 40)
    assert occupancy.take("a1", "anna", cells, LATER, NOW, WARSAW)
    occupancy.free("a1", WARSAW)
    planned = proposed("a2", clinic_id, status=Status.BOOKED, held_until=None)
    DiaryStore(connection, scope).fill([Entry(planned, cells)], WARSAW)
    OfferStore(connection, scope).raise_revision()
    ClinicRecordStore(connection, scope).allow_origins(("https://example.pl",))
    HoursStore(connection, scope).add_absence("anna", NOW, LATER, "urlop")
    ContractStore(connection, scope).begin(Term(NOW, ContractStatus.ENDED))
    assert ClinicSettingsStore(connection, scope).change(listed=False)
    PlaceStore(connection, scope).change("adres", street="Inna 1")
    starts = NextStartStore(connection, scope)
    due = NextStartsDueStore(connection, operator_scope())
    ((row, version),) = due.versions([(clinic_id, "anna")])[clinic_id, "anna"].items()
    worked = Worked(fold(1), 1, Bounds(1, 1, 1), LATER, LATER)
    due.write([Finished(clinic_id, row, version, worked)])
    assert starts.caught_up(OfferStore(connection, scope).load().revision)
    services, therapists = ServiceStore(connection, scope), TherapistStore(connection, scope)
    services.change("wizyta", price=1)
    services.add(
        "fresh", name="Nowa", kind="visit", minutes=30, price=1, buffer_before=0, buffer_after=0, categories=""
    )
    services.give("fresh", ["anna"])
    therapists.change("anna", title="dr")
    therapists.set_competences("anna", [Competence(ProblemCategory.JAW_HEAD, AgeRange(0, 11))])
    HoursStore(connection, scope).set_opening("adres", [((480, 540),)])
    HoursStore(connection, scope).set_working("anna", "adres", [((480, 540),)])
    staff = staff_of(clinic_id)
    patients, episodes = PatientStore(connection, staff), EpisodeStore(connection, staff)
    AuditStore(connection, staff).append(b"key", Act.CONFIRM, "appointment", "a1", NOW)
    patients.change(patients.get("p1"), Person("Jan", "Nowak"), "", Person(), None, NOW)
    episodes.change(episodes.get("e1"), title="Bark")
    assert not episodes.tie(Encounter("a1", "p1", "e1", "anna", NOW, "s1"))
    assert episodes.tie(Encounter("a2", "p1", "e1", "anna", NOW, "s1"))
    documents = DocumentStore(connection, staff)
    documents.sign("a1", 2, DocumentKind.NOTE, {"course": "inaczej"}, "pomyłka", NOW)
    with pytest.raises(EditConflict):
        documents.sign("a1", 2, DocumentKind.NOTE, {"course": "jeszcze inaczej"}, "pomyłka", NOW)
    documents.save_draft("a1", {"course": "najlepiej"}, 1, 1, NOW)
    documents.drop_draft("a1")
    assert FeedStore(connection, staff).close("anna")
    assert LinkStore(connection, staff).use("link", NOW) == "s1"
    LinkStore(connection, staff).make("other", "s1", "reset", NOW, LATER)
    members = MemberStore(connection, staff)
    members.add("s2", "jan@example.pl", "Jan", "owner", "")
    members.change("s1", totp_nonce="nonce")
    assert members.take_step("s1", 7) and not members.take_step("s1", 7)
    money = LedgerStore(connection, staff)
    assert money.book("m1", Event.RELEASE, Purse.POOL, "2026-11", NOW, BUILT_IN.price)
    assert not money.book("m1", Event.RELEASE, Purse.POOL, "2026-11", NOW, BUILT_IN.price)
    for key in ("m2", "m3"):
        assert money.reserve(key, Purse.POOL, "2026-11", NOW, BUILT_IN) is Purse.POOL
    assert money.charge_day("2026-11-23", 40, 100) and money.charge_day("2026-11-23", 40, 100) is None
    money.verified("2026-11-23")
    sessions.seen("token", LATER)
    sessions.close("token")
    sessions.open("token", "s1", "csrf", NOW)
    with pytest.raises(NotFound):
        sessions.close_one("s2", "token")
    sessions.close_all("s1")


def test_nothing_a_clinic_does_changes_a_row_of_another_with_the_same_ids(database: Database) -> None:
    for clinic in ("a", "b", "ab"):
        database.write(lambda connection, clinic=clinic: fill(connection, clinic))  # type: ignore[misc]
    with database.reading() as connection:
        before = {clinic: everything_of(connection, clinic) for clinic in ("a", "b", "ab")}
    database.write(lambda connection: change_everything(connection, "a"))
    with database.reading() as connection:
        assert everything_of(connection, "b") == before["b"]
        assert everything_of(connection, "ab") == before["ab"]
        untouched = [name for name, rows in everything_of(connection, "a").items() if rows == before["a"][name]]
    assert untouched == []


def test_nothing_of_another_clinic_can_be_read_under_its_ids(database: Database) -> None:
    database.write(lambda connection: fill(connection, "b"))
    database.write(lambda connection: add_clinic(connection, "a"))
    scope = scope_of("a")
    with database.reading() as connection:
        appointments = AppointmentStore(connection, scope)
        for look in (appointments.get, appointments.own):
            with pytest.raises(NotFound):
                look("a1")
        assert appointments.held_by_session() == []
        assert appointments.between(NOW, NOW + timedelta(days=9), frozenset(Status)) == []
        assert ChallengeStore(connection, scope).get("a1") is None
        assert AnswerStore(connection, scope).find("key") is None
        assert StaffSessionStore(connection, scope).find("token") is None
        seen = OccupancyStore(connection, scope).read(NOW.date(), LATER.date() + timedelta(days=3), NOW, WARSAW)
        assert (seen.revision, seen.busy) == (1, {})
        staff = staff_of("a")
        for ask in (PatientStore(connection, staff).get, PatientStore(connection, staff).candidate):
            with pytest.raises(NotFound):
                ask("p1")
        assert PatientStore(connection, staff).search("Nowak", "", 9) == []
        assert PatientStore(connection, staff).candidates("Nowak", "+48601234567") == []
        assert EpisodeStore(connection, staff).of_patients(["p1"]) == []
        assert EpisodeStore(connection, staff).encounter("a1") is None
        money = LedgerStore(connection, staff)
        assert money.lines("2026-11") == [] and money.pool("2026-11") == (0, 0)
        documents, links = DocumentStore(connection, staff), LinkStore(connection, staff)
        assert documents.versions(["a1"]) == [] and documents.draft("a1") is None
        assert documents.others_drafts("a1") == []
        assert FeedStore(connection, staff).practitioner_of("feed") == "" and FeedStore(connection, staff).since() == {}
        with pytest.raises(NotFound):
            links.whose("link", NOW)
        with pytest.raises(NotFound):
            MemberStore(connection, staff).get("s1")
        assert MemberStore(connection, staff).all() == [] and StaffSessionStore(connection, staff).of("s1") == []
        assert AuditStore(connection, staff).latest(9) == [] and AuditStore(connection, staff).head() == (0, "")


def test_a_row_cannot_name_a_thing_of_another_clinic(database: Database) -> None:
    database.write(lambda connection: add_clinic(connection, "a", ["anna"]))
    database.write(lambda connection: add_clinic(connection, "b", ["ewa"]))

    def work(connection: Connection) -> None:
        AppointmentStore(connection, scope_of("a")).add(proposed("a1", "a", practitioner_id="ewa"))

    with pytest.raises(IntegrityError):
        database.write(work)


def test_an_appointment_of_another_session_does_not_exist(database: Database) -> None:
    database.write(lambda connection: fill(connection, "a"))
    with database.reading() as connection:
        assert AppointmentStore(connection, scope_of("a")).own("a1").appointment.id == "a1"
        for session in ("", "visitor-2", "VISITOR-1"):
            with pytest.raises(NotFound):
                AppointmentStore(connection, scope_of("a", session)).own("a1")


def test_an_appointment_comes_back_as_it_was_written(database: Database) -> None:
    database.write(add_clinic)
    made = proposed(patient=Person("Żaneta", "O'Hara; --"), comment="😀\n„cytat”", phone="+48601234567")
    database.write(lambda connection: AppointmentStore(connection, scope_of()).add(made))
    with database.reading() as connection:
        assert AppointmentStore(connection, scope_of()).get("a1") == made


def test_a_step_taken_twice_is_refused_the_second_time(database: Database) -> None:
    database.write(add_clinic)
    made = database.write(add_appointment)

    def verify(connection: Connection) -> Appointment:
        return AppointmentStore(connection, scope_of()).step(made, Step.VERIFY, NOW, pending_at=NOW)

    pending = database.write(verify)
    assert pending == replace(made, status=Status.PENDING, held_until=None, pending_at=NOW)
    assert database.read(lambda connection: AppointmentStore(connection, scope_of()).get("a1")) == pending
    with pytest.raises(StepNotAllowed):
        database.write(verify)


@pytest.mark.parametrize("step", [Step.EXPIRE, Step.RELEASE])
def test_a_hold_that_comes_to_nothing_forgets_who_it_was(database: Database, step: Step) -> None:
    database.write(add_clinic)
    who: dict[str, Any] = {
        "patient": Person("Jan", "Kowalski"),
        "booker": Person("Ewa", "Kowalska"),
        "phone": "+48601234567",
    }
    made = database.write(lambda connection: add_appointment(connection, comment="boli", **who))
    database.write(lambda connection: AppointmentStore(connection, scope_of()).step(made, step, NOW))
    left = database.read(lambda connection: AppointmentStore(connection, scope_of()).get("a1"))
    assert (left.patient, left.booker, left.phone, left.comment, left.held_until) == (Person(), Person(), "", "", None)


def test_every_change_of_an_appointment_shows_in_the_fingerprint(database: Database) -> None:
    database.write(add_clinic)
    prints = []

    def look(connection: Connection) -> str:
        return str(AppointmentStore(connection, scope_of()).changes(NOW))

    prints.append(database.read(look))
    made = database.write(add_appointment)
    prints.append(database.read(look))
    for step in (Step.VERIFY, Step.CONFIRM, Step.CANCEL):
        made = database.read(lambda connection: AppointmentStore(connection, scope_of()).get("a1"))
        database.write(lambda connection, s=step, m=made: AppointmentStore(connection, scope_of()).step(m, s, NOW))  # type: ignore[misc]
        prints.append(database.read(look))
    assert len(set(prints)) == 5


def test_a_new_code_does_not_reset_the_tries(database: Database) -> None:
    database.write(add_clinic)
    database.write(add_appointment)

    def work(connection: Connection) -> Challenge:
        store = ChallengeStore(connection, scope_of())
        store.put("a1", CHALLENGE)
        for _ in range(3):
            store.take_try("a1")
        store.put("a1", Challenge("new", LATER, 0, 2, NOW, used=False))
        return store.take_try("a1")

    assert database.write(work) == Challenge("new", LATER, 4, 2, NOW, used=False)


def test_an_answer_is_kept_once_under_a_key(database: Database) -> None:
    database.write(add_clinic)

    def keep(connection: Connection) -> list[bool]:
        store = AnswerStore(connection, scope_of())
        return [store.keep("key", "sha", "first", NOW), store.keep("key", "other", "second", NOW)]

    assert database.write(keep) == [True, False]
    assert database.read(lambda connection: AnswerStore(connection, scope_of()).find("key")) == ("sha", "first")
