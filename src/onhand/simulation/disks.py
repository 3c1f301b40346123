"""Keeps simulated stores: in memory, or on a PostgreSQL server with ``onhand simulate --store postgresql://…``.

Path: ``world`` makes one for OnHand and one for each copy of it; ``program`` runs its transactions on it.
Promise: both can be full, be read as they are, and be restored to an older image; the same acts find the same rows in the same order.
Never: touches anything on the server but schemas that it made itself.
"""

from __future__ import annotations

import secrets
from contextlib import AbstractContextManager
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, create_engine, func, insert, select, text
from sqlalchemy.pool import StaticPool

from onhand.address import Server
from onhand.storage import office_tables  # noqa: F401 - its tables belong to the same metadata
from onhand.storage.engines import engine_of, translated
from onhand.storage.sqlite import translating
from onhand.storage.tables import metadata

if TYPE_CHECKING:
    from onhand.storage.postgresql import PostgreSQL  # its driver is an extra

Image = Any  # what a disk holds at one moment; only a disk of the same kind can read it


class Disk:
    """The store data file, in memory. It can be full, and it can be restored to an older copy."""

    def __init__(self) -> None:
        self.full = False
        self.commits = 0
        self.connection = _in_memory()
        self.put_back(_new_store())

    def image(self) -> Image:
        return bytes(driver_of(self.connection).serialize())

    def put_back(self, image: Image) -> None:
        # On a new connection: SQLite crashes if json_each was used on one before the database under it is replaced.
        self.connection.close()
        self.connection = _in_memory()
        driver_of(self.connection).deserialize(image)
        self.connection.exec_driver_sql("PRAGMA foreign_keys=ON")

    def translating(self) -> AbstractContextManager[None]:
        """Turn the exceptions of the database into OnHand's errors."""
        return translating()

    def close(self) -> None:
        self.connection.close()


class ServerDisk(Disk):
    """A store in a schema of its own on a PostgreSQL server, dropped in the end."""

    def __init__(self, server: Server) -> None:
        self.full = False
        self.commits = 0
        self._schema = f"onhand_simulated_{secrets.token_hex(6)}"
        sign = "&" if "?" in server.url else "?"
        own = Server(f"{server.url}{sign}options=-csearch_path%3D{self._schema}")
        self._engine = cast("PostgreSQL", engine_of(own))
        with translated(self._engine):
            self.connection = self._engine.writer()
            self.connection.exec_driver_sql(f"CREATE SCHEMA {self._schema}")
            self.connection.exec_driver_sql("SET synchronous_commit = off")  # nothing here has to survive
            metadata.create_all(self.connection)
            self._engine.sort_by_code_point(self.connection)

    def image(self) -> Image:
        rows = {
            table: [dict(row) for row in self.connection.execute(select(table)).mappings()]
            for table in metadata.sorted_tables
        }
        numbers = "SELECT sequencename, coalesce(last_value, 0) FROM pg_sequences WHERE schemaname = :schema"
        return rows, self.connection.execute(text(numbers), {"schema": self._schema}).all()

    def put_back(self, image: Image) -> None:
        rows, numbers = image
        for table in reversed(metadata.sorted_tables):
            self.connection.execute(table.delete())
        for table, held in rows.items():
            if held:
                self.connection.execute(insert(table), held)
        for name, last in numbers:
            self.connection.execute(select(func.setval(name, max(1, last), last > 0)))

    def translating(self) -> AbstractContextManager[None]:
        return translated(self._engine)

    def close(self) -> None:
        self.connection.exec_driver_sql("ROLLBACK")
        self.connection.exec_driver_sql(f"DROP SCHEMA {self._schema} CASCADE")
        self.connection.close()
        self._engine.close()


def _in_memory() -> Connection:
    # The days of trade in bench/rivals take turns in threads, one at a time.
    options = {"isolation_level": None, "check_same_thread": False}
    return create_engine("sqlite://", poolclass=StaticPool, connect_args=options).connect()


@cache
def _new_store() -> bytes:
    """Return an empty store; it is made once."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as connection:
        metadata.create_all(connection)
    with engine.connect() as connection:
        return bytes(driver_of(connection).serialize())


def driver_of(connection: Connection) -> Any:
    """Return the driver's own connection."""
    return connection.connection.driver_connection
