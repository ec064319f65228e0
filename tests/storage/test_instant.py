"""Instants go in aware and come out aware UTC, on both engines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import StatementError

from okienko_server.storage.session import Database
from okienko_server.storage.tables import IdempotencyRow
from tests.storage.rows import add_clinic

WARSAW = ZoneInfo("Europe/Warsaw")


def kept(connection: Connection, moment: datetime) -> datetime:
    """Write an instant, read it back and take it away again."""
    connection.execute(
        insert(IdempotencyRow).values(clinic_id="klinika", key="k", request_sha256="", answer="", created_at=moment)
    )
    found = connection.execute(
        select(IdempotencyRow.created_at).where(IdempotencyRow.created_at == moment)
    ).scalar_one()
    connection.execute(IdempotencyRow.__table__.delete())  # type: ignore[attr-defined]
    return found


def test_a_naive_time_is_refused(database: Database) -> None:
    database.write(add_clinic)
    with pytest.raises(StatementError, match="naive"):
        database.write(lambda connection: kept(connection, datetime(2026, 11, 23, 8, 0)))  # noqa: DTZ001 - the point


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 11, 23, 8, 0, tzinfo=WARSAW),
        datetime(2026, 10, 25, 2, 30, tzinfo=WARSAW),
        datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=WARSAW),
        datetime(2026, 3, 29, 3, 0, tzinfo=WARSAW),
        datetime(2026, 11, 23, 8, 0, 0, 123456, tzinfo=timezone(timedelta(hours=-9, minutes=-30))),
        datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ],
)
def test_an_aware_time_comes_back_as_the_same_instant_in_utc(database: Database, moment: datetime) -> None:
    database.write(add_clinic)
    found = database.write(lambda connection: kept(connection, moment))
    assert found.tzinfo is UTC and found.timestamp() == moment.timestamp()


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.datetimes(timezones=st.sampled_from([UTC, WARSAW]), allow_imaginary=False), min_size=2, max_size=5))
def test_instants_stand_in_their_order_on_disk(database: Database, moments: list[datetime]) -> None:
    moments = [moment.replace(year=2000 + moment.year % 60) if (moment.month, moment.day) != (2, 29) else moment.replace(year=2024)
               for moment in moments]  # fmt: skip

    def work(connection: Connection) -> list[datetime]:
        connection.execute(IdempotencyRow.__table__.delete())  # type: ignore[attr-defined]
        if connection.exec_driver_sql("SELECT count(*) FROM clinic").scalar() == 0:
            add_clinic(connection)
        rows = [
            {"clinic_id": "klinika", "key": str(i), "request_sha256": "", "answer": "", "created_at": moment}
            for i, moment in enumerate(moments)
        ]
        connection.execute(insert(IdempotencyRow), rows)
        return list(connection.execute(select(IdempotencyRow.created_at).order_by(IdempotencyRow.created_at)).scalars())

    assert database.write(work) == sorted(moment.astimezone(UTC) for moment in moments)
