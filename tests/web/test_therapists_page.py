"""Therapists and the competence grid: what is written there decides, at once, who may treat whom."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from okienko_server.domain.access import Language
from okienko_server.domain.offer import Practitioner
from okienko_server.domain.problem import ADULT, MAX_AGE_MONTHS, AgeRange, Competence, ProblemCategory
from okienko_server.storage.tables import AuditRow, CompetenceRow, PractitionerRow
from okienko_server.web.pages.staff.competence_form import lines_of, read
from tests.plans import one_therapist
from tests.web.patients import ApiPatient, opened, rows_of, standing
from tests.web.staff_world import HANNA, MICHAL, OWNER, ZOFIA, StaffWorld

BASE = "/staff/settings/therapists"
BABY = {"category": "paediatrics", "age_group": None, "age_months": 5}


@pytest.fixture
def world(app: Flask) -> StaffWorld:
    made = StaffWorld.of(app)
    made.sign_in(OWNER)
    return made


def fields_of(person: Practitioner) -> dict[str, Any]:
    """Return what the browser would send if nothing were touched."""
    form: dict[str, Any] = {name: getattr(person, name) for name in ("title", "first_name", "last_name", "pwz")}
    for line in lines_of(person.competences):
        form[line.field] = line.typed[""]
        form |= {f"{line.field}-{part}": line.typed[part] for part in ("from", "from-unit", "to", "to-unit")}
    return form | {"services": sorted(person.services), "languages": sorted(person.languages)}


def save(world: StaffWorld, who: str, **changes: Any) -> TestResponse:
    person = world.offer().practitioner(world.opened.practitioners[who])
    form = fields_of(person) | {"csrf": world.csrf(), "revision": str(world.offer().revision)} | changes
    return world.client.post(f"{BASE}/{person.id}", data=form)


def add(world: StaffWorld, **changes: Any) -> TestResponse:
    form = {
        "csrf": world.csrf(), "revision": str(world.offer().revision), "title": "mgr", "first_name": "Ewa", "last_name": "Grab",
        "pwz": "PWZFz 4711", "services": list(world.opened.services.values()), "c-spine": "adult",
    }  # fmt: skip
    return world.client.post(f"{BASE}/new", data=form | changes)


competence_sets = st.lists(
    st.builds(
        Competence,
        st.sampled_from(list(ProblemCategory)),
        st.tuples(st.integers(0, MAX_AGE_MONTHS), st.integers(0, MAX_AGE_MONTHS)).map(
            lambda e: AgeRange(min(e), max(e))
        ),
    ),
    max_size=6,
)


@given(kept=competence_sets)
def test_a_form_nobody_touched_says_what_stood_there(kept: list[Competence]) -> None:
    form: dict[str, str] = {}
    for line in lines_of(kept):
        form[line.field] = line.typed[""]
        form |= {f"{line.field}-{part}": line.typed[part] for part in ("from", "from-unit", "to", "to-unit")}
    assert sorted(read(form, kept), key=str) == sorted(kept, key=str)


def test_saving_without_a_change_changes_no_row(app: Flask, world: StaffWorld) -> None:
    before = (standing(app, CompetenceRow), standing(app, PractitionerRow))
    for who in (ZOFIA, MICHAL, HANNA):
        assert save(world, who).status_code == 303
    assert (standing(app, CompetenceRow), standing(app, PractitionerRow)) == before


def spoken(page: str) -> list[str]:
    return re.findall(r'name="languages" value="([^"]+)" checked', page)


def test_languages_are_kept_in_their_own_order(app: Flask, world: StaffWorld) -> None:
    zofia, revision = world.opened.practitioners[ZOFIA], world.offer().revision
    assert spoken(world.client.get(f"{BASE}/{zofia}").text) == []
    assert save(world, ZOFIA, languages=["de", "en"]).status_code == 303
    assert world.offer().practitioner(zofia).languages == {Language.ENGLISH, Language.GERMAN}
    assert world.offer().revision == revision + 1
    assert {row.id: row.languages for row in rows_of(app, PractitionerRow)}[zofia] == "en de"
    assert [row.action for row in rows_of(app, AuditRow) if row.action != "sign_in"] == ["change_offer"]
    page = world.client.get(f"{BASE}/{zofia}").text
    assert spoken(page) == ["en", "de"]
    for words in ("angielski", "ukraiński", "niemiecki"):
        assert f"<span>{words}</span>" in page
    before = standing(app, PractitionerRow)
    assert save(world, ZOFIA).status_code == 303
    assert standing(app, PractitionerRow) == before, "a form nobody touched changes no row"
    assert save(world, ZOFIA, languages=[]).status_code == 303
    assert {row.languages for row in rows_of(app, PractitionerRow)} == {None}


def test_languages_survive_a_refusal_a_conflict_and_a_question(world: StaffWorld) -> None:
    world.add("visit")
    refused, late = add(world, languages=["uk"], pwz="PWZ"), save(world, ZOFIA, languages=["uk"], revision="0")
    asked = save(world, ZOFIA, languages=["uk"], **{"c-spine": "infant"})
    assert [one.status_code for one in (refused, late, asked)] == [422, 409, 200]
    assert [spoken(one.text) for one in (refused, late, asked)] == [["uk"]] * 3


@pytest.mark.parametrize("posted", [["fr"], ["<b>", "en\x00"], ["EN"], ["x" * 50_000], [""]])
def test_a_language_that_is_none_is_passed_over(world: StaffWorld, posted: list[str]) -> None:
    assert add(world, languages=[*posted, "uk"]).status_code == 303
    (ewa,) = [one for one in world.offer().practitioners.values() if one.last_name == "Grab"]
    assert ewa.languages == {Language.UKRAINIAN}


def test_a_new_therapist_needs_hours_and_is_offered_with_them(app: Flask, world: StaffWorld) -> None:
    assert add(world).status_code == 303
    (ewa,) = [one for one in world.offer().practitioners.values() if one.last_name == "Grab"]
    assert (ewa.pwz, ewa.competences) == ("4711", (Competence(ProblemCategory.SPINE, AgeRange(216, MAX_AGE_MONTHS)),))
    assert "Nie ma godzin pracy" in world.client.get(BASE).text
    asked = {"practitioner_id": ewa.id}
    assert ApiPatient(app, world.opened.id).starts(**asked) == []
    hours = {f"day-{n}": "9-12" for n in range(5)} | {f"day-{n}": "" for n in (5, 6)}
    place = next(iter(world.opened.locations.values()))
    form = {"csrf": world.csrf(), "location": place, "practitioner": ewa.id, "revision": str(world.offer().revision)}
    assert world.client.post("/staff/hours", data=form | hours).status_code == 303
    assert ApiPatient(app, world.opened.id).starts(**asked)
    assert [row.action for row in rows_of(app, AuditRow) if row.action != "sign_in"] == ["change_offer", "change_hours"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("first_name", ""), ("last_name", "  "), ("last_name", "x" * 61), ("title", "x" * 21), ("first_name", "a\x00"),
        ("pwz", "PWZ"), ("pwz", "1234567"), ("c-spine", "sometimes"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_beside_its_field_and_nothing_typed_is_lost(
    app: Flask, world: StaffWorld, field: str, value: str
) -> None:
    answer = add(
        world,
        **{
            "c-jaw_head": "own",
            "c-jaw_head-from": "7",
            "c-jaw_head-from-unit": "m",
            "c-jaw_head-to-unit": "y",
            field: value,
        },
    )
    assert answer.status_code == 422
    assert f'id="{field}-wrong"' in answer.text
    assert field == "pwz" or 'value="PWZFz 4711"' in answer.text
    assert 'name="c-jaw_head-from" inputmode="numeric" maxlength="4" value="7"' in answer.text
    assert len(rows_of(app, PractitionerRow)) == 3


@pytest.mark.parametrize("ends", [("", ""), ("9", "3"), ("x", ""), ("-1", "4"), ("121", "")])
def test_ages_that_are_none_are_told_beside_their_problem(world: StaffWorld, ends: tuple[str, str]) -> None:
    own = {"c-neurology": "own", "c-neurology-from": ends[0], "c-neurology-to": ends[1]}
    units = {"c-neurology-from-unit": "y", "c-neurology-to-unit": "y"}
    answer = add(world, **own, **units)
    assert answer.status_code == 422
    assert 'id="c-neurology-wrong"' in answer.text


def test_a_licence_number_belongs_to_one_person(world: StaffWorld) -> None:
    assert save(world, ZOFIA, pwz="4711").status_code == 303
    assert save(world, ZOFIA, pwz="4711").status_code == 303
    second = save(world, MICHAL, pwz="PWZFz 4711")
    assert second.status_code == 422
    assert 'id="pwz-wrong"' in second.text


def test_a_baby_never_gets_somebody_unqualified_whatever_is_edited(app: Flask, world: StaffWorld) -> None:
    def for_a_baby() -> set[str]:
        answer = ApiPatient(app, world.opened.id).slots(**BABY).get_json()
        return {person["id"] for person in answer["practitioners"]}

    hanna, michal = (world.opened.practitioners[who] for who in (HANNA, MICHAL))
    assert for_a_baby() == {hanna}
    save(world, MICHAL, **{"c-paediatrics": "infant"})
    assert for_a_baby() == {hanna, michal}
    half = {
        "c-paediatrics-from": "6",
        "c-paediatrics-from-unit": "m",
        "c-paediatrics-to": "17",
        "c-paediatrics-to-unit": "y",
    }
    save(world, MICHAL, **{"c-paediatrics": "own"}, **half)
    assert for_a_baby() == {hanna}
    save(world, HANNA, **{"c-paediatrics": "none"})
    assert for_a_baby() == set()


def test_visits_the_new_competences_would_not_allow_are_shown_first(world: StaffWorld) -> None:
    visit = world.add("visit")
    first = save(world, ZOFIA, **{"c-spine": "infant"})
    assert first.status_code == 200
    assert "Żółkiewska" in first.text
    zofia = world.opened.practitioners[ZOFIA]
    assert world.offer().practitioner(zofia).qualified(ProblemCategory.SPINE, ADULT)
    shown = re.findall(r'name="sure" value="([^"]+)"', first.text)
    assert shown == [visit.id]
    assert save(world, ZOFIA, **{"c-spine": "infant"}, sure=shown).status_code == 303
    assert not world.offer().practitioner(zofia).qualified(ProblemCategory.SPINE, ADULT)
    assert world.get(visit.id).status.value == "pending"


def test_a_withheld_therapist_is_gone_for_patients_and_stays_in_the_schedule(app: Flask, world: StaffWorld) -> None:
    zofia = world.opened.practitioners[ZOFIA]
    world.add("visit")
    patient = ApiPatient(app, world.opened.id)
    world.client.post(f"{BASE}/{zofia}/offered", data={"csrf": world.csrf(), "offered": "no"})
    people = {person["id"] for person in patient.slots().get_json()["practitioners"]}
    assert zofia not in people
    assert people
    assert patient.slots(practitioner_id=zofia).status_code == 404
    assert patient.hold(practitioner_id=zofia).status_code == 404
    assert "Żółkiewska" in world.page("?view=day&day=2026-11-24&practitioner=all")
    world.client.post(f"{BASE}/{zofia}/offered", data={"csrf": world.csrf(), "offered": "yes"})
    assert zofia in {person["id"] for person in patient.slots().get_json()["practitioners"]}


def test_somebody_with_visits_or_an_account_is_not_removed(app: Flask, world: StaffWorld) -> None:
    zofia, hanna = (world.opened.practitioners[who] for who in (ZOFIA, HANNA))
    kept = world.client.post(f"{BASE}/{zofia}/remove", data={"csrf": world.csrf()})
    assert kept.status_code == 409
    assert "więc zostaje" in kept.text
    assert world.client.post(f"{BASE}/{hanna}/remove", data={"csrf": world.csrf()}).status_code == 303
    assert hanna not in world.offer().practitioners


def test_declared_and_uncovered_problems_are_warned_of(world: StaffWorld) -> None:
    form = {"csrf": world.csrf(), "categories": ["jaw_head", "paediatrics", "spine"]}
    assert world.client.post(f"{BASE}/declared", data=form).status_code == 303
    page = world.client.get(BASE).text
    gaps = page[page.index("Nikt się tym nie zajmuje") : page.index("<ol")]
    plain = gaps.replace("\u00a0", " ")
    assert [line.split(" – ")[0] for line in re.findall(r"<p>([^<]*)</p>", plain)] == [
        "Kręgosłup", "Niemowlęta i dzieci", "Szczęka i głowa",
    ]  # fmt: skip
    assert "od" in gaps_line(plain, 0)
    assert "w żadnym wieku" in gaps_line(plain, 2)
    assert "Nikt nie zajmuje się tym" in world.client.get("/staff/settings").text
    world.client.post(f"{BASE}/declared", data={"csrf": world.csrf()})
    assert "Nikt się tym nie zajmuje" not in world.client.get(BASE).text


def gaps_line(text: str, n: int) -> str:
    return str(re.findall(r"<p>([^<]*)</p>", text)[n])


def test_an_unknown_problem_is_not_declared(world: StaffWorld) -> None:
    answer = world.client.post(f"{BASE}/declared", data={"csrf": world.csrf(), "categories": "<b>"})
    assert answer.status_code == 422
    assert world.offer().clinic.categories == ()


AGES = [
    ("5", "m", "paediatrics"),
    ("40", "y", "spine"),
    ("70", "y", "geriatrics"),
    ("17", "y", "spine"),
    ("2", "y", "sports"),
]


@pytest.mark.parametrize(("age", "unit", "category"), AGES)
def test_the_preview_says_what_a_patient_gets(
    app: Flask, world: StaffWorld, age: str, unit: str, category: str
) -> None:
    form = {"csrf": world.csrf(), "age": age, "unit": unit, "category": category}
    page = world.client.post(f"{BASE}/preview", data=form).text
    told = page.partition('s-info s-after" role="status"')[2].partition("</div>")[0]
    everybody = {person.name for person in world.offer().practitioners.values()}
    months = int(age) if unit == "m" else int(age) * 12
    asked: dict[str, Any] = {"category": category, "age_group": None, "age_months": months}
    reached = {
        person["name"]
        for kind in ("consultation", "visit")
        for person in ApiPatient(app, world.opened.id).slots(kind=kind, **asked).get_json()["practitioners"]
    }
    # A patient may be any month of that year old; where nobody's competence begins or ends within it, both are the same.
    assert {name for name in everybody if name in told} == reached


def test_the_preview_works_while_the_doors_are_shut(app: Flask) -> None:
    world = StaffWorld.of(app, contract="trial", registration=False)
    world.sign_in(OWNER)
    form = {"csrf": world.csrf(), "age": "5", "unit": "m", "category": "paediatrics"}
    assert (
        "Hanna Bąk"
        in world.client.post(f"{BASE}/preview", data=form)
        .text.partition('s-info s-after" role="status"')[2]
        .partition("</div>")[0]
    )
    assert rows_of(app, AuditRow)[-1].action == "sign_in", "a look writes nothing"


@pytest.mark.parametrize("age", ["", "-1", "abc", "999", "²"])
def test_an_age_that_is_none_is_told_beside_it(world: StaffWorld, age: str) -> None:
    answer = world.client.post(
        f"{BASE}/preview", data={"csrf": world.csrf(), "age": age, "unit": "y", "category": "spine"}
    )
    assert answer.status_code == 422
    assert 'id="age-wrong"' in answer.text


def test_two_who_save_at_once(world: StaffWorld) -> None:
    revision = str(world.offer().revision)
    assert save(world, ZOFIA, title="dr", revision=revision).status_code == 303
    second = save(world, ZOFIA, title="prof.", revision=revision)
    assert second.status_code == 409
    assert 'value="prof."' in second.text


def test_another_clinics_therapist_does_not_exist(app: Flask, world: StaffWorld) -> None:
    other = opened(app, one_therapist())
    foreign = other.practitioners[ZOFIA]
    before = [row for row in rows_of(app, PractitionerRow) if row.clinic_id == other.id]
    assert world.client.get(f"{BASE}/{foreign}").status_code == 404
    for path in ("", "/offered", "/remove"):
        form = {"csrf": world.csrf(), "first_name": "X", "last_name": "Y", "revision": str(world.offer().revision)}
        assert world.client.post(f"{BASE}/{foreign}{path}", data=form).status_code == 404
    assert [row for row in rows_of(app, PractitionerRow) if row.clinic_id == other.id] == before


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kept=competence_sets)
def test_what_is_written_comes_back(kept: list[Competence], world: StaffWorld) -> None:
    by_one = {one.category: one for one in kept}
    fields: dict[str, Any] = {}
    for line in lines_of(by_one.values()):
        fields[line.field] = line.typed[""]
        fields |= {f"{line.field}-{part}": line.typed[part] for part in ("from", "from-unit", "to", "to-unit")}
    assert save(world, HANNA, **fields).status_code == 303
    found = world.offer().practitioner(world.opened.practitioners[HANNA]).competences
    assert set(found) == set(by_one.values())


def test_the_grid_says_of_everybody_what_each_is_competent_for(world: StaffWorld) -> None:
    page = world.client.get(BASE).text.replace("\u00a0", " ")
    table = page.partition('class="s-skills"')[2].partition("</table>")[0]
    rows = {
        head: re.findall(r"<td>([^<]*)</td>", row)
        for head, row in re.findall(r'scope="row">([^<]+)</th>(.*?)</tr>', table)
    }
    assert rows["Kręgosłup"] == ["od 16 lat", "dorośli (18+)", "–"]
    assert rows["Niemowlęta i dzieci"] == ["–", "od 3 lat do 17 lat", "niemowlęta do 36 mies."]
    assert "Szczęka i głowa" not in rows
    world.client.post(f"{BASE}/declared", data={"csrf": world.csrf(), "categories": "jaw_head"})
    assert 's-uncovered"><th scope="row">Szczęka' in world.client.get(BASE).text
