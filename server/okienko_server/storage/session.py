"""The database: short write transactions, autocommitted reads, and the retry that distributed engines ask for."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

T = TypeVar("T")
WRITE_TRIES = 5
BUSY_SECONDS = 30
RECYCLED_AFTER = 3600
"""Seconds a connection to SQLite is used."""
SAMPLE = 400
"""Rows of each index looked at: so it takes milliseconds whatever the size."""
STATEMENTS_KEPT = 500
"""Prepared statements a connection keeps: more than the house has."""
_RETRY_STATES = frozenset({"40001", "40P01"})
"""Serialization failure and deadlock (PostgreSQL appendix A): the transaction did nothing and may run again."""


def wal_is_safe(version: tuple[int, int, int]) -> bool:
    """Return whether this SQLite has the fix of the WAL-reset race (sqlite.org/wal.html#walresetbug)."""
    return (
        version >= (3, 51, 3)
        or (version[:2] == (3, 50) and version[2] >= 7)
        or (version[:2] == (3, 44) and version[2] >= 6)
    )


class Database:
    """One database by URL. `reading()` gives a connection that commits by itself, `writing()` one transaction."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self._reader = self._writer = _sqlite_engine(url)
        else:
            driver = self.url.set(drivername="postgresql+psycopg")
            self._writer = create_engine(driver, pool_size=pool_size, max_overflow=2, hide_parameters=True)
            self._reader = create_engine(
                driver,
                pool_size=pool_size,
                max_overflow=2,
                isolation_level="AUTOCOMMIT",
                pool_reset_on_return=None,
                hide_parameters=True,
            )
            for engine in (self._writer, self._reader):
                event.listen(engine, "connect", _plan_once)
            # Not the writer: its driver forgets what is prepared at every rollback.
            event.listen(self._reader, "connect", _prepare_at_once)

    @property
    def engine(self) -> Engine:
        """The engine of write transactions, for migrations and tests."""
        return self._writer

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for reads; every statement sees what was committed before it began."""
        with self._reader.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One write transaction, committed at the end of the block; on SQLite it takes the write lock at its beginning."""
        with self._writer.connect() as raw:
            connection = raw.execution_options(okienko_write=True) if self.is_sqlite else raw
            with connection.begin():
                yield connection

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a write transaction; again, from its beginning, when the database broke a deadlock or lost its link."""
        for last in (False,) * (WRITE_TRIES - 1) + (True,):
            try:
                with self.writing() as connection:
                    return work(connection)
            except DBAPIError as error:
                if last or not _may_run_again(error):
                    raise
        raise AssertionError("unreachable")

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on a reading connection; once more when the link to the database had died meanwhile."""
        try:
            with self.reading() as connection:
                return work(connection)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        with self.reading() as connection:
            return work(connection)

    def tidy(self) -> None:
        """Let SQLite look at a sample of its tables and plan by what they hold now; PostgreSQL does that by itself."""
        if self.is_sqlite:
            with self.reading() as connection:
                connection.exec_driver_sql(f"PRAGMA analysis_limit={SAMPLE}")
                connection.exec_driver_sql("ANALYZE")

    def dispose(self) -> None:
        """Close every pooled connection; also needed after a fork."""
        self._reader.dispose()
        self._writer.dispose()


def _may_run_again(error: DBAPIError) -> bool:
    return error.connection_invalidated or getattr(error.orig, "sqlstate", None) in _RETRY_STATES


def _plan_once(dbapi: Any, _record: Any) -> None:
    """Plan each statement once: every one of ours looks up by key, and planning took as long as running it."""
    dbapi.prepared_max = STATEMENTS_KEPT
    dbapi.execute("SET plan_cache_mode = force_generic_plan")
    # Joins are written in the order they are to be made: looking for a better one took the search's plan from 1 ms to 90.
    dbapi.execute("SET join_collapse_limit = 1")
    dbapi.commit()


def _prepare_at_once(dbapi: Any, _record: Any) -> None:
    dbapi.prepare_threshold = 0


def _sqlite_engine(url: str) -> Engine:
    # A connection goes on planning by what it read when it was opened, whatever was counted since.
    engine = create_engine(
        url, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True, pool_recycle=RECYCLED_AFTER
    )
    journal = "WAL" if wal_is_safe(sqlite3.sqlite_version_info) else "TRUNCATE"

    @event.listens_for(engine, "connect")
    def configure(dbapi: Any, _record: Any) -> None:
        dbapi.isolation_level = None
        cursor = dbapi.cursor()
        for pragma in (
            f"journal_mode={journal}",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_SECONDS * 1000}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A deferred transaction that reads before it writes fails at once instead of waiting its turn.
        if connection.get_execution_options().get("okienko_write"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
