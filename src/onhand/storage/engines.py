"""Says what a database engine has to do for a store, and chooses the engine of an address.

Path: ``database`` runs units of work on an ``Engine``; ``sqlite`` and ``postgresql`` implement it.
Promise: all that differs between the two is behind this interface or in ``dialects``.
Never: imports a driver that the store does not need: PostgreSQL's is an extra.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from onhand.address import Server, StoreAddress
from onhand.domain.errors import Broken, OnHandError, Refused

from . import moves

READERS = 8  # connections kept for reading
BUSY_SECONDS = 5.0  # how long to wait for a lock that another connection has
MIGRATIONS = Path(__file__).parent / "migrations"
FILE_TROUBLES = {
    "disk_full",
    "disk",
    "read_only",
    "locked",
    "replaced",
    "damaged",
    "unreachable",
    "rights",
    "lost",
}  # shown on every page while the problem lasts


class Engine(Protocol):
    """One store, as its database engine opens it. A driver is the driver's own connection, in autocommit mode."""

    errors: tuple[type[Exception], ...]  # what the driver raises, bare or wrapped by SQLAlchemy
    missing: str  # the sentence for a store that is none
    holder: str  # the process that has to be known in the store to write to it; blank: anyone may

    def check(self) -> None:
        """Raise Refused or Permanent if the store cannot be used, whatever its schema."""

    def facts(self) -> dict[str, Any]:
        """Return what the database server says of itself; nothing for a file."""

    def check_place(self) -> None:
        """Raise Permanent if the store is no longer at its address."""

    def writer(self) -> Connection:
        """Open a connection for writing."""

    def reader(self) -> Connection:
        """Borrow a connection on one consistent snapshot. Closing it ends the snapshot."""

    def begin(self, driver: Any) -> None:
        """Begin a transaction that is the only one that writes to this store until it ends."""

    def commit(self, driver: Any) -> None:
        """Commit durably. When this raises, nothing was committed, or the error says that it is not known."""

    def number(self, before: int) -> int:
        """Return the number of the commit just made, by which all who use the store count; ``before``: the last one known."""

    def roll_back(self, driver: Any) -> None:
        """Undo the open transaction, unless the failure has already ended it."""

    def is_open(self, driver: Any) -> bool:
        """Return whether the transaction goes on after an error, so that a savepoint can be rolled back to."""

    def is_lost(self, driver: Any) -> bool:
        """Return whether the connection was cut, so that another one is needed."""

    def may_pass(self, error: BaseException) -> bool:
        """Return whether the same units may succeed at once, because the database undid them only to let others go on."""

    def named(self, error: BaseException) -> BaseException:
        """Return OnHand's error for a driver's exception; others unchanged."""

    def check_empty(self) -> None:
        """Raise Refused if a store cannot be created here, because something is there already."""

    def migrate(self) -> str:
        """Run the missing migrations, all or none, and return the new revision."""

    def revision(self) -> str | None:
        """Return the revision of the schema, None if there is none."""

    def close(self) -> None:
        """Close all connections."""


def engine_of(address: StoreAddress, holder: str = "") -> Engine:
    """Return the engine of a store. With a holder, it writes only while that process is known there. Raise Refused without a driver."""
    if isinstance(address, Server):
        try:
            from .postgresql import PostgreSQL  # noqa: PLC0415 - its driver is an extra
        except ImportError as error:
            raise Refused(
                "A store on PostgreSQL needs the driver psycopg: install it with `pip install 'onhand[postgresql]'`.",
                reason="driver",
            ) from error
        return PostgreSQL(address, holder)
    from .sqlite import SQLite  # noqa: PLC0415 - as the other one

    return SQLite(address)


def check_schema(engine: Engine) -> None:
    """Raise Refused if the store does not have exactly this version's schema, or is not to be used because of a move."""
    check_revision(engine)
    with translated(engine), engine.reader() as connection:
        moves.check_open(connection)


def check_revision(engine: Engine) -> None:
    """Raise Refused if the store does not have exactly this version's schema."""
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    found = engine.revision()
    if found is None:
        raise Refused(engine.missing)
    if found != head:
        raise Refused(
            f"The store has schema {found}, this program needs {head}: make a copy of it, then run `onhand init --upgrade`.",
            reason="schema",
            found=found,
            needed=head,
        )


def run_migrations(connection: Connection) -> None:
    """Bring the schema to this version's. Raise Refused for a revision that this version does not know."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        found = revision_of(connection)
        raise Refused(
            f"The store has schema {found}, which this version does not know: use the OnHand that created it, or a newer one.",
            found=found,
        ) from error


def revision_of(connection: Connection) -> str | None:
    """Return the revision of the schema, None if there is none."""
    return MigrationContext.configure(connection).get_current_revision()


def migrated(engine: Engine) -> str:
    """Return the revision after a migration. Raise Broken if there is none."""
    after = engine.revision()
    if after is None:
        raise Broken("The schema could not be created.")
    return after


@contextmanager
def translated(engine: Engine) -> Iterator[None]:
    """Turn the exceptions of an engine's driver into OnHand's errors."""
    try:
        yield
    except OnHandError:
        raise
    except Exception as error:
        named = engine.named(error)
        if named is error:
            raise
        raise named from error


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a connection for one transaction that writes: committed at the end, undone by an exception."""
    with translated(engine), engine.writer() as connection, transaction(engine, connection):
        yield connection


@contextmanager
def transaction(engine: Engine, connection: Connection) -> Iterator[None]:
    """Run a block in a transaction of a connection that writes: committed at the end, undone by an exception."""
    driver = connection.connection.driver_connection
    engine.begin(driver)
    try:
        yield
    except BaseException:
        engine.roll_back(driver)
        raise
    engine.commit(driver)
