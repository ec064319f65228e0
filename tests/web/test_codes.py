"""The code from the SMS: five tries, ten minutes, one use, three messages."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier, BrokenBarrierError
from typing import Any, NoReturn

import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.test import TestResponse

from okienko_server.domain.verification import check_code, code_digest
from okienko_server.storage.challenges import ChallengeStore
from okienko_server.storage.tables import AppointmentRow, ChallengeRow
from okienko_server.web.api import routes
from tests.conftest import Clock
from tests.web.patients import ApiPatient, FormPatient, embed_token, messages_of, opened, refusal_of, rows_of

GUESSES = 100


def awaiting(app: Flask) -> ApiPatient:
    patient = ApiPatient(app, opened(app).id)
    patient.awaiting_code()
    return patient


def test_each_wrong_code_counts_and_after_five_not_even_the_right_one_helps(app: Flask) -> None:
    patient = awaiting(app)
    for left in (4, 3, 2, 1, 0):
        answer = patient.verify(patient.phone.wrong_code())
        assert refusal_of(answer) == (422, "code_wrong")
        assert answer.get_json()["tries_left"] == left
    answer = patient.verify(patient.phone.code())
    assert refusal_of(answer) == (429, "code_exhausted")
    assert patient.read().get_json()["status"] == "proposed"


def test_the_fifth_try_may_still_be_the_right_one(app: Flask) -> None:
    patient = awaiting(app)
    for _ in range(4):
        patient.verify(patient.phone.wrong_code())
    assert patient.verify(patient.phone.code()).get_json()["status"] == "pending"


def test_the_page_says_how_many_tries_are_left_and_keeps_the_time(app: Flask) -> None:
    patient = FormPatient(app, f"/e/{embed_token(opened(app).id)}")
    patient.awaiting_code()
    wrong = patient.phone.wrong_code()
    assert "Zostały 4 próby." in patient.code(wrong).text
    assert patient.page.says("error.code_wrong")
    for _ in range(3):
        patient.code(wrong)
    before = patient.page
    for last in (wrong, patient.phone.code()):  # the second as from another tab, where the field still stands
        patient.page = before
        page = patient.code(last)
        assert page.says("error.code_exhausted")
        assert page.says("code.title")


@pytest.mark.parametrize("typed", ["{0} {1}", " {0}{1}\n", "{0}-{1}", "{0}\u00a0{1}"])
def test_a_code_may_be_typed_the_way_it_is_read_aloud(app: Flask, typed: str) -> None:
    patient = awaiting(app)
    code = patient.phone.code()
    assert patient.verify(typed.format(code[:3], code[3:])).get_json()["status"] == "pending"


@pytest.mark.parametrize("typed", ["", "abcdef", "१२३४५६", "0" * 40, "😀", "' OR 1=1 --", "12345"])
def test_anything_else_is_a_wrong_code(app: Flask, typed: str) -> None:
    patient = awaiting(app)
    assert refusal_of(patient.verify(typed)) == (422, "code_wrong")


def test_a_late_code_is_refused_and_a_new_one_works(app: Flask, clock: Clock) -> None:
    patient = awaiting(app)
    late = patient.phone.code()
    clock.forward(minutes=10)
    assert refusal_of(patient.verify(late)) == (410, "code_expired")
    assert patient.resend().status_code == 200
    assert patient.verify(patient.phone.code()).get_json()["status"] == "pending"


def test_a_code_works_once(app: Flask) -> None:
    patient = awaiting(app)
    code = patient.phone.code()
    assert patient.verify(code).status_code == 200
    assert refusal_of(patient.verify(code)) == (409, "code_used")
    assert len(patient.phone.messages()) == 2


def test_a_code_works_for_its_own_appointment(app: Flask) -> None:
    place = opened(app)
    one, other = ApiPatient(app, place.id), ApiPatient(app, place.id)
    code_of_one = one.awaiting_code()
    code_of_other = other.awaiting_code()
    if code_of_one != code_of_other:
        assert refusal_of(other.verify(code_of_one)) == (422, "code_wrong")
    assert other.verify(code_of_other).status_code == 200
    assert one.verify(code_of_one).status_code == 200


def test_a_new_code_takes_the_place_of_the_old_one_and_keeps_the_count(app: Flask, clock: Clock) -> None:
    patient = awaiting(app)
    before = patient.phone.code()
    patient.verify(patient.phone.wrong_code())
    clock.forward(seconds=61)
    assert patient.resend().get_json()["code"]["tries_left"] == 4
    if patient.phone.code() != before:
        assert patient.verify(before).get_json()["tries_left"] == 3
    assert patient.verify(patient.phone.code()).status_code == 200


def test_a_new_code_may_be_asked_for_after_a_minute(app: Flask, clock: Clock) -> None:
    patient = awaiting(app)
    clock.forward(seconds=20)
    answer = patient.resend()
    assert refusal_of(answer) == (429, "resend_too_soon")
    assert answer.headers["Retry-After"] == "40"
    clock.forward(seconds=40)
    assert patient.resend().status_code == 200


def test_three_codes_are_sent_and_no_more(app: Flask, clock: Clock) -> None:
    patient = awaiting(app)
    for status in (200, 200, 429):
        clock.forward(seconds=61)
        assert patient.resend().status_code == status
    assert refusal_of(patient.resend()) == (429, "resend_limit")
    assert refusal_of(patient.details(phone="602 345 678")) == (429, "resend_limit")
    assert len(messages_of(app)) == 3
    assert patient.verify(patient.phone.code()).status_code == 200


def test_no_new_code_after_the_tries_are_used_up(app: Flask, clock: Clock) -> None:
    patient = awaiting(app)
    for _ in range(5):
        patient.verify(patient.phone.wrong_code())
    clock.forward(seconds=61)
    assert refusal_of(patient.resend()) == (429, "resend_limit")


def test_the_page_says_why_there_is_no_new_code(app: Flask, clock: Clock) -> None:
    patient = FormPatient(app, f"/e/{embed_token(opened(app).id)}")
    patient.awaiting_code()
    assert patient.press("/w/resend").says("error.resend_too_soon")
    clock.forward(seconds=61)
    assert patient.press("/w/resend").says("notice.code_resent")
    clock.forward(seconds=61)
    patient.press("/w/resend")
    clock.forward(seconds=61)
    assert patient.press("/w/resend").says("error.resend_limit")


def test_no_code_is_asked_for_before_details_are_given(app: Flask) -> None:
    patient = ApiPatient(app, opened(app).id)
    patient.hold()
    assert refusal_of(patient.resend()) == (409, "step_not_allowed")
    assert refusal_of(patient.verify("123456")) == (409, "step_not_allowed")


def guesses_at_once(patient: ApiPatient) -> list[str]:
    """Send wrong guesses all at once and return what each was told."""
    right = patient.phone.code()
    wrong = [f"{number:06d}" for number in range(GUESSES + 1) if f"{number:06d}" != right][:GUESSES]

    def guess(code: str) -> str:
        own = ApiPatient(patient.app, session=patient.session)
        own.reference = patient.reference
        return refusal_of(own.verify(code))[1]

    with ThreadPoolExecutor(GUESSES) as pool:
        return list(pool.map(guess, wrong))


def test_of_a_hundred_guesses_at_once_five_are_looked_at(app: Flask) -> None:
    patient = awaiting(app)
    told = guesses_at_once(patient)
    assert (told.count("code_wrong"), told.count("code_exhausted")) == (5, GUESSES - 5)
    assert refusal_of(patient.verify(patient.phone.code()))[1] == "code_exhausted"
    assert [row.status for row in rows_of(app, AppointmentRow)] == ["proposed"]


def test_a_counter_read_before_it_is_written_lets_more_through(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the same hundred guesses against a count that is read, then compared, then written."""
    together = Barrier(20)

    def naive(appointment_id: str, code: str, *, scope: Any, desk: Any, now: Any, **_: Any) -> NoReturn:
        with desk.database.reading() as connection:
            seen = ChallengeStore(connection, scope).get(appointment_id)
        assert seen is not None
        with contextlib.suppress(BrokenBarrierError):
            together.wait(10)
        counted = replace(seen, tries=seen.tries + 1)
        with desk.database.writing() as connection:
            connection.execute(update(ChallengeRow).values(tries=counted.tries))
        check_code(counted, code_digest(desk.pepper, appointment_id, code), now)
        raise AssertionError("a guess was right")

    patient = awaiting(app)
    monkeypatch.setattr(routes, "verify_code", naive)
    assert guesses_at_once(patient).count("code_wrong") > 5


def test_two_right_codes_at_once_make_one_reservation(app: Flask) -> None:
    patient = awaiting(app)
    code = patient.phone.code()

    statuses = at_once(patient, lambda own: own.verify(code))
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 409, 429}
    assert [row.kind for row in messages_of(app)].count("confirmation") == 1


def at_once(patient: ApiPatient, ask: Callable[[ApiPatient], TestResponse]) -> list[int]:
    """Let ten programs of the same visitor ask at once, each without an idempotency key."""

    def one(_: int) -> int:
        own = ApiPatient(patient.app, session=patient.session)
        own.reference = patient.reference
        return ask(own).status_code

    with ThreadPoolExecutor(10) as pool:
        return sorted(pool.map(one, range(10)))


def test_ten_wishes_for_a_new_code_at_once_send_one(app: Flask, clock: Clock) -> None:
    patient = awaiting(app)
    clock.forward(seconds=61)
    assert at_once(patient, lambda own: own.resend()) == [200] + [429] * 9
    assert len(messages_of(app)) == 2
    assert [row.sends for row in rows_of(app, ChallengeRow)] == [2]


def test_ten_times_the_same_details_at_once_send_one_code(app: Flask) -> None:
    patient = ApiPatient(app, opened(app).id)
    patient.hold()
    assert at_once(patient, lambda own: own.details()) == [200] * 10
    assert len(messages_of(app)) == 1
    assert patient.verify(patient.phone.code()).status_code == 200


def test_ten_corrected_numbers_at_once_send_no_more_than_three_codes(app: Flask) -> None:
    patient = awaiting(app)
    numbers = iter([f"60234567{digit}" for digit in range(10)])
    at_once(patient, lambda own: own.details(phone=next(numbers)))
    assert len(messages_of(app)) == 3
