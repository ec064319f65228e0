"""Every step and state becomes a complete, private, self-contained document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser

import brotli
import pytest

from okienko_widget import load, render
from okienko_widget.views import ClinicBadge, MessageView, SlotChoice, SlotGroup
from tests.widget import samples

TEXTS = load()
PAGES = {name: render(view) for name, view in samples.VIEWS.items()}
every_page = pytest.mark.parametrize("name", PAGES)


class Tags(HTMLParser):
    """Collects (tag, attributes) of every start tag."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def tags(page: str, wanted: str) -> Iterator[dict[str, str | None]]:
    return (attributes for tag, attributes in Tags(page).found if tag == wanted)


def without_assets(page: str) -> str:
    return re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL)


@every_page
def test_no_placeholder_or_undefined_value_is_left(name: str) -> None:
    assert not re.search(r"\{[a-z_]+\}|Undefined|>None<|\"None\"", without_assets(PAGES[name]))


@every_page
def test_the_document_has_no_inline_style_or_handler(name: str) -> None:
    for _, attributes in Tags(PAGES[name]).found:
        assert not any(attribute == "style" or attribute.startswith("on") for attribute in attributes)


@every_page
def test_the_document_asks_for_nothing_else(name: str) -> None:
    for tag, attributes in Tags(PAGES[name]).found:
        assert "src" not in attributes and "srcset" not in attributes
        assert tag != "link" or attributes["href"] == "data:,"
    assert "url(" not in PAGES[name] and "@import" not in PAGES[name]


@every_page
def test_the_title_never_names_the_problem(name: str) -> None:
    title = re.search("<title>(.*?)</title>", PAGES[name])
    assert title is not None
    words = [TEXTS(f"category.{code}").lower() for code in samples.CATEGORIES]
    assert not any(word in title[1].lower() for word in words)


@every_page
def test_ids_are_unique_and_labels_and_descriptions_lead_somewhere(name: str) -> None:
    found = Tags(PAGES[name]).found
    ids = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in found:
        named = (attributes.get("for") or "", *(attributes.get("aria-describedby") or "").split())
        assert {one for one in named if one} <= set(ids)


@every_page
def test_every_form_posts_the_session_and_the_key(name: str) -> None:
    for form in re.findall(r"<form .*?</form>", PAGES[name], re.DOTALL):
        assert 'method="post"' in form and 'action="/w/' in form
        assert form.count('name="session"') == form.count('name="key"') == 1
        hidden = re.findall(r'<input type="hidden" name="(\w+)"', form)
        asked = set(re.findall(r'<(?:button|input|textarea)(?! type="hidden")[^>]* name="(\w+)"', form))
        assert len(hidden) == len(set(hidden)) and not set(hidden) & asked


def test_the_first_screen_is_one_document_of_at_most_nine_kilobytes() -> None:
    page = PAGES["problem"]
    assert len(brotli.compress(page.encode())) <= 9_000
    assert "http" not in without_assets(page)


@pytest.mark.parametrize("name", ["times-full", "details-child"])
def test_the_other_screens_stay_small_too(name: str) -> None:
    assert len(brotli.compress(PAGES[name].encode())) <= 9_000


def test_the_search_with_its_map_is_a_little_more() -> None:
    assert len(brotli.compress(PAGES["clinics"].encode())) <= 12_000


def test_hostile_names_are_escaped() -> None:
    nasty = ClinicBadge("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "<i>", "'\"<b>")
    state = {"clinic": '"><script>x</script>'}
    page = render(replace(samples.TIMES, frame=replace(samples.PINNED, clinic=nasty, state=state)))
    assert page.count("<script>") == 1
    assert not any(tag == "img" for tag, _ in Tags(page).found)


def test_hostile_slots_are_escaped() -> None:
    nasty = SlotGroup("morning", (SlotChoice('"><script>', "<b>8:00</b>"), SlotChoice("a&b", "9:00")))
    days = (replace(samples.TIMES.days[1], groups=(nasty,)),)
    page = render(replace(samples.TIMES, days=days))
    values = [button["value"] for button in tags(page, "button") if button.get("name") == "slot"]
    assert values[1:] == ['"><script>', "a&b"]
    assert "&lt;b&gt;8:00" in page


def test_pinned_pages_know_no_other_clinic() -> None:
    for name, view in samples.VIEWS.items():
        if not isinstance(view, MessageView) and view.frame.pinned:
            assert TEXTS("times.change_clinic") not in PAGES[name]
            assert 'href="/"' not in PAGES[name]


def test_unpinned_a_preset_clinic_may_be_changed() -> None:
    for name in ("problem-deep-link", "times-portal"):
        form = re.search(r'<div class="o-clinic">.*?(<form.*?</form>)', PAGES[name], re.DOTALL)
        assert form is not None
        assert TEXTS("times.change_clinic") in form[1] and 'name="clinic"' not in form[1]


def test_frames_are_not_indexed_and_the_portal_is() -> None:
    assert "noindex" in PAGES["problem"]
    assert "noindex" not in PAGES["problem-portal"]


def test_typed_values_are_kept_and_errors_stand_beside_their_fields() -> None:
    page = PAGES["details-error"]
    (phone,) = (field for field in tags(page, "input") if field.get("name") == "phone")
    assert phone["value"] == "12 345 67 89" and phone["aria-invalid"] == "true"
    assert phone["aria-describedby"] == "h-phone e-phone"
    assert TEXTS("error.phone_landline") in page
    assert ">ból promieniuje do lewej nogi</textarea>" in page


def test_the_keyboard_and_the_autofill_fit_the_field() -> None:
    fields = {field["name"]: field for field in tags(PAGES["details"], "input") if field.get("name")}
    assert fields["first_name"]["autocomplete"] == "given-name"
    assert (fields["phone"]["inputmode"], fields["phone"]["autocomplete"]) == ("tel", "tel")
    (code,) = (field for field in tags(PAGES["code"], "input") if field.get("name") == "code")
    assert (code["inputmode"], code["autocomplete"]) == ("numeric", "one-time-code")


def test_one_therapist_is_no_choice_and_neither_is_one_service() -> None:
    view = replace(samples.TIMES, practitioners=samples.PRACTITIONERS[:2], services=samples.SERVICES[:1])
    page = without_assets(render(view))
    assert "o-chips" not in page


def test_a_chosen_day_without_free_times_gives_way_to_the_first_that_has_some() -> None:
    days = tuple(replace(day, chosen=n == 0) for n, day in enumerate(samples.TIMES.days))
    page = render(replace(samples.TIMES, days=days))
    assert [day["value"] for day in tags(page, "input") if day.get("name") == "day" and "checked" in day] == [
        "2026-11-24"
    ]


@pytest.mark.parametrize("key", sorted({key.split(".")[1] for key in TEXTS if re.match(r"message\.\w+\.", key)}))
@pytest.mark.parametrize("layout", ["frame", "portal"])
def test_every_message_can_be_drawn(key: str, layout: str) -> None:
    page = render(MessageView(key, "frame" if layout == "frame" else "portal", "/"))
    assert TEXTS(f"message.{key}.title") in page
