"""Keeps a store in one SQLite file, in WAL mode with ``synchronous=FULL``.

Path: ``engines`` chooses it for a path; ``database`` runs units of work on it.
Promise: what is committed is on the disk; one connection writes at a time.
Never: works on a file that is no longer the one at its path.

One process owns a file for writing (see ``lock``), for two reasons: several writing processes gain nothing and starve each other, and
SQLite before 3.51.3 can corrupt a WAL file when two connections write and checkpoint at the same instant.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy import Engine as Pool
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, QueuePool

from onhand.domain.errors import Broken, OnHandError, Permanent, Refused, Retriable

from .engines import BUSY_SECONDS, READERS, migrated, revision_of, run_migrations, translated


class SQLite:
    """A store data file."""

    errors: tuple[type[Exception], ...] = (sqlite3.Error,)
    missing = "This file is not a store data file: create one with `onhand init`."
    holder = ""  # the file itself is locked

    def __init__(self, path: Path) -> None:
        """Prepare to open a file. Raise Refused if there is none."""
        if not path.exists():
            raise Refused(f"There is no store data file {path}: create one with `onhand init`.", path=str(path))
        self.path = path.resolve()  # SQLite's own files are beside the file, not beside a symbolic link to it
        self._identity = _identity_of(self.path)
        self._writers = _pool(self.path, NullPool)
        self._readers = _pool(self.path, QueuePool, pool_size=READERS, max_overflow=READERS)

    def check(self) -> None:
        """Accept any file: its schema tells whether it is a store."""

    def facts(self) -> dict[str, Any]:
        return {}

    def check_place(self) -> None:
        try:
            there = _identity_of(self.path)
        except OSError:
            there = None
        if there != self._identity:
            raise Permanent(
                f"{self.path} was moved or replaced while OnHand was using it, so nothing is read or written: restart OnHand.",
                reason="replaced",
                path=str(self.path),
            )

    def writer(self) -> Connection:
        return self._writers.connect()

    def reader(self) -> Connection:
        connection = self._readers.connect()
        driver: Any = (
            connection.connection.driver_connection
        )  # SQLAlchemy's way costs ten times as much as the statement
        driver.execute("BEGIN")
        return connection

    def begin(self, driver: Any) -> None:
        driver.execute("BEGIN IMMEDIATE")

    def commit(self, driver: Any) -> None:
        driver.execute("COMMIT")

    def number(self, before: int) -> int:
        return before + 1

    def roll_back(self, driver: Any) -> None:
        if driver.in_transaction:
            driver.execute("ROLLBACK")

    def is_open(self, driver: Any) -> bool:
        return bool(driver.in_transaction)  # a full disk undoes everything, not only one unit

    def is_lost(self, driver: Any) -> bool:  # noqa: ARG002 - as all engines
        return False

    def may_pass(self, error: BaseException) -> bool:  # noqa: ARG002 - as all engines
        return False

    def named(self, error: BaseException) -> BaseException:
        return named(error)

    def check_empty(self) -> None:
        """Accept the file: ``create`` has just made it."""

    def migrate(self) -> str:
        with translated(self), self._writers.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            run_migrations(connection)
            connection.commit()
        return migrated(self)

    def revision(self) -> str | None:
        with translated(self), self._readers.connect() as connection:
            return revision_of(connection)

    def close(self) -> None:
        self._readers.dispose()
        self._writers.dispose()


def _identity_of(path: Path) -> tuple[int, int]:
    """Return the device and inode of the file at a path."""
    found = path.stat()
    return found.st_dev, found.st_ino


def _pool(path: Path, pool: type[NullPool | QueuePool], **options: Any) -> Pool:
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=pool,
        hide_parameters=True,  # a statement that fails is logged, and hashes and sealed secrets are among its values
        # No isolation level: the driver never begins a transaction; every BEGIN is ours.
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False, "isolation_level": None},
        **options,
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        if pool is QueuePool:
            connection.execute("PRAGMA query_only=ON")

    return engine


# The meaning of a driver's messages; the first match counts.
_TROUBLES: tuple[tuple[tuple[str, ...], Callable[[str], OnHandError]], ...] = (
    (
        ("full", "No space"),
        lambda _: Retriable("The disk is full: free some space. Nothing was lost.", reason="disk_full"),
    ),
    (
        ("readonly", "read-only", "Permission denied", "unable to open"),
        lambda text: Permanent(
            f"The store data file cannot be written ({text}): give this user permission to write it.",
            reason="read_only",
        ),
    ),
    (
        ("locked", "busy"),
        lambda _: Retriable(
            "Another program has locked the store data file: try again, or stop that program.", reason="locked"
        ),
    ),
    (
        ("not a database",),
        lambda _: Refused("This file is not a store data file: create one with `onhand init`."),
    ),
    (
        (
            "disk I/O",
        ),  # a write failed, for want of room (a quota, a limit) or because the disk does: the file is whole
        lambda _: Retriable(
            "The store data file cannot be written now: free some space, or check its disk. Nothing was lost.",
            reason="disk",
        ),
    ),
    (
        ("malformed",),
        lambda text: Broken(f"The store data file is damaged ({text}): restore it from a backup.", reason="damaged"),
    ),
)


def named(error: BaseException) -> BaseException:
    """Return OnHand's error for a driver's exception; others unchanged."""
    if isinstance(error, OnHandError) or not isinstance(error, DBAPIError | sqlite3.Error | OSError):
        return error
    text = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    for words, make in _TROUBLES:
        if any(word in text for word in words):
            ours = make(text)
            break
    else:
        if isinstance(error, OSError):
            ours = Permanent(f"The store data file cannot be used: {text}.", reason="path")
        else:
            ours = Broken(f"The database refused a statement: {text}", reason="database")
    ours.__cause__ = error
    return ours


@contextmanager
def translating() -> Iterator[None]:
    """Turn the exceptions of SQLite and of the system into OnHand's errors."""
    try:
        yield
    except (DBAPIError, sqlite3.Error, OSError) as error:
        raise named(error) from error
