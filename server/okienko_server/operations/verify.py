"""From a held time to an online reservation: details and consents, the SMS code, *pending*."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection

from okienko_server.domain.appointment import Appointment, Status, Step
from okienko_server.domain.clinic import Clinic
from okienko_server.domain.contract import Use
from okienko_server.domain.details import Details, checked
from okienko_server.domain.errors import CodeRefused, HoldExpired, NotFound, StepNotAllowed
from okienko_server.domain.money import Purse, day_of
from okienko_server.domain.scope import Scope, Source
from okienko_server.domain.verification import (
    CODE_MINUTES,
    Challenge,
    as_typed,
    check_code,
    check_resend,
    code_digest,
    new_code,
    rehearsal_code,
)
from okienko_server.operations.allow_code import allow_code, ask_for_proof
from okienko_server.operations.desk import Desk
from okienko_server.operations.find_slots import Question
from okienko_server.operations.held import Held, get_appointment
from okienko_server.operations.hold import alternatives
from okienko_server.operations.messages import Post
from okienko_server.operations.once import Keyed, Repeated, once
from okienko_server.operations.sms_wording import CONFIRMATION, VERIFICATION, confirmation_text, verification_text
from okienko_server.storage.appointments import AppointmentStore
from okienko_server.storage.challenges import ChallengeStore
from okienko_server.storage.ledger import LedgerStore
from okienko_server.storage.occupancy import OccupancyStore

CONSENT = "processing"


def give_details(appointment_id: str, details: Details, *, scope: Scope, desk: Desk, now: datetime) -> Held:
    """Write details and consent into a held appointment and send the code; the hold is extended to cover the wait.

    The same phone again within a living code sends nothing new. Raises FieldsRefused, HoldExpired (with alternatives), NotFound,
    ClinicUnavailable when the contract ended meanwhile, StepNotAllowed, ResendRefused after too many codes, ProofNeeded when codes are
    asked for unusually often, IdempotencyMismatch.
    """

    def step(counter: _Counter, held: Held) -> Held:
        before = held.appointment
        good = checked(details, child=before.age.is_child, countries=held.offer.clinic.sms_countries)
        counter.keep(held)
        after = counter.appointments.give_details(held.appointment, good, before.hold_ends(now), now)
        counter.keep_consent(before, good)
        held = replace(held, appointment=after)
        return counter.send_code(held, same_phone=good.phone == before.phone, proof=good.proof)

    request = f"details {appointment_id} {replace(details, key='', proof='')}"
    return _run(appointment_id, step, request, details.key, scope=scope, desk=desk, now=now)


def resend_code(appointment_id: str, *, key: str = "", scope: Scope, desk: Desk, now: datetime) -> Held:
    """Send a new code to the same phone; tries already taken stay counted.

    Raises ResendRefused, HoldExpired (with alternatives), NotFound, StepNotAllowed.
    """

    def step(counter: _Counter, held: Held) -> Held:
        counter.keep(held)
        if held.challenge is None:
            raise StepNotAllowed
        check_resend(held.challenge, now)
        after = counter.appointments.extend(held.appointment, held.appointment.hold_ends(now), now)
        return counter.write_code(replace(held, appointment=after))

    return _run(appointment_id, step, f"resend {appointment_id}", key, scope=scope, desk=desk, now=now)


def extend_hold(appointment_id: str, *, scope: Scope, desk: Desk, now: datetime) -> Held:
    """Keep the time ten minutes more, at most forty in all (WCAG 2.2.1). Raises HoldExpired, NotFound, StepNotAllowed."""

    def step(counter: _Counter, held: Held) -> Held:
        counter.keep(held)
        before = held.appointment
        return replace(held, appointment=counter.appointments.extend(before, before.hold_ends(now), now))

    return _run(appointment_id, step, "extend", "", scope=scope, desk=desk, now=now)


def verify_code(appointment_id: str, code: str, *, key: str = "", scope: Scope, desk: Desk, now: datetime) -> Held:
    """Turn a held appointment into *pending* when the code is right; the confirmation SMS stands in the same transaction.

    Every try counts, before the code is compared. Raises CodeRefused, HoldExpired, NotFound, StepNotAllowed.
    """
    digest = code_digest(desk.pepper, appointment_id, as_typed(code))

    def step(counter: _Counter, held: Held) -> Held | CodeRefused:
        try:
            challenge = counter.challenges.take_try(appointment_id)
            check_code(challenge, digest, now)
        except CodeRefused as refused:
            return refused
        except NotFound:
            raise StepNotAllowed from None
        counter.keep(held, for_good=True)
        counter.challenges.mark_used(appointment_id)
        after = counter.appointments.step(held.appointment, Step.VERIFY, now, pending_at=now)
        if not counter.rehearsing:
            text = confirmation_text(desk.texts, held.offer.clinic, after.starts_at)
            counter.post(held.offer.clinic).keep_promise(after.id, CONFIRMATION, after.phone, text)
            LedgerStore(counter.connection, scope).verified(day_of(challenge.sent_at, held.offer.clinic.zone))
        return Held(after, replace(challenge, used=True), held.offer)

    return _run(appointment_id, step, f"verify {appointment_id} {digest}", key, scope=scope, desk=desk, now=now)


def _run(
    appointment_id: str,
    step: Callable[[_Counter, Held], Held | CodeRefused],
    request: str,
    key: str,
    *,
    scope: Scope,
    desk: Desk,
    now: datetime,
) -> Held:
    """Run one step on the locked appointment, once for each key; a lost hold answers with the nearest alternatives."""
    fresh: dict[str, Held] = {}
    keyed = Keyed(scope, key, request, now)

    def work(connection: Connection) -> str | CodeRefused:
        counter = _Counter(connection, scope, desk, now)
        before = counter.appointments.lock_own(appointment_id)
        # Asked only now, behind the lock: a doubled click must not count a second try.
        if (kept := keyed.answer(connection)) is not None:
            raise Repeated(kept)
        challenge, revision = counter.challenges.with_revision(appointment_id)
        offer = desk.offer_at(connection, scope, revision)
        # A pause lets those finish who had begun; a contract that ended does not.
        offer.clinic.check_contract(Use(scope.source), now)
        outcome = step(counter, Held(before, challenge, offer))
        if isinstance(outcome, CodeRefused):
            return outcome
        fresh[appointment_id] = outcome
        return appointment_id

    try:
        _, new = once(desk, keyed, work)
    except HoldExpired:
        lost = get_appointment(appointment_id, scope=scope, desk=desk).appointment
        practitioner = "" if lost.any_practitioner else lost.practitioner_id
        asked = Question(lost.category, lost.age, lost.kind, lost.service_id, practitioner)
        others = alternatives(asked, lost.starts_at, scope=scope, desk=desk, now=now)
        raise HoldExpired(others, start=lost.starts_at) from None
    desk.outbox_bell.set()
    return fresh[appointment_id] if new else get_appointment(appointment_id, scope=scope, desk=desk)


class _Counter:
    """The stores one step works with, on one connection, and what the steps share."""

    def __init__(self, connection: Connection, scope: Scope, desk: Desk, now: datetime) -> None:
        self.connection, self.scope, self.desk, self.now = connection, scope, desk, now
        self.appointments = AppointmentStore(connection, scope)
        self.challenges = ChallengeStore(connection, scope)
        self.rehearsing = scope.source is Source.REHEARSAL

    def post(self, clinic: Clinic) -> Post:
        """Return the clinic's outbox with its money."""
        return Post(self.connection, self.scope, self.desk, clinic, self.now)

    def keep(self, held: Held, *, for_good: bool = False) -> None:
        """Go on occupying the cells; raises HoldExpired when they are gone, StepNotAllowed after the code."""
        appointment, offer = held.appointment, held.offer
        if appointment.status in (Status.EXPIRED, Status.CANCELLED):
            raise HoldExpired
        if appointment.status is not Status.PROPOSED:
            raise StepNotAllowed
        until = None if for_good else appointment.hold_ends(self.now)
        if until and until <= self.now:
            raise HoldExpired
        cells = appointment.occupied
        occupancy = OccupancyStore(self.connection, self.scope)
        whose, zone = appointment.practitioner_id, offer.clinic.zone
        if not occupancy.keep(appointment.id, whose, cells, until, self.now, zone, appointment.held_until):
            raise HoldExpired

    def keep_consent(self, appointment: Appointment, details: Details) -> None:
        """Keep which wording was agreed to, by whom."""
        wording = "text_child" if appointment.age.is_child else "text"
        text, version = (self.desk.texts(f"consent.{CONSENT}.{part}") for part in (wording, "version"))
        given_by = (details.booker if details.booker.name else details.patient).name
        digest = sha256(text.encode()).hexdigest()
        self.appointments.add_consent(appointment.id, CONSENT, version, digest, given_by, self.now)

    def send_code(self, held: Held, *, same_phone: bool, proof: str) -> Held:
        """Send a code unless this phone has a living one; a corrected number need not wait, but counts among the codes sent."""
        if held.challenge is None:
            return self.write_code(held, proof)
        if same_phone and self.now < held.challenge.expires_at:
            return held
        check_resend(replace(held.challenge, sent_at=self.now - timedelta(days=1)), self.now)
        return self.write_code(held)

    def write_code(self, held: Held, proof: str = "") -> Held:
        """Make a new code and put its SMS into the outbox; with the first one the confirmation's money is reserved, too.

        Raises ResendRefused (sms_too_many, sms_paused), and ProofNeeded before the first code.
        """
        code, before = new_code(), held.challenge
        if self.rehearsing:
            code = rehearsal_code(self.desk.pepper, held.appointment.id)
        else:
            self._allow(held, proof)
        challenge = Challenge(
            digest=code_digest(self.desk.pepper, held.appointment.id, code),
            expires_at=self.now + timedelta(minutes=CODE_MINUTES),
            tries=before.tries if before else 0,
            sends=before.sends + 1 if before else 1,
            sent_at=self.now,
            used=False,
        )
        self.challenges.put(held.appointment.id, challenge)
        if not self.rehearsing:
            self._send(held, code)
        return replace(held, challenge=challenge)

    def _allow(self, held: Held, proof: str) -> None:
        first = held.challenge is None
        tools: dict[str, Any] = {"scope": self.scope, "desk": self.desk, "now": self.now}
        unusual = allow_code(held.appointment.phone, held.offer.clinic, self.connection, first=first, **tools)
        if unusual and first:
            ask_for_proof(held.appointment.id, proof, desk=self.desk, now=self.now)

    def _send(self, held: Held, code: str) -> None:
        # In a frame the page on top is the clinic's own: a code bound to our host would not be offered there, an unbound one is.
        alone = self.scope.source in (Source.PORTAL, Source.LINK)
        text = verification_text(self.desk.texts, held.offer.clinic, code, self.desk.code_host if alone else "")
        post, appointment = self.post(held.offer.clinic), held.appointment
        # A booking costs its clinic two messages; a code sent once more is the house's expense.
        again = held.challenge is not None
        post.send(appointment.id, VERIFICATION, appointment.phone, text, Purse.HOUSE if again else Purse.POOL)
        if not again:
            post.promise(appointment.id, CONFIRMATION)
