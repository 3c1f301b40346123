"""Opens a store data file and runs units of work on it.

Path: ``app`` opens a ``Database``; services give it units of work; it gives each the books of one transaction.
Promise: one thread writes, and what ``write`` returned is on disk (WAL, synchronous=FULL). Several units waiting at once
share one commit; each is still done completely or undone on its own.
Never: lets a driver's exception out: it becomes one of ``domain.errors`` with its cause attached; works on a file that is no longer
the one at its path.

One process owns a file for writing (see ``lock``), for two reasons: several writing processes gain nothing and starve each other, and
SQLite before 3.51.3 can corrupt a WAL file when two connections write and checkpoint at the same instant.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, QueuePool

from onhand.domain.errors import Broken, OnHandError, Permanent, Refused, Retriable

from .books import SqlBooks
from .vault import Vault, beside, make_key

T = TypeVar("T")
GROUP_MAX = 256  # units of work in one commit
QUEUE_MAX = 10_000  # units that may wait; further callers get an error and can retry
BUSY_SECONDS = 5.0
READERS = 8  # connections kept for reading
FILE_TROUBLES = {
    "disk_full",
    "disk",
    "read_only",
    "locked",
    "replaced",
    "damaged",
}  # shown on every page while the problem lasts


class Database:
    """One store data file, open. Close it, or use it as a context manager."""

    def __init__(
        self, path: Path, on_news: Callable[[set[int]], None] = lambda _: None, key_file: Path | None = None
    ) -> None:
        """Open an existing file. Raise Refused if there is none or its schema differs. The key file is beside it by default."""
        if not path.exists():
            raise Refused(f"There is no store data file {path}: create one with `onhand init`.", path=str(path))
        self.path = path.resolve()  # SQLite's own files are beside the file, not beside a symbolic link to it
        self._identity = _identity_of(self.path)
        self._vault = Vault(key_file or beside(path))
        self.on_news = on_news
        self.version = 0  # grows with every commit, so that watchers know cheaply when to read again
        self.trouble = ""  # why the last commit failed, if the file or its disk was the reason
        self._writer_engine = _engine(self.path, NullPool)
        self._reader_engine = _engine(self.path, QueuePool, pool_size=READERS, max_overflow=READERS)
        self._units: queue.Queue[tuple[Callable[[SqlBooks], Any], Future[Any]] | None] = queue.Queue(QUEUE_MAX)
        self._door = threading.Lock()
        self._closed = False
        check_schema(self._reader_engine)
        self._thread = threading.Thread(target=self._write_loop, name="onhand-writer", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Finish waiting work and close the file."""
        with self._door:
            if not self._closed:
                self._closed = True
                self._units.put(None)
        self._thread.join()
        self._reader_engine.dispose()
        self._writer_engine.dispose()

    def write(self, unit: Callable[[SqlBooks], T]) -> T:
        """Run a unit of work and commit it durably. An exception undoes this unit only."""
        done: Future[T] = Future()
        # Nothing may be queued after the last unit: it would never be done, and its caller would wait forever.
        with self._door:
            if self._closed:
                raise Retriable("OnHand is shutting down: try again when it has restarted.", reason="closed")
            try:
                self._units.put_nowait((unit, done))
            except queue.Full:
                raise Retriable(
                    "Too much work is waiting for the database: try again in a moment.", reason="busy"
                ) from None
        return done.result()

    def read(self, unit: Callable[[SqlBooks], T]) -> T:
        """Run a read on one snapshot."""
        self._check_place()
        with translated(), self._reader_engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            return unit(SqlBooks(connection, self._vault))

    def _check_place(self) -> None:
        """Raise Permanent if the file is no longer at its path: writes would be lost, and new connections would open another file."""
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

    def _write_loop(self) -> None:
        connection: Connection | None = None
        while (first := self._units.get()) is not None:
            group = [first]
            while len(group) < GROUP_MAX:
                try:
                    following = self._units.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    self._units.put(None)
                    break
                group.append(following)
            try:
                self._check_place()
                connection = connection or self._writer_engine.connect()
            except (DBAPIError, OnHandError) as error:
                failure = self._failed(error)
                for _, done in group:
                    done.set_exception(failure)
                continue
            if not self._write_group(connection, group):
                # The file may have been inaccessible when it was opened: a connection made then stays read-only.
                connection.close()
                connection = None
        if connection is not None:
            connection.close()

    def _write_group(self, connection: Connection, group: list[tuple[Callable[[SqlBooks], Any], Future[Any]]]) -> bool:
        """Commit a group of units, each with a savepoint, so that a failing unit undoes only itself. Return False if the file failed."""
        finished: list[tuple[Future[Any], Any]] = []
        news: set[int] = set()
        alone = len(group) == 1
        driver: Any = connection.connection.driver_connection
        try:
            driver.execute("BEGIN IMMEDIATE")
            for unit, done in group:
                books = SqlBooks(connection, self._vault)
                if not alone:
                    driver.execute("SAVEPOINT unit")
                try:
                    result = unit(books)
                except Exception as error:
                    done.set_exception(self._failed(error))
                    if alone:
                        _roll_back(connection)
                        return not isinstance(error, DBAPIError | sqlite3.Error)
                    if not driver.in_transaction:
                        raise  # a full disk undid everything, not only this unit: all callers get the same error
                    driver.execute("ROLLBACK TO unit")
                else:
                    finished.append((done, result))
                    news |= books.news
                if not alone:
                    driver.execute("RELEASE unit")
            driver.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - as above
            # The commit itself failed, or the transaction is gone (a full disk rolls it back): no unit was saved.
            _roll_back(connection)
            failure = self._failed(error)
            for _, done in group:
                if not done.done():
                    done.set_exception(failure)
            return False
        self.version += 1
        self.trouble = ""
        if news:
            self.on_news(news)
        for done, result in finished:
            done.set_result(result)
        return True

    def _failed(self, error: BaseException) -> BaseException:
        """Return OnHand's error, and remember it if the file or its disk is the reason."""
        named = _named(error)
        if isinstance(named, OnHandError) and named.facts.get("reason") in FILE_TROUBLES:
            self.trouble = named.message
        return named


def _identity_of(path: Path) -> tuple[int, int]:
    """Return the device and inode of the file at a path."""
    found = path.stat()
    return found.st_dev, found.st_ino


def _roll_back(connection: Connection) -> None:
    """Undo the open transaction, unless the failure has already ended it."""
    driver: Any = connection.connection.dbapi_connection
    if driver.in_transaction:
        connection.exec_driver_sql("ROLLBACK")


def create(path: Path, key_file: Path | None = None) -> None:
    """Create a store data file, and its key file unless there is one. Raise Refused if the file exists."""
    if path.exists():
        raise Refused(f"{path} already exists: nothing was changed.", path=str(path))
    with translated():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)  # it holds the carts' secrets, sealed, and the people's passwords, hashed
    try:
        _migrate(path)
        with translated():
            make_key(key_file or beside(path))
    except OnHandError:
        path.unlink()  # a full disk must not leave half a store behind
        raise


def upgrade(path: Path) -> tuple[str, str]:
    """Upgrade a file to this version's schema and return the old and new revision. Raise Refused if it is not a store data file."""
    if not path.exists():
        raise Refused(f"There is no store data file {path}: create one with `onhand init`.", path=str(path))
    engine = _engine(path, NullPool)
    with translated():
        before = _revision(engine)
    engine.dispose()
    if before is None:
        raise Refused("This file is not a store data file: create one with `onhand init`.", path=str(path))
    try:
        return before, _migrate(path)
    except CommandError as error:
        raise Refused(
            f"The store data file has schema {before}, which this version does not know: use the OnHand that created it, or a newer one.",
            found=before,
        ) from error


def reseal(path: Path, key_file: Path | None = None, fresh: bool = False) -> int:
    """Seal all secrets with the newest key; with ``fresh``, make a new key first. Return how many secrets no key opens."""
    keys = key_file or beside(path)
    engine = _engine(path, NullPool)
    with translated():
        make_key(keys, fresh)
        with engine.begin() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            locked = Vault(keys).reseal(connection)
            connection.exec_driver_sql("COMMIT")
    engine.dispose()
    return locked


def _migrate(path: Path) -> str:
    """Run the missing migrations and return the new revision."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    engine = _engine(path, NullPool)
    with translated(), engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
    with translated():
        after = _revision(engine)
    engine.dispose()
    if after is None:
        raise Broken("The schema could not be created.", path=str(path))
    return after


def check_schema(engine: Engine) -> None:
    """Raise Refused if the file is not a store data file with exactly this version's schema."""
    head = ScriptDirectory(str(Path(__file__).parent / "migrations")).get_current_head()
    with translated():
        found = _revision(engine)
    if found is None:
        raise Refused("This file is not a store data file: create one with `onhand init`.")
    if found != head:
        raise Refused(
            f"The store data file has schema {found}, this program needs {head}: copy the file, then run `onhand init --upgrade`.",
            found=found,
            needed=head,
        )


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _engine(path: Path, pool: type[NullPool | QueuePool], **options: Any) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=pool,
        hide_parameters=True,  # a statement that fails is logged, and hashes and sealed secrets are among its values
        # No isolation level: the driver never begins a transaction; every BEGIN is below.
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


@contextmanager
def translated() -> Iterator[None]:
    """Turn a driver's exceptions into OnHand's errors."""
    try:
        yield
    except (DBAPIError, sqlite3.Error, OSError) as error:
        raise _named(error) from error


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


def _named(error: BaseException) -> BaseException:
    """Return OnHand's error for a driver's exception; others unchanged."""
    if isinstance(error, OnHandError) or not isinstance(error, DBAPIError | sqlite3.Error | OSError):
        return error
    text = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    for words, make in _TROUBLES:
        if any(word in text for word in words):
            named = make(text)
            break
    else:
        if isinstance(error, OSError):
            named = Permanent(f"The store data file cannot be used: {text}.", reason="path")
        else:
            named = Broken(f"The database refused a statement: {text}", reason="database")
    named.__cause__ = error
    return named
