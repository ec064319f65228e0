"""From a held time to an online reservation: details and consents, the SMS code, *pending*."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection

from okienko_server.domain.appointment import Appointment, Status, Step
from okienko_server.domain.details import Details, checked
from okienko_server.domain.errors import CodeRefused, DomainError, HoldExpired, NotFound, StepNotAllowed
from okienko_server.domain.offer import Offer
from okienko_server.domain.scope import Scope
from okienko_server.domain.verification import CODE_MINUTES, Challenge, check_code, check_resend, code_digest, new_code
from okienko_server.operations.desk import Desk
from okienko_server.operations.find_slots import Question
from okienko_server.operations.hold import alternatives
from okienko_server.operations.once import once
from okienko_server.operations.sms_wording import CONFIRMATION, VERIFICATION, confirmation_text, verification_text
from okienko_server.storage.appointments import AppointmentStore, ChallengeStore
from okienko_server.storage.occupancy import OccupancyStore
from okienko_server.storage.outbox import OutboxStore

CONSENT = "processing"
Work = Callable[[Connection], str | DomainError]


def give_details(appointment_id: str, details: Details, *, scope: Scope, desk: Desk, now: datetime) -> Appointment:
    """Write details and consent into a held appointment and send the code; the hold is extended to cover the wait.

    The same phone again within a living code sends nothing new. Raises FieldsRefused, HoldExpired (with alternatives), NotFound,
    StepNotAllowed, ResendRefused after too many codes, IdempotencyMismatch.
    """
    request = f"details {appointment_id} {details.patient} {details.booker} {details.phone} {details.comment}"

    def work(connection: Connection) -> str:
        store = AppointmentStore(connection, scope)
        appointment = store.own(appointment_id, lock=True)
        good = checked(details, child=appointment.age.is_child)
        offer = _keep_held(connection, appointment, scope, desk, now)
        store.give_details(
            appointment, good.patient, good.booker, good.phone, good.comment, appointment.hold_ends(now), now
        )
        _keep_consent(connection, appointment, good, scope, desk, now)
        _send_code(connection, appointment, offer, good.phone, scope, desk, now)
        return appointment.id

    return _held(desk, scope, details.key, request, now, work, appointment_id)


def resend_code(appointment_id: str, *, key: str = "", scope: Scope, desk: Desk, now: datetime) -> Appointment:
    """Send a new code to the same phone; tries already taken stay counted. Raises ResendRefused, HoldExpired, NotFound, StepNotAllowed."""

    def work(connection: Connection) -> str:
        appointment = AppointmentStore(connection, scope).own(appointment_id, lock=True)
        challenge = ChallengeStore(connection, scope).get(appointment_id)
        if challenge is None:
            raise StepNotAllowed
        if appointment.status is Status.PROPOSED:
            check_resend(challenge, now)
        offer = _keep_held(connection, appointment, scope, desk, now)
        AppointmentStore(connection, scope).extend(appointment, appointment.hold_ends(now), now)
        _write_code(connection, appointment, offer, appointment.phone, challenge, scope, desk, now)
        return appointment.id

    return _held(desk, scope, key, f"resend {appointment_id}", now, work, appointment_id)


def extend_hold(appointment_id: str, *, scope: Scope, desk: Desk, now: datetime) -> Appointment:
    """Keep the time ten minutes more, at most forty in all (WCAG 2.2.1). Raises HoldExpired, NotFound, StepNotAllowed."""

    def work(connection: Connection) -> str:
        appointment = AppointmentStore(connection, scope).own(appointment_id, lock=True)
        _keep_held(connection, appointment, scope, desk, now)
        AppointmentStore(connection, scope).extend(appointment, appointment.hold_ends(now), now)
        return appointment.id

    return _held(desk, scope, "", "extend", now, work, appointment_id)


def verify_code(
    appointment_id: str, code: str, *, key: str = "", scope: Scope, desk: Desk, now: datetime
) -> Appointment:
    """Turn a held appointment into *pending* when the code is right; the confirmation SMS stands in the same transaction.

    Every try counts, before the code is compared. Raises CodeRefused, HoldExpired, NotFound, StepNotAllowed.
    """
    digest = code_digest(desk.pepper, appointment_id, "".join(code.split()))

    def work(connection: Connection) -> str | DomainError:
        store, challenges = AppointmentStore(connection, scope), ChallengeStore(connection, scope)
        appointment = store.own(appointment_id, lock=True)
        try:
            challenge = challenges.take_try(appointment_id)
            check_code(challenge, digest, now)
        except CodeRefused as refused:
            return refused
        except NotFound:
            raise StepNotAllowed from None
        offer = desk.current_offer(connection, scope)
        cells = appointment.occupied(offer.service(appointment.service_id))
        if appointment.status is not Status.PROPOSED or not OccupancyStore(connection, scope).take(
            appointment.id, appointment.practitioner_id, cells, None, now, offer.clinic.zone
        ):
            raise HoldExpired
        challenges.mark_used(appointment_id)
        store.step(appointment, Step.VERIFY, now, pending_at=now)
        text = confirmation_text(desk.texts, offer.clinic, appointment.starts_at)
        OutboxStore(connection, scope).add(appointment.id, CONFIRMATION, appointment.phone, text, now)
        return appointment.id

    return _held(desk, scope, key, f"verify {appointment_id} {digest}", now, work, appointment_id)


def get_appointment(appointment_id: str, *, scope: Scope, desk: Desk) -> tuple[Appointment, Challenge | None]:
    """Return this session's appointment and the state of its code; raises NotFound."""
    return desk.database.read(
        lambda connection: (
            AppointmentStore(connection, scope).own(appointment_id),
            ChallengeStore(connection, scope).get(appointment_id),
        )
    )


def _held(
    desk: Desk, scope: Scope, key: str, request: str, now: datetime, work: Work, appointment_id: str
) -> Appointment:
    """Run one step on a held appointment; a hold that was lost answers with the nearest alternatives."""
    try:
        once(desk, scope, key, request, now, work)
    except HoldExpired:
        lost = desk.database.read(lambda connection: AppointmentStore(connection, scope).own(appointment_id))
        asked = Question(
            lost.category, lost.age, lost.kind, lost.service_id, "" if lost.any_practitioner else lost.practitioner_id
        )
        raise HoldExpired(alternatives(asked, lost.starts_at, scope=scope, desk=desk, now=now)) from None
    desk.outbox_bell.set()
    return desk.database.read(lambda connection: AppointmentStore(connection, scope).own(appointment_id))


def _keep_held(connection: Connection, appointment: Appointment, scope: Scope, desk: Desk, now: datetime) -> Offer:
    """Take the cells again until the extended end; raises HoldExpired when they are gone, StepNotAllowed after the code."""
    if appointment.status in (Status.EXPIRED, Status.CANCELLED):
        raise HoldExpired
    if appointment.status is not Status.PROPOSED:
        raise StepNotAllowed
    offer = desk.current_offer(connection, scope)
    until = appointment.hold_ends(now)
    cells = appointment.occupied(offer.service(appointment.service_id))
    if until <= now or not OccupancyStore(connection, scope).take(
        appointment.id, appointment.practitioner_id, cells, until, now, offer.clinic.zone
    ):
        raise HoldExpired
    return offer


def _keep_consent(
    connection: Connection, appointment: Appointment, details: Details, scope: Scope, desk: Desk, now: datetime
) -> None:
    wording = f"consent.{CONSENT}.text_child" if appointment.age.is_child else f"consent.{CONSENT}.text"
    text, version = desk.texts(wording), desk.texts(f"consent.{CONSENT}.version")
    given_by = (details.booker if details.booker.name else details.patient).name
    digest = sha256(text.encode()).hexdigest()
    AppointmentStore(connection, scope).add_consent(appointment.id, CONSENT, version, digest, given_by, now)


def _send_code(
    connection: Connection, appointment: Appointment, offer: Offer, phone: str, scope: Scope, desk: Desk, now: datetime
) -> None:
    challenge = ChallengeStore(connection, scope).get(appointment.id)
    if challenge and phone == appointment.phone and now < challenge.expires_at:
        return
    if challenge:
        # A corrected number need not wait, but it counts among the codes sent.
        check_resend(replace(challenge, sent_at=now - timedelta(days=1)), now)
    _write_code(connection, appointment, offer, phone, challenge, scope, desk, now)


def _write_code(
    connection: Connection,
    appointment: Appointment,
    offer: Offer,
    phone: str,
    before: Challenge | None,
    scope: Scope,
    desk: Desk,
    now: datetime,
) -> None:
    code = new_code()
    challenge = Challenge(
        digest=code_digest(desk.pepper, appointment.id, code),
        expires_at=now + timedelta(minutes=CODE_MINUTES),
        tries=before.tries if before else 0,
        sends=before.sends + 1 if before else 1,
        sent_at=now,
        used=False,
    )
    ChallengeStore(connection, scope).put(appointment.id, challenge)
    text = verification_text(desk.texts, offer.clinic, code)
    OutboxStore(connection, scope).add(appointment.id, VERIFICATION, phone, text, now)
