"""Clinics and their contracts, as whoever runs the house changes them: from the console or the command line, by the same operations."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import Connection

from okienko_server.domain.audit import Act
from okienko_server.domain.cells import local_day
from okienko_server.domain.clinic import Address, Clinic
from okienko_server.domain.contract import ContractStatus, Term, check_signed
from okienko_server.domain.coordinates import postcode_of
from okienko_server.domain.details import MAX_NAME as MAX_PERSON
from okienko_server.domain.details import printable
from okienko_server.domain.email import email_of
from okienko_server.domain.errors import FieldRefused, FieldsRefused
from okienko_server.domain.offer import Offer
from okienko_server.domain.phone import any_polish
from okienko_server.domain.plan import ClinicPlan, PlanRefused
from okienko_server.domain.roles import Role
from okienko_server.domain.scope import operator_scope
from okienko_server.domain.tax_number import nip_of
from okienko_server.domain.towns import plain
from okienko_server.operations.accounts import MemberTyped, add_member
from okienko_server.operations.desk import Desk
from okienko_server.operations.onboard_clinic import add_clinic
from okienko_server.storage.clinic_list import ClinicLine, ClinicListStore
from okienko_server.storage.contracts import ContractStore
from okienko_server.storage.operators import OperatorAccountStore

PAGE = 50
MAX_REASON, MAX_NAME = 200, 120
STOPPING = (ContractStatus.SUSPENDED, ContractStatus.ENDED)
"""What stops everything at once, and so is asked twice."""


@dataclass(frozen=True, slots=True)
class ContractTyped:
    """A new term as typed: `starts_on` empty means at once, `signed_on` empty leaves the day that is known; days as "2026-11-25"."""

    status: str
    starts_on: str
    signed_on: str
    reason: str


@dataclass(frozen=True, slots=True)
class ClinicTyped:
    """A new clinic as the contract says it."""

    name: str
    slug: str
    nip: str
    phone: str
    street: str
    postcode: str
    city: str
    owner: str
    email: str


def list_clinics(asked: str, after: str, *, desk: Desk, now: datetime) -> list[ClinicLine]:
    """Return up to PAGE clinics after a short name, those a text fits; "" for all."""
    scope = operator_scope()
    return desk.database.read(lambda c: ClinicListStore(c, scope).page(asked.strip()[:100], after[:100], PAGE, now))


def see_contract(clinic_id: str, *, desk: Desk) -> Offer:
    """Return a clinic's whole offer, its contract's terms among it; raises NotFound."""
    scope = operator_scope().at(clinic_id)
    return desk.database.read(lambda connection: desk.offer(connection, scope))


def change_contract(clinic_id: str, typed: ContractTyped, *, by: str = "", desk: Desk, now: datetime) -> None:
    """Begin a new term of a clinic's contract; doors, portal, tokens and messages follow it at that very instant.

    `by` is the operator's id, empty for the command line. Raises FieldsRefused (status: choice_missing; starts_on: day_invalid,
    starts_past; signed_on: day_invalid, signed_*; reason: reason_too_long), NotFound.
    """
    scope = operator_scope().at(clinic_id)

    def work(connection: Connection) -> None:
        term, signed = _checked(typed, desk.offer(connection, scope).clinic, now)
        store = ContractStore(connection, scope)
        store.note_signed(signed.isoformat() if signed else None)
        store.begin(term)
        detail = f"{term.status.value} {typed.reason.strip()}".strip()
        _note(connection, clinic_id, "contract", detail, by, now)
        desk.note_act(connection, scope, Act.CHANGE_CONTRACT, "clinic", clinic_id, now, term.status.value)

    desk.database.write(work)


def open_new_clinic(typed: ClinicTyped, *, by: str = "", desk: Desk, now: datetime) -> tuple[str, str]:
    """Open an empty clinic on trial with its owner's account; return (clinic id, secret of the owner's invitation, shown once).

    Raises FieldsRefused: name, slug, nip, phone, street, postcode, city, owner, email (required, name_too_long, slug_invalid, slug_taken,
    nip_invalid, phone_*, postcode_invalid, email_invalid).
    """
    plan = _plan(typed, now)

    def work(connection: Connection) -> tuple[str, str]:
        try:
            opened = add_clinic(connection, operator_scope(), plan)
        except PlanRefused:
            raise FieldsRefused({"slug": "slug_taken"}) from None
        scope = operator_scope().at(opened.id)
        desk.note_act(connection, scope, Act.OPEN_CLINIC, "clinic", opened.id, now)
        _note(connection, opened.id, "open_clinic", "", by, now)
        owner = MemberTyped(typed.email, typed.owner, Role.OWNER, "")
        try:
            return opened.id, add_member(connection, owner, scope=scope, desk=desk, now=now)
        except FieldsRefused as refused:
            # Together with the clinic: without its owner nobody could come in.
            raise FieldsRefused(
                {"owner" if name == "name" else name: code for name, code in refused.errors.items()}
            ) from None

    return desk.database.write(work)


def slug_for(name: str) -> str:
    """Return a short name made of a clinic's name: "rehabilitacja-kazimierz"."""
    return re.sub(r"[^a-z0-9]+", "-", plain(name)).strip("-")[:40].strip("-")


def _note(connection: Connection, clinic_id: str, action: str, detail: str, by: str, now: datetime) -> None:
    OperatorAccountStore(connection, operator_scope()).note(by, action, clinic_id, now, detail)


def _checked(typed: ContractTyped, clinic: Clinic, now: datetime) -> tuple[Term, date | None]:
    errors: dict[str, str] = {}
    today, starts, signed = local_day(now, clinic.zone), now, clinic.signed_on
    if typed.status not in list(ContractStatus):
        errors["status"] = "choice_missing"
    if len(typed.reason) > MAX_REASON or not printable(typed.reason):
        errors["reason"] = "reason_too_long"
    try:
        day = date.fromisoformat(typed.starts_on) if typed.starts_on else None
        if day and day < today:
            errors["starts_on"] = "starts_past"
        elif day and day > today:
            starts = datetime.combine(day, time(0), clinic.zone)
    except ValueError:
        errors["starts_on"] = "day_invalid"
    try:
        signed = date.fromisoformat(typed.signed_on) if typed.signed_on else signed
    except ValueError:
        errors["signed_on"] = "day_invalid"
    if not errors:
        try:
            check_signed(ContractStatus(typed.status), signed, today)
        except FieldRefused as refused:
            errors[refused.field] = refused.code
    if errors:
        raise FieldsRefused(errors)
    return Term(starts, ContractStatus(typed.status)), signed


def _plan(typed: ClinicTyped, now: datetime) -> ClinicPlan:
    errors: dict[str, str] = {}
    said = {name: " ".join(getattr(typed, name).split()) for name in ("name", "street", "city", "owner")}
    for name, value in said.items():
        if not value:
            errors[name] = "required"
        elif len(value) > (MAX_PERSON if name == "owner" else MAX_NAME) or not printable(value):
            errors[name] = "name_too_long"
    slug = typed.slug.strip() or slug_for(said["name"])
    if not re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", slug) or len(slug) > 40:
        errors["slug"] = "slug_invalid"
    read = {"nip": nip_of, "phone": any_polish, "postcode": postcode_of, "email": email_of}
    kept = dict.fromkeys(read, "")
    for name, reading in read.items():
        try:
            kept[name] = reading(getattr(typed, name))
        except FieldRefused as refused:
            errors[refused.field] = refused.code
    if not typed.email.strip():
        errors["email"] = "required"
    if errors:
        raise FieldsRefused(errors)
    return ClinicPlan(
        slug, said["name"], (), (), (), phone=kept["phone"], nip=kept["nip"], registration=False, contract=ContractStatus.TRIAL,
        contract_since=now, contract_address=Address(said["street"], kept["postcode"], said["city"]),
    )  # fmt: skip
