"""Opens a store and runs units of work on it.

Path: ``app`` opens a ``Database``; services give it units of work; it gives each the books of one transaction.
Promise: one thread writes, and what ``write`` returned is on disk. Several units waiting at once share one commit; each is still done
completely or undone on its own.
Never: lets a driver's exception out: it becomes one of ``domain.errors`` with its cause attached; knows which engine it runs on.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from onhand.address import Server, StoreAddress
from onhand.domain.errors import OnHandError, Refused, Retriable

from .books import SqlBooks
from .engines import FILE_TROUBLES, Engine, check_schema, engine_of, translated, writing
from .sqlite import translating
from .vault import Vault, beside, make_key

T = TypeVar("T")
GROUP_MAX = 256  # units of work in one commit
QUEUE_MAX = 10_000  # units that may wait; further callers get an error and can retry
TRIES_MAX = 3  # how often a group is run that the database undid only to let others go on

Unit = tuple[Callable[[SqlBooks], Any], Future[Any]]


class Database:
    """One store, open. Close it, or use it as a context manager."""

    def __init__(
        self,
        address: StoreAddress,
        on_news: Callable[[set[int]], None] = lambda _: None,
        key_file: Path | None = None,
        holder: str = "",
    ) -> None:
        """Open an existing store. Raise Refused if there is none or its schema differs. For the key file's place see ``vault.beside``.

        With a holder, nothing is written unless that process is known in the store.
        """
        self._engine: Engine = engine_of(address, holder)
        self._vault = Vault(key_file or beside(address))
        self.on_news = on_news
        self.version = 0  # grows with every commit that is known of, so that watchers know cheaply when to read again
        self.trouble = ""  # why the last commit failed, if the file or its disk was the reason
        self._units: queue.Queue[Unit | None] = queue.Queue(QUEUE_MAX)
        self._door = threading.Lock()
        self._closed = False
        try:
            self._engine.check()
            check_schema(self._engine)
        except BaseException:
            self._engine.close()
            raise
        self._thread = threading.Thread(target=self._write_loop, name="onhand-writer", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Finish waiting work and close the store."""
        with self._door:
            if not self._closed:
                self._closed = True
                self._units.put(None)
        self._thread.join()
        self._engine.close()

    def heard(self, number: int) -> None:
        """Note the number of the last commit, which may be another process's."""
        self.version = max(self.version, number)

    def facts(self) -> dict[str, Any]:
        """Return what the database server says of itself; nothing for a file."""
        return self._engine.facts()

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
        self._engine.check_place()
        with translated(self._engine), self._engine.reader() as connection:
            return unit(SqlBooks(connection, self._vault))

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
                self._engine.check_place()
                connection = self._begun(connection)
            except Exception as error:  # noqa: BLE001 - as in ``_run``
                failure = self._failed(error)
                for _, done in group:
                    done.set_exception(failure)
                connection = None
                continue
            if not self._write_group(connection, group):
                # The file may have been inaccessible when it was opened: a connection made then stays read-only.
                _discard(connection)
                connection = None
        if connection is not None:
            _discard(connection)

    def _begun(self, kept: Connection | None) -> Connection:
        """Return a connection with a transaction begun: the one kept from before, unless it was cut meanwhile."""
        connection = kept or self._engine.writer()
        driver = _driver(connection)
        try:
            self._engine.begin(driver)
        except BaseException:
            _discard(connection)
            if kept is not None and self._engine.is_lost(driver):
                return self._begun(None)
            raise
        return connection

    def _write_group(self, connection: Connection, group: list[Unit], tries: int = 1) -> bool:
        """Commit a group of units in the transaction that has begun. Return False if the connection is not to be used again."""
        finished: list[tuple[Future[Any], Any]] = []
        news: set[int] = set()
        engine, driver = self._engine, _driver(connection)
        try:
            usable = self._run(connection, group, finished, news)
            if usable is None:
                engine.commit(driver)
        except Exception as error:  # noqa: BLE001 - as in ``_run``
            # The commit itself failed, or the transaction is gone (a full disk rolls it back): no unit was saved.
            left = [(unit, done) for unit, done in group if not done.done()]
            if engine.may_pass(error) and tries < TRIES_MAX:
                engine.roll_back(driver)
                engine.begin(driver)
                return self._write_group(connection, left, tries + 1)
            failure = self._failed(error)
            for _, done in left:
                done.set_exception(failure)
            return False
        if usable is not None:
            return usable
        self.version = engine.number(self.version)
        self.trouble = ""
        if news:
            self.on_news(news)
        for done, result in finished:
            done.set_result(result)
        return True

    def _run(
        self, connection: Connection, group: list[Unit], finished: list[tuple[Future[Any], Any]], news: set[int]
    ) -> bool | None:
        """Run units, each with a savepoint, so that a failing unit undoes only itself.

        Return None if there is something to commit; otherwise all is undone, and the answer is whether the connection can be used again.
        """
        alone = len(group) == 1
        engine, driver = self._engine, _driver(connection)
        for unit, done in group:
            books = SqlBooks(connection, self._vault)
            if not alone:
                driver.execute("SAVEPOINT unit")
            try:
                result = unit(books)
            except Exception as error:
                if engine.may_pass(error):
                    raise
                done.set_exception(self._failed(error))
                if alone:
                    engine.roll_back(driver)
                    return not isinstance(error, (DBAPIError, *engine.errors))
                if not engine.is_open(driver):
                    raise  # everything was undone, not only this unit: all callers get the same error
                driver.execute("ROLLBACK TO unit")
            else:
                finished.append((done, result))
                news |= books.news
            if not alone:
                driver.execute("RELEASE unit")
        return None

    def _failed(self, error: BaseException) -> BaseException:
        """Return OnHand's error, and remember it if the store or its disk is the reason."""
        named = self._engine.named(error)
        if isinstance(named, OnHandError) and named.facts.get("reason") in FILE_TROUBLES:
            self.trouble = named.message
        return named


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _discard(connection: Connection) -> None:
    """Close a connection and what its driver keeps of it, whatever state it is in."""
    connection.invalidate()
    connection.close()


def create(address: StoreAddress, key_file: Path | None = None) -> None:
    """Create a store, and its key file unless there is one. Raise Refused if there is one already."""
    keys = key_file or beside(address)
    if isinstance(address, Server):
        _create_on_server(address, keys)
        return
    if address.exists():
        raise Refused(f"{address} already exists: nothing was changed.", path=str(address))
    real = address.resolve()
    draft = real.with_name(f"{real.name}.new")  # a program that is killed must not leave half a store behind
    with translating():
        address.parent.mkdir(parents=True, exist_ok=True)
        _delete(draft)
        draft.touch(mode=0o600)  # it holds the carts' secrets, sealed, and the people's passwords, hashed
    try:
        engine = engine_of(draft)
        try:
            with translated(engine):
                engine.migrate()
                make_key(keys)
        finally:
            engine.close()  # the last connection takes SQLite's own files along
        with translating():
            draft.rename(real)
    finally:
        _delete(draft)


def _delete(store: Path) -> None:
    """Delete a file and SQLite's own files beside it, as far as they are there."""
    for suffix in ("", "-wal", "-shm"):
        store.with_name(store.name + suffix).unlink(missing_ok=True)


def _create_on_server(server: Server, keys: Path) -> None:
    """Make the tables in an empty database. The key file comes first: it is easily taken away again, a schema is not."""
    engine = engine_of(server)
    new = not keys.exists()
    try:
        with translated(engine):
            engine.check()
            engine.check_empty()
            make_key(keys)
            try:
                engine.migrate()
            except BaseException:
                if new:
                    keys.unlink(missing_ok=True)
                raise
    finally:
        engine.close()


def upgrade(address: StoreAddress) -> tuple[str, str]:
    """Upgrade a store to this version's schema and return the old and new revision. Raise Refused if it is not a store."""
    engine = engine_of(address)
    try:
        with translated(engine):
            engine.check()
            before = engine.revision()
            if before is None:
                raise Refused(engine.missing, store=str(address))
            return before, engine.migrate()
    finally:
        engine.close()


def reseal(address: StoreAddress, key_file: Path | None = None, fresh: bool = False) -> int:
    """Seal all secrets with the newest key; with ``fresh``, make a new key first. Return how many secrets no key opens."""
    keys = key_file or beside(address)
    engine = engine_of(address)
    try:
        with translated(engine):
            make_key(keys, fresh)
            with writing(engine) as connection:
                locked = Vault(keys).reseal(connection)
    finally:
        engine.close()
    return locked
