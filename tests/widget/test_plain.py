"""With JavaScript off every step still works: days, the child's age, all the way to the confirmation."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.widget.conftest import Stand


def test_a_day_shows_its_times_without_a_request(plain_stand: Stand) -> None:
    page = plain_stand.open("times")
    expect(page.get_by_role("button", name="17:00", exact=True)).to_be_visible()
    page.locator("[name=day]").nth(2).check(force=True)
    expect(page.get_by_role("heading", name="śr. 25 listopada")).to_be_visible()
    expect(page.get_by_role("heading", name="wt. 24 listopada 8")).to_be_hidden()
    assert page.get_by_role("button", name="8:45", exact=True).is_visible()
    assert plain_stand.sent == []


def test_the_age_appears_for_a_child_only(plain_stand: Stand) -> None:
    page = plain_stand.open("problem")
    expect(page.get_by_label("Wiek dziecka")).to_be_hidden()
    page.get_by_label("Dziecko").check(force=True)
    expect(page.get_by_label("Wiek dziecka")).to_be_visible()
    page.get_by_label("Dorosły").check(force=True)
    expect(page.get_by_label("Wiek dziecka")).to_be_hidden()


def test_enter_in_the_age_never_chooses_a_category(plain_stand: Stand) -> None:
    page = plain_stand.open("problem")
    page.get_by_label("Dziecko").check(force=True)
    page.get_by_label("Wiek dziecka").fill("5")
    page.get_by_label("Wiek dziecka").press("Enter")
    assert plain_stand.sent == []


def test_the_whole_way_by_plain_forms(plain_stand: Stand) -> None:
    page = plain_stand.open("problem")
    page.get_by_role("button", name="Kręgosłup").click()
    page.get_by_role("button", name="Wybierz ten termin").click()
    page.get_by_label("Imię").fill("Łucja")
    page.get_by_label("Nazwisko").fill("Żółkiewska")
    page.get_by_label("Telefon komórkowy").fill("601 234 567")
    page.get_by_label("Telefon komórkowy").press("Enter")
    page.get_by_label("Kod z SMS-a").fill("482 195")
    page.get_by_role("button", name="Zarezerwuj wizytę").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Termin jest Twój")
    assert [path for path, _ in plain_stand.sent] == ["problem", "hold", "details", "code"]
    assert plain_stand.sent[0][1]["category"] == ["spine"]
    assert plain_stand.sent[2][1]["first_name"] == ["Łucja"]
    assert plain_stand.violations == []


def test_asking_for_more_time_sends_what_was_typed(plain_stand: Stand) -> None:
    page = plain_stand.open("details")
    page.get_by_label("Nazwisko").fill("Żółkiewska")
    page.get_by_role("button", name="Potrzebuję więcej czasu").click()
    ((path, fields),) = plain_stand.sent
    assert (path, fields["last_name"]) == ("extend", ["Żółkiewska"])
