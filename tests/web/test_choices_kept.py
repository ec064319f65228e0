"""What a page says is what its button does: whose alternatives, which city, the same time again, a service that was named."""

from __future__ import annotations

import html as markup
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from okienko_server.domain.offer import ServiceKind
from okienko_server.operations.onboard_clinic import (
    LocationPlan,
    OpenedClinic,
    PractitionerPlan,
    competent,
    record_absence,
    weekly,
)
from okienko_server.operations.send_sms import send_due
from okienko_server.sms.console import ConsoleGateway
from okienko_server.sms.gateway import GatewayRefused, Taken
from okienko_server.storage.tables import AppointmentRow
from tests.conftest import Clock
from tests.plans import CONSULTATION, VISIT, clinic
from tests.web.pages import Page
from tests.web.patients import (
    TUESDAY_TEN,
    ApiPatient,
    FormPatient,
    embed_token,
    house_of,
    messages_of,
    opened,
    rows_of,
    slot_of,
    staff_scope,
)

ZOFIA, MICHAL = "Zofia Wróblewska", "Michał Kot"


def loser(app: Flask, place: OpenedClinic, person: str) -> FormPatient:
    """Somebody who wants that therapist on Tuesday at ten, and lost the race."""
    patient = FormPatient(app, f"/e/{embed_token(place.id)}?practitioner={place.practitioners[person]}")
    patient.problem()
    times = patient.page
    rival = ApiPatient(app, place.id)
    assert rival.hold(TUESDAY_TEN, practitioner_id=place.practitioners[person]).status_code == 201
    patient.page = times
    return patient


def others(page: Page) -> list[tuple[str, str]]:
    """Return (slot, label) of every alternative a page offers."""
    block = page.html.partition('class="o-others"')[2].partition("</form>")[0]
    found = re.findall(r'<button name="slot" value="(\d+)">(.*?)</button>', block)
    return [(slot, markup.unescape(re.sub(r"<[^>]+>", " ", label))) for slot, label in found]


def test_the_alternatives_are_those_of_the_therapist_one_chose(app: Flask) -> None:
    place = opened(app)
    # Zofia is busier that day, so that anybody's times would rather be Michał's.
    for hour in (14, 15, 16):
        busy = ApiPatient(app, place.id)
        busy.hold(TUESDAY_TEN.replace(hour=hour - 1), practitioner_id=place.practitioners[ZOFIA])
    patient = loser(app, place, ZOFIA)
    offered = others(patient.take())
    assert len(offered) == 3 and all(ZOFIA in label for _, label in offered)
    assert ZOFIA in patient.press("/w/hold", offered[0][0]).text


def test_where_the_chosen_therapist_has_nothing_the_others_times_can_be_taken(app: Flask) -> None:
    place = opened(app)
    patient = loser(app, place, ZOFIA)
    hour = timedelta(hours=1)
    for start, end in ((TUESDAY_TEN - 14 * 24 * hour, TUESDAY_TEN), (TUESDAY_TEN + hour, TUESDAY_TEN + 14 * 24 * hour)):
        record_absence(place.practitioners[ZOFIA], start, end, scope=staff_scope(place.id), desk=house_of(app).desk)
    page = patient.take()
    offered = others(page)
    assert offered and all(MICHAL in label for _, label in offered)
    assert MICHAL in patient.press("/w/hold", offered[0][0]).text


def test_a_chosen_therapist_with_too_little_left_is_filled_up_with_others(app: Flask) -> None:
    place = opened(app)
    patient = loser(app, place, ZOFIA)
    hour = timedelta(hours=1)
    gaps = ((TUESDAY_TEN - 14 * 24 * hour, TUESDAY_TEN - hour), (TUESDAY_TEN + hour, TUESDAY_TEN + 14 * 24 * hour))
    for start, end in gaps:
        record_absence(place.practitioners[ZOFIA], start, end, scope=staff_scope(place.id), desk=house_of(app).desk)
    offered = others(patient.take())
    assert len(offered) == 3 and slot_of(TUESDAY_TEN - hour) in dict(offered)
    first = next(label for slot, label in offered if slot != slot_of(TUESDAY_TEN - hour))
    assert MICHAL in first


@pytest.fixture
def two_cities(app: Flask) -> OpenedClinic:
    """One therapist, Monday to Wednesday in Warszawa, Thursday and Friday in Kraków; another clinic never works in Kraków."""
    early, late = weekly("mon-wed 8:00-12:00"), weekly("thu-fri 8:00-12:00")
    places = (
        LocationPlan("Wola", "ul. Wolska 1", "01-001", "Warszawa", early),
        LocationPlan("Główna", "ul. Józefa 12", "31-056", "Kraków", late),
    )
    anna = PractitionerPlan("mgr", "Anna", "Lis", competent("spine 16y+"), hours={"Wola": early, "Główna": late})
    ewa = PractitionerPlan("mgr", "Ewa", "Sroka", competent("spine 16y+"), hours={"Wola": early})
    plan = replace(clinic("wisla"), staff=(), locations=places, practitioners=(anna,))
    opened(app, replace(plan, slug="wola", name="Tylko Wola", practitioners=(ewa,)))
    return opened(app, replace(plan, name="Dwa Miasta"))


def test_a_city_means_the_rooms_in_that_city(app: Flask, two_cities: OpenedClinic) -> None:
    patient = FormPatient(app)
    page = patient.problem(place="Kraków")
    assert "Dwa Miasta" in page.text and "Tylko Wola" not in page.text
    assert "czw." in page.text and "jutro" not in page.text and "dziś" not in page.text
    slot = page.form("/w/hold").buttons[0].value
    held = patient.press("/w/hold", slot)
    assert "Józefa 12, Kraków" in held.text and "Wolska" not in held.text


def test_the_control_without_a_city_tomorrow_in_warszawa_is_first(app: Flask, two_cities: OpenedClinic) -> None:
    page = FormPatient(app).problem()
    assert "Tylko Wola" in page.text and "dziś" in page.text


def test_a_header_never_names_the_wrong_room(app: Flask, two_cities: OpenedClinic) -> None:
    page = FormPatient(app, "/g/wisla").problem()
    header = page.html.partition("<header")[2].partition("</header>")[0]
    assert "Kraków, Warszawa" in header and "Wolska" not in header


def test_back_and_the_same_time_again_is_a_new_request(app: Flask) -> None:
    patient = FormPatient(app, f"/e/{embed_token(opened(app).id)}")
    times = patient.problem()
    for _ in range(3):
        patient.page = times
        assert patient.take().form("/w/details").action == "/w/details"
        patient.page = times
        assert patient.take(TUESDAY_TEN + timedelta(hours=1)).form("/w/details").action == "/w/details"
    living = [row.starts_at for row in rows_of(app, AppointmentRow) if row.status == "proposed"]
    assert living == [TUESDAY_TEN + timedelta(hours=1)]


def test_a_double_click_is_still_one_request(app: Flask) -> None:
    """The control: the same page sent twice without anything given back makes one appointment."""
    patient = FormPatient(app, f"/e/{embed_token(opened(app).id)}")
    times = patient.problem()
    for _ in range(2):
        patient.page = times
        patient.take()
    assert len(rows_of(app, AppointmentRow)) == 1


@pytest.mark.parametrize("door", ["link", "locked"])
def test_a_service_that_was_named_says_which_kind_of_visit(app: Flask, door: str) -> None:
    place = opened(app)
    visit = place.services[VISIT.name]
    url = f"/g/kazimierz?service={visit}" if door == "link" else f"/e/{embed_token(place.id, service=visit)}"
    patient = FormPatient(app, url)
    page = patient.problem()
    assert slot_of(TUESDAY_TEN) in page.html
    patient.take()
    (made,) = rows_of(app, AppointmentRow)
    assert (made.service_id, made.kind) == (visit, ServiceKind.VISIT.value)


def test_whoever_then_says_it_is_the_first_visit_gets_one(app: Flask) -> None:
    place = opened(app)
    patient = FormPatient(app, f"/g/kazimierz?service={place.services[VISIT.name]}")
    patient.problem(kind="consultation")
    patient.take()
    (made,) = rows_of(app, AppointmentRow)
    assert (made.service_id, made.kind) == (place.services[CONSULTATION.name], "consultation")


def test_the_calendar_file_is_there_while_the_confirmation_stands_open(app: Flask, clock: Clock) -> None:
    patient = FormPatient(app, f"/e/{embed_token(opened(app).id)}")
    done = patient.code(patient.awaiting_code())
    form = done.form("/w/calendar")
    clock.forward(hours=5)
    assert patient.client.post("/w/calendar", data=form.filled()).data.startswith(b"BEGIN:VCALENDAR")
    clock.forward(hours=20)
    assert patient.client.post("/w/calendar", data=form.filled()).status_code == 401


@pytest.mark.parametrize("sent", ["http://[", "http://[::1", "//[x]", "null", ""])
def test_an_address_that_is_none_is_refused_not_a_fault(app: Flask, sent: str) -> None:
    client = app.test_client()
    assert (
        client.post("/staff/sign-in", data={"email": "a", "password": "b"}, headers={"Origin": sent}).status_code == 403
    )
    token = embed_token(opened(app).id)
    asked = {"Sec-Fetch-Dest": "iframe", "Referer": sent}
    assert client.get(f"/e/{token}", headers=asked).status_code == 200


def test_a_message_dropped_while_the_gateway_refuses_stays_dropped(app: Flask, clock: Clock) -> None:
    place = opened(app)
    patient = FormPatient(app, f"/e/{embed_token(place.id)}")
    patient.problem()
    patient.take()
    typed = patient.details().form("/w/code").filled()

    class Refusing(ConsoleGateway):
        def send(self, *_: str) -> Taken:
            assert patient.client.post("/w/release", data=typed).status_code == 200
            raise GatewayRefused("no signal")

    send_due(Refusing(), desk=house_of(app).desk, now=clock())
    (message,) = messages_of(app)
    assert (message.status, message.phone, message.body) == ("dropped", "", "")


def test_after_too_many_wrong_codes_the_page_leads_to_another_time(app: Flask) -> None:
    patient = FormPatient(app, f"/e/{embed_token(opened(app).id)}")
    patient.awaiting_code()
    for _ in range(5):
        page = patient.code(patient.phone.wrong_code())
    assert "Za dużo prób" in page.text and "Nowy kod możesz wysłać" not in page.text
    assert 'name="code"' not in page.html
    assert slot_of(TUESDAY_TEN) in patient.press("/w/release").html
