"""Transactions: real deadlocks are run again, writers on SQLite wait their turn, a failed one leaves nothing."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, update
from sqlalchemy.exc import DBAPIError, OperationalError

from okienko_server.storage.migrations import upgrade
from okienko_server.storage.session import WRITE_TRIES, Database, wal_is_safe
from okienko_server.storage.tables import ClinicRow
from tests.postgres import PostgresServer
from tests.storage.rows import add_clinic

PAIR = ("a", "b")


@pytest.fixture
def postgres(postgres_server: PostgresServer, request: pytest.FixtureRequest) -> Iterator[Database]:
    database = Database(postgres_server.create_database(f"locks_{abs(hash(request.node.name))}"))
    upgrade(database)
    yield database
    database.dispose()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'okienko.db'}")
    upgrade(database)
    yield database
    database.dispose()


def two_clinics(database: Database) -> None:
    for clinic in PAIR:
        database.write(lambda connection, clinic=clinic: add_clinic(connection, clinic))  # type: ignore[misc]


def raise_revision(connection: Connection, clinic: str) -> None:
    connection.execute(update(ClinicRow).where(ClinicRow.clinic_id == clinic).values(revision=ClinicRow.revision + 1))


def revisions(database: Database) -> list[int]:
    with database.reading() as connection:
        return list(connection.execute(select(ClinicRow.revision).order_by(ClinicRow.clinic_id)).scalars())


def test_a_broken_deadlock_runs_again_from_its_beginning(postgres: Database) -> None:
    two_clinics(postgres)
    both_hold_one, attempts = threading.Barrier(2), []

    def cross(order: tuple[str, ...]) -> None:
        mine: list[str] = []

        def work(connection: Connection) -> None:
            mine.append(order[0])
            raise_revision(connection, order[0])
            if len(mine) == 1:
                both_hold_one.wait()
            raise_revision(connection, order[1])

        postgres.write(work)
        attempts.extend(mine)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(cross, (PAIR, PAIR[::-1])))
    assert len(attempts) == 3
    assert revisions(postgres) == [3, 3]


def test_the_same_deadlock_without_the_retry_is_an_error(postgres: Database) -> None:
    two_clinics(postgres)
    both_hold_one = threading.Barrier(2)

    def cross(order: tuple[str, ...]) -> str:
        try:
            with postgres.writing() as connection:
                raise_revision(connection, order[0])
                both_hold_one.wait()
                raise_revision(connection, order[1])
        except DBAPIError as error:
            return str(getattr(error.orig, "sqlstate", ""))
        return "committed"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(cross, (PAIR, PAIR[::-1]))) == ["40P01", "committed"]
    assert revisions(postgres) == [2, 2]


def test_a_lost_link_is_taken_up_again(postgres: Database) -> None:
    two_clinics(postgres)
    attempts = []

    def work(connection: Connection) -> None:
        attempts.append(1)
        if len(attempts) == 1:
            me = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            with postgres.reading() as other:
                other.exec_driver_sql("SELECT pg_terminate_backend(%s)", (me,))
        raise_revision(connection, "a")

    postgres.write(work)
    assert len(attempts) == 2 and revisions(postgres) == [2, 1]


def test_a_dead_link_in_the_pool_is_replaced_for_a_reader(postgres: Database) -> None:
    two_clinics(postgres)
    assert revisions(postgres) == [1, 1]
    with postgres.writing() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
    assert postgres.read(lambda connection: connection.execute(select(ClinicRow.revision)).scalars().all()) == [1, 1]


def test_a_write_gives_up_after_its_last_try(postgres: Database) -> None:
    two_clinics(postgres)
    attempts = []

    def work(connection: Connection) -> None:
        attempts.append(1)
        raise_revision(connection, "a")
        connection.exec_driver_sql("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$")

    with pytest.raises(DBAPIError, match="again"):
        postgres.write(work)
    assert len(attempts) == WRITE_TRIES and revisions(postgres) == [1, 1]


def test_an_ordinary_error_is_not_tried_again_and_leaves_nothing(database: Database) -> None:
    two_clinics(database)
    attempts = []

    def work(connection: Connection) -> None:
        attempts.append(1)
        raise_revision(connection, "a")
        connection.exec_driver_sql("SELECT nothing FROM nowhere")

    with pytest.raises(DBAPIError):
        database.write(work)
    assert len(attempts) == 1 and revisions(database) == [1, 1]


def test_a_reader_sees_what_was_committed_just_before(database: Database) -> None:
    two_clinics(database)
    with database.reading() as reader:
        look = select(ClinicRow.revision).where(ClinicRow.clinic_id == "a")
        assert reader.execute(look).scalar() == 1
        database.write(lambda connection: raise_revision(connection, "a"))
        assert reader.execute(look).scalar() == 2


def test_writers_that_read_first_wait_their_turn_on_sqlite(sqlite: Database) -> None:
    two_clinics(sqlite)

    def read_then_write(connection: Connection) -> None:
        seen = connection.execute(select(ClinicRow.revision).where(ClinicRow.clinic_id == "a")).scalar_one()
        connection.execute(update(ClinicRow).where(ClinicRow.clinic_id == "a").values(revision=seen + 1))

    def hand(_: int) -> None:
        for _ in range(25):
            sqlite.write(read_then_write)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(hand, range(4)))
    assert revisions(sqlite) == [101, 1]


def test_a_deferred_transaction_that_reads_first_would_fail_on_sqlite(sqlite: Database) -> None:
    two_clinics(sqlite)
    with sqlite.reading() as deferred:
        deferred.exec_driver_sql("BEGIN")
        deferred.execute(select(ClinicRow.revision)).all()
        other = sqlite3.connect(sqlite.url.database or "", timeout=0, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        deferred.exec_driver_sql("PRAGMA busy_timeout = 0")
        with pytest.raises(OperationalError, match="locked"):
            raise_revision(deferred, "a")
        other.close()
        deferred.exec_driver_sql("ROLLBACK")
        deferred.invalidate()


def test_a_write_transaction_on_sqlite_begins_with_the_write_lock(sqlite: Database) -> None:
    with sqlite.writing() as connection:
        connection.execute(select(ClinicRow.revision)).all()
        other = sqlite3.connect(sqlite.url.database or "", timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()


def test_a_reading_connection_on_sqlite_takes_no_lock(sqlite: Database) -> None:
    two_clinics(sqlite)
    with sqlite.reading() as connection:
        connection.execute(select(ClinicRow.revision)).all()
        sqlite.write(lambda writer: raise_revision(writer, "a"))


def test_sqlite_keeps_foreign_keys_and_a_journal_that_its_version_is_safe_with(sqlite: Database) -> None:
    with sqlite.reading() as connection:
        asked = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("foreign_keys", "synchronous", "journal_mode")
        }
    journal = "wal" if wal_is_safe(sqlite3.sqlite_version_info) else "truncate"
    assert asked == {"foreign_keys": 1, "synchronous": 2, "journal_mode": journal}


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False), ((3, 44, 5), False), ((3, 44, 6), True), ((3, 44, 7), True), ((3, 45, 0), False),
        ((3, 49, 9), False), ((3, 50, 6), False), ((3, 50, 7), True), ((3, 51, 0), False), ((3, 51, 2), False),
        ((3, 51, 3), True), ((3, 52, 0), True), ((4, 0, 0), True),
    ],
)  # fmt: skip
def test_wal_is_used_only_by_versions_without_the_reset_race(version: tuple[int, int, int], safe: bool) -> None:
    assert wal_is_safe(version) is safe


def test_a_database_that_cannot_be_reached_says_so(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'no' / 'folder' / 'okienko.db'}")
    with pytest.raises(OperationalError):
        database.write(lambda connection: None)
    database.dispose()
