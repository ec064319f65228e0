"""The audit trail: what tampering with, deleting, reordering or cutting off a row looks like to whoever verifies it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import Connection, delete, select, update

from okienko_server.cli import main
from okienko_server.domain.audit import Act, AuditEntry, audit_key
from okienko_server.domain.errors import NotAllowed
from okienko_server.domain.scope import Scope
from okienko_server.operations.audit import Fault, read_audit, verify_audit
from okienko_server.operations.desk import Desk
from okienko_server.storage.tables import AuditHeadRow, AuditRow
from tests.conftest import MONDAY, PEPPER
from tests.storage.rows import add_clinic, staff_of

ROWS = 7
OWNER = staff_of("klinika")


@pytest.fixture
def trail(desk: Desk) -> Desk:
    """A trail of seven rows."""
    desk.database.write(add_clinic)
    desk.database.write(lambda connection: add_clinic(connection, "inna"))
    for n in range(ROWS):
        act(desk, OWNER, f"a{n}")
    act(desk, staff_of("inna"), "other")
    return desk


def act(desk: Desk, scope: Scope, object_id: str) -> None:
    desk.database.write(
        lambda connection: desk.note_act(connection, scope, Act.CONFIRM, "appointment", object_id, MONDAY)
    )


def faults(desk: Desk, anchor: tuple[int, str] | None = None) -> list[Fault]:
    return list(verify_audit(anchor, scope=OWNER, desk=desk).faults)


def damage(desk: Desk, work: Callable[[Connection], object]) -> list[Fault]:
    desk.database.write(work)
    return faults(desk)


HERE = AuditRow.clinic_id == "klinika"


def test_an_untouched_trail_has_no_fault_and_an_end_worth_keeping(trail: Desk) -> None:
    found = verify_audit(scope=OWNER, desk=trail)
    assert (found.faults, found.number, len(found.digest)) == ((), ROWS, 64)
    act(trail, OWNER, "later")
    assert faults(trail, (found.number, found.digest)) == []


@pytest.mark.parametrize("number", [1, 4, ROWS])
@pytest.mark.parametrize(
    "change",
    [{"staff_id": "somebody"}, {"action": "decline"}, {"object_id": "b"}, {"detail": "x"}, {"at": MONDAY - timedelta(seconds=1)},
     {"object_kind": "patient"}, {"digest": "0" * 64}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_a_changed_row_is_named(trail: Desk, number: int, change: dict[str, object]) -> None:
    found = damage(trail, lambda c: c.execute(update(AuditRow).where(HERE, AuditRow.number == number).values(**change)))
    assert Fault(number, "changed") in found
    # The row after a forged digest no longer follows it, and the head does not know it.
    assert {fault.number for fault in found} <= ({number, number + 1} if "digest" in change else {number})


@pytest.mark.parametrize("number", [1, 4])
def test_a_deleted_row_is_named_and_no_other(trail: Desk, number: int) -> None:
    found = damage(trail, lambda c: c.execute(delete(AuditRow).where(HERE, AuditRow.number == number)))
    assert found == [Fault(number, "missing")]


def test_the_newest_rows_cut_off_are_named(trail: Desk) -> None:
    found = damage(trail, lambda c: c.execute(delete(AuditRow).where(HERE, AuditRow.number > ROWS - 2)))
    assert found == [Fault(ROWS - 1, "cut_off"), Fault(ROWS, "cut_off")]


def test_two_rows_that_changed_places_are_named(trail: Desk) -> None:
    def swap(connection: Connection) -> None:
        for old, new in ((2, 100), (5, 2), (100, 5)):
            connection.execute(update(AuditRow).where(HERE, AuditRow.number == old).values(number=new))

    found = damage(trail, swap)
    assert {Fault(2, "changed"), Fault(5, "changed")} <= set(found)


def test_a_row_somebody_added_by_hand_is_named(trail: Desk) -> None:
    def forge(connection: Connection) -> None:
        last = connection.execute(select(AuditRow.__table__).where(HERE, AuditRow.number == ROWS)).one()
        entry = AuditEntry("klinika", ROWS + 1, MONDAY, "s1", "confirm", "appointment", "x", "")
        connection.execute(
            AuditRow.__table__.insert().values(  # type: ignore[attr-defined]
                clinic_id="klinika", number=ROWS + 1, at=MONDAY, staff_id="s1", action="confirm", object_kind="appointment",
                object_id="x", detail="", digest=entry.digest(b"guessed key", last.digest),
            )
        )  # fmt: skip

    assert {fault.number for fault in damage(trail, forge)} == {ROWS + 1}


def cut_with_the_head(connection: Connection) -> None:
    connection.execute(delete(AuditRow).where(HERE, AuditRow.number > 3))
    digest = connection.execute(select(AuditRow.digest).where(HERE, AuditRow.number == 3)).scalar()
    connection.execute(update(AuditHeadRow).where(AuditHeadRow.clinic_id == "klinika").values(number=3, digest=digest))


def test_a_trail_cut_off_together_with_its_head_needs_the_anchor(trail: Desk) -> None:
    end = verify_audit(scope=OWNER, desk=trail)
    assert damage(trail, cut_with_the_head) == [], (
        "without the anchor nothing contradicts it: that is why it is printed"
    )
    assert faults(trail, (end.number, end.digest)) == [Fault(ROWS, "cut_off")]


def test_without_the_key_in_the_digest_a_forger_could_mend_the_chain(
    trail: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: with a key the forger knows, a changed row and every digest after it put right is not found."""

    def mend(key: bytes) -> Callable[[Connection], None]:
        def work(connection: Connection) -> None:
            previous = ""
            for row in connection.execute(select(AuditRow.__table__).where(HERE).order_by(AuditRow.number)).all():
                staff = "forged" if row.number == 4 else row.staff_id
                entry = AuditEntry(
                    "klinika", row.number, row.at, staff, row.action, row.object_kind, row.object_id, row.detail
                )
                previous = entry.digest(key, previous)
                this = (HERE, AuditRow.number == row.number)
                connection.execute(update(AuditRow).where(*this).values(staff_id=staff, digest=previous))
            head = update(AuditHeadRow).where(AuditHeadRow.clinic_id == "klinika")
            connection.execute(head.values(digest=previous))

        return work

    assert len(damage(trail, mend(b"guessed"))) >= ROWS
    assert damage(trail, mend(audit_key(PEPPER))) == []


def test_acts_at_the_same_moment_stand_in_one_unbroken_row(trail: Desk) -> None:
    def many() -> None:
        for n in range(10):
            act(trail, OWNER, f"t{n}")

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = verify_audit(scope=OWNER, desk=trail)
    assert (found.faults, found.number) == ((), ROWS + 40)


def test_reading_the_trail_stands_in_the_trail(trail: Desk) -> None:
    read_audit(0, scope=OWNER, desk=trail, now=MONDAY)
    newest = read_audit(0, scope=OWNER, desk=trail, now=MONDAY)[0]
    assert (newest.entry.act, newest.entry.number) == ("read_audit", ROWS + 1)


@pytest.mark.parametrize("role", ["consultant", "therapist", "receptionist", "", "OWNER"])
def test_only_owner_and_administrator_read_it(trail: Desk, role: str) -> None:
    with pytest.raises(NotAllowed):
        read_audit(0, scope=staff_of("klinika", role, "anna"), desk=trail, now=MONDAY)


def test_the_command_names_the_row_and_fails(trail: Desk, database_url: str) -> None:
    runner, env = (
        CliRunner(),
        {"OKIENKO_ENV": "development", "OKIENKO_DATABASE_URL": database_url, "OKIENKO_PEPPER": PEPPER},
    )
    asked = ["audit", "verify", "--clinic", "klinika"]
    good = runner.invoke(main, asked, env=env)
    assert good.exit_code == 0 and f"{ROWS} rows" in good.output
    anchor = good.output.rsplit(" ", 1)[1].strip()
    assert runner.invoke(main, [*asked, "--anchor", anchor], env=env).exit_code == 0
    assert runner.invoke(main, [*asked, "--anchor", "x"], env=env).exit_code == 2
    assert runner.invoke(main, ["audit", "verify", "--clinic", "nie-ma"], env=env).exit_code == 2
    trail.database.write(lambda c: c.execute(update(AuditRow).where(HERE, AuditRow.number == 3).values(detail="x")))
    bad = runner.invoke(main, asked, env=env)
    assert (bad.exit_code, "Row 3 was changed" in bad.output) == (1, True)
