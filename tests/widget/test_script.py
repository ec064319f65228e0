"""The script makes the steps smooth and loses nothing: Back, a lost connection, a doubled click, under the real CSP."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.widget.conftest import Stand


def test_a_step_is_swapped_and_its_heading_takes_the_focus(stand: Stand) -> None:
    page = stand.open("problem")
    page.evaluate("window.same = true")
    page.get_by_role("button", name="Kręgosłup").click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Kiedy Ci pasuje?")
    expect(heading).to_be_focused()
    expect(page.locator("[data-live]")).to_have_text("Krok 2 z 4")
    assert page.evaluate("window.same")
    assert page.title() == "Wybór terminu – Rehabilitacja Kazimierz"
    assert stand.sent[0][1]["category"] == ["spine"]
    assert stand.violations == []


def test_back_returns_to_what_was_typed_with_a_new_key(stand: Stand) -> None:
    page = stand.open("details")
    page.get_by_label("Imię").fill("Łucja")
    first = page.locator("[name=key]").first.input_value()
    page.get_by_role("button", name="Wyślij kod SMS").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Wpisz kod z SMS-a")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Twoje dane")
    expect(page.get_by_label("Imię")).to_have_value("Łucja")
    assert page.locator("[name=key]").first.input_value() != first
    page.go_forward()
    expect(page.get_by_role("heading", level=1)).to_have_text("Wpisz kod z SMS-a")


def test_a_lost_connection_keeps_everything_and_the_same_key(stand: Stand) -> None:
    page = stand.open("details")
    page.get_by_label("Imię").fill("Łucja")
    key = page.locator("[name=key]").first.input_value()
    stand.broken = True
    page.get_by_role("button", name="Wyślij kod SMS").click()
    expect(page.get_by_role("alert")).to_contain_text("Nie udało się połączyć")
    expect(page.get_by_label("Imię")).to_have_value("Łucja")
    stand.broken = False
    page.get_by_role("button", name="Wyślij kod SMS").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Wpisz kod z SMS-a")
    assert [fields["key"] for _, fields in stand.sent] == [[key]]


def test_a_doubled_click_is_sent_once(stand: Stand) -> None:
    page = stand.open("times")
    page.evaluate("() => { const b = document.querySelector('.o-soonest button'); b.click(); b.click(); b.click(); }")
    expect(page.get_by_role("heading", level=1)).to_have_text("Twoje dane")
    assert len(stand.sent) == 1


def test_six_digits_send_themselves_spaces_and_words_aside(stand: Stand) -> None:
    page = stand.open("code")
    page.get_by_label("Kod z SMS-a").fill("kod: 482-195")
    expect(page.get_by_role("heading", level=1)).to_have_text("Termin jest Twój")
    assert stand.sent[0][1]["code"] == ["482195"]


def test_an_error_takes_the_focus_and_adds_no_history(stand: Stand) -> None:
    page = stand.open("code")
    before = page.evaluate("history.length")
    page.get_by_role("button", name="Zmień dane").click()
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_role("button", name="Potrzebuję więcej czasu").click()
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    assert page.evaluate("history.length") == before + 1


def test_the_clocks_count_down_and_unlock_the_new_code(stand: Stand) -> None:
    page = stand.page
    page.clock.install()
    stand.open("code")
    resend = page.get_by_role("button", name="Wyślij nowy kod")
    expect(resend).to_be_disabled()
    page.clock.run_for(5_000)
    expect(page.locator("[data-clock]")).to_have_text(re.compile(r"Nowy kod możesz wysłać za 0:1\d\."))
    page.clock.run_for(20_000)
    expect(resend).to_be_enabled()
    expect(page.locator(".o-kept")).to_contain_text("jeszcze 8 min")
    page.clock.run_for(415_000)
    expect(page.locator("[data-live]")).to_contain_text("Zostały 2 minuty")
    page.clock.run_for(120_000)
    expect(page.locator(".o-kept")).to_contain_text("Czas minął")


def test_old_times_are_refreshed_when_the_window_is_looked_at_again(stand: Stand) -> None:
    page = stand.page
    page.clock.install()
    stand.open("times")
    page.locator("[name=day]").nth(3).check(force=True)
    page.evaluate("dispatchEvent(new Event('focus'))")
    page.clock.run_for(61_000)
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.locator("[name=day]").nth(5)).to_be_enabled()
    expect(page.locator("[name=day]").nth(3)).to_be_checked()
    assert [path for path, _ in stand.sent] == ["times"]
    assert stand.sent[0][1]["category"] == ["spine"]


def test_the_calendar_file_is_left_to_the_browser(stand: Stand) -> None:
    page = stand.open("done")
    with page.expect_download() as download:
        page.get_by_role("button", name="Dodaj do kalendarza").click()
    assert download.value.suggested_filename == "wizyta.ics"


def test_nothing_is_stored(stand: Stand) -> None:
    page = stand.open("problem")
    page.get_by_role("button", name="Sport").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Kiedy Ci pasuje?")
    assert page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]") == ["", 0, 0]
    assert page.context.cookies() == []


def test_history_may_be_refused(stand: Stand) -> None:
    page = stand.page
    page.add_init_script("history.pushState = () => { throw new DOMException('SecurityError') }")
    stand.open("problem")
    page.get_by_role("button", name="Sport").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Kiedy Ci pasuje?")
