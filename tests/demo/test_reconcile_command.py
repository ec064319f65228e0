"""`okienko reconcile` and `okienko sms-state`: one line for each difference, one sentence for what cannot be meant."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, update

from okienko_server.domain.scope import operator_scope
from okienko_server.storage.outbox import OutboxStore
from okienko_server.storage.session import Database
from okienko_server.storage.tables import AppointmentRow, SmsMessageRow
from tests.demo.test_cli import okienko, sentence
from tests.demo.test_sms_command import ENVIRONMENT
from tests.sms.fake import fake_gateway

HEAD = "message_id,gateway_id,parts,state\n"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    made = ENVIRONMENT | {"OKIENKO_DATABASE_URL": f"sqlite:///{tmp_path / 'okienko.db'}"}
    assert okienko(made, "migrate").exit_code == 0
    return made


def told(environment: dict[str, str], file: Path, text: str | bytes, *more: str) -> tuple[int, list[str]]:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    result = okienko(environment, "reconcile", "--day", "2026-01-14", "--from", str(file), *more)
    return result.exit_code, result.stdout.splitlines()


def test_an_account_without_differences_ends_well(environment: dict[str, str], tmp_path: Path) -> None:
    code, lines = told(environment, tmp_path / "a.csv", HEAD)
    assert (code, lines) == (0, ["2026-01-14: 0 on the account, 0 differences, 0 settled, 0 left"])


def test_each_difference_is_one_line_of_stable_words(environment: dict[str, str], tmp_path: Path) -> None:
    code, lines = told(environment, tmp_path / "a.csv", HEAD + 'abc,g-1,1,delivered\n,"g 2\ninvented",2,\n')
    assert code == 2 and lines == [], "an id of two lines is none"
    code, lines = told(environment, tmp_path / "a.csv", HEAD + 'abc,g-1,1,delivered\n,"g 2=x",2,\n')
    assert code == 1 and lines == [
        "unknown left message=abc gateway=g-1",
        "unknown left gateway=g?2?x",
        "2026-01-14: 2 on the account, 2 differences, 0 settled, 2 left",
    ]


def test_a_file_as_a_polish_spreadsheet_writes_it_is_read(environment: dict[str, str], tmp_path: Path) -> None:
    code, lines = told(environment, tmp_path / "a.csv", "\ufeffgateway_id;state\r\ng-1;sent\r\n")
    assert code == 1 and lines[0] == "unknown left gateway=g-1"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: it must name message_id or gateway_id"),
        ("id,parts\nx,1\n", "line 1: it must name message_id or gateway_id"),
        (HEAD + "a,b,1,sent\nc,d,two,sent\n", "line 3: parts must be a number"),
        (HEAD + "a,b,1,flown\n", "line 2: state must be"),
        (HEAD + ",,1,sent\n", "line 2: it names no message"),
        (HEAD + "a,b\n", "line 2: it has more or fewer columns"),
        (HEAD + "a,b,1,sent,x\n", "line 2: it has more or fewer columns"),
        (HEAD + 'a,"b"x,1,sent\n', "line 2: this is no CSV"),
        (HEAD + "a\0,b,1,sent\n", "line 2"),
        (b"\xff\xfe\x00", "cannot be read as UTF-8"),
    ],
)
def test_a_file_that_makes_no_sense_is_one_sentence_with_its_line(
    environment: dict[str, str], tmp_path: Path, text: str | bytes, words: str
) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    said = sentence(environment, "reconcile", "--day", "2026-01-14", "--from", str(file))
    assert words in said and "a.csv" in said


@pytest.mark.parametrize(
    ("day", "words"),
    [("yesterday", "must be like"), ("2026-02-30", "must be like"), ("1900-01-01", "must be like"),
     ("2999-01-01", "is not over yet"), ("20260114", "must be like"), ("0001-01-01", "must be like")],
)  # fmt: skip
def test_a_day_that_cannot_be_meant_is_one_sentence(environment: dict[str, str], day: str, words: str) -> None:
    assert words in sentence(environment, "reconcile", "--day", day)


def test_a_gateway_without_an_account_asks_for_a_file(environment: dict[str, str]) -> None:
    assert "name the file with --from" in sentence(environment, "reconcile")


def asking(environment: dict[str, str], url: str) -> dict[str, str]:
    more = {"OKIENKO_SMS": "serwersms", "OKIENKO_SMS_TOKEN": "token", "OKIENKO_SMS_HOST": url}
    return environment | more


def test_the_gateways_account_is_asked_for(environment: dict[str, str]) -> None:
    with fake_gateway("serwersms") as fake:
        fake.take("stranger", "+48601234567", "kod 123456")
        fake.at = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)
        result = okienko(asking(environment, fake.url), "reconcile", "--day", "2026-01-14")
        assert (
            result.exit_code == 1
            and result.stdout.splitlines()[0] == "unknown left message=stranger gateway=gw-stranger"
        )
        fake.mode = "fault"
        assert "could not be had: status 502" in sentence(
            asking(environment, fake.url), "reconcile", "--day", "2026-01-14"
        )
    assert "601234567" not in result.output and "kod" not in result.output


def test_the_state_of_the_outbox_is_one_line(environment: dict[str, str]) -> None:
    assert okienko(environment, "seed").exit_code == 0
    result = okienko(environment, "sms-state")
    clean = "waiting 0, over five minutes 0, the oldest 0 s, unsure 0, lost 0, gateway takes messages"
    assert (result.exit_code, result.stdout.strip()) == (0, clean)
    database = Database(environment["OKIENKO_DATABASE_URL"])
    with database.writing() as connection:
        clinic_id, key = connection.execute(select(AppointmentRow.clinic_id, AppointmentRow.id)).first() or ("", "")
        store = OutboxStore(connection, operator_scope().at(clinic_id))
        store.add(key, "confirmation", "+48601234567", "numer", datetime(2026, 1, 14, tzinfo=UTC))
    result = okienko(environment, "sms-state")
    assert result.exit_code == 1 and result.stdout.startswith("waiting 1, over five minutes 1, the oldest ")
    with database.writing() as connection:
        connection.execute(update(SmsMessageRow).values(status="lost"))
    database.dispose()
    result = okienko(environment, "sms-state")
    assert result.exit_code == 1 and "waiting 0" in result.stdout and "lost 1" in result.stdout
    assert "601" not in result.output
