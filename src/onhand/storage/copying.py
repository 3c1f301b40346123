"""Copies all rows of a store into another one, on either engine, and compares the two.

Path: ``onhand.moving`` → one snapshot of the source, one transaction of the target for each batch → ``digest_of`` on both sides.
Promise: every table and column of the schema is copied, without a list of them; a copy that was cut off continues after its last row, and
only if all rows before it are still those of the source. Memory is bounded by one batch.
Never: copies what says something of one store only: its moves, and what its processes share while they run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    String,
    Table,
    delete,
    false,
    func,
    literal,
    or_,
    select,
    tuple_,
)

from onhand.domain.errors import Broken, Refused

from .dialects import NUL, empty_at_once, last_number, number_on, pour
from .office_tables import commits, guesses, leases, moves, processes, uploads
from .tables import metadata

BATCH_ROWS = 2_000
INTEGER_MAX = 2**31 - 1  # of a column that is not 64 bits wide; SQLite stores larger numbers in it too
# Parents before children, so that no row is copied before the rows that it refers to.
OWN = {commits, guesses, leases, moves, processes, uploads}  # of each store
TABLES = [table for table in metadata.sorted_tables if table not in OWN]

Rows = Sequence[Sequence[Any]]
Report = Callable[[int], None]  # takes the number of rows done since the last report
Transaction = Callable[[], AbstractContextManager[None]]  # on the target's connection


class Differs(Exception):
    """The rows that were copied before are no longer those of the source."""


@dataclass(slots=True)
class Digest:
    """The number of rows of a table and a checksum of all of them, whatever their order."""

    rows: int = 0
    total: int = 0

    def add(self, rows: Rows) -> None:
        """Add rows. A NUL in a text counts as what PostgreSQL stores for it."""
        for row in rows:
            said = repr(tuple(row))
            if "\\x00" in said:
                said = repr(tuple(each.replace("\0", NUL) if isinstance(each, str) else each for each in row))
            hashed = blake2b(said.encode(), digest_size=16).digest()
            self.total = (self.total + int.from_bytes(hashed)) % 2**128
        self.rows += len(rows)


def count_rows(connection: Connection) -> dict[str, int]:
    """Return the number of rows of each table."""
    return {table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in TABLES}


def is_blank(connection: Connection) -> bool:
    """Return whether a store has no row at all, as ``onhand init`` makes it."""
    return all(connection.execute(select(literal(1)).select_from(table).limit(1)).first() is None for table in TABLES)


def empty(connection: Connection) -> None:
    """Delete all rows that a copy would have."""
    if not empty_at_once(connection, TABLES):
        for table in reversed(TABLES):
            connection.execute(delete(table))


def check_fits(connection: Connection) -> None:
    """Raise Refused if PostgreSQL's columns cannot hold a value. SQLite keeps longer texts and larger numbers than a column declares."""
    for table in TABLES:
        too_much = [found for column in table.columns if (found := _too_much(column)) is not None]
        row = connection.execute(select(*table.primary_key).where(or_(false(), *too_much)).limit(1)).first()
        if row is not None:
            key = ", ".join(map(str, row))
            raise Refused(
                f"A value in row {key} of the table {table.name} does not fit into a database on a server. Nothing was moved: report"
                " this, with that row.",
                reason="value",
                table=table.name,
                row=key,
            )


def _too_much(column: ColumnElement[Any]) -> ColumnElement[bool] | None:
    """Return the condition that a value is larger than its column declares, None if PostgreSQL's column holds all that SQLite's does."""
    found: ColumnElement[bool] | None = None
    if isinstance(column.type, Integer) and not isinstance(column.type, BigInteger):
        found = or_(column < -INTEGER_MAX - 1, column > INTEGER_MAX)
    elif isinstance(column.type, String) and column.type.length:
        found = func.length(column) > column.type.length
    return found


class Copy:
    """A copy of a source's snapshot that a target receives."""

    def __init__(self, source: Connection, target: Connection, transaction: Transaction, report: Report) -> None:
        self._source, self._target, self._transaction, self._report = source, target, transaction, report

    def fill(self) -> dict[str, Digest]:
        """Copy what is missing and return the digests of the source. Raise Differs if what is there already is something else."""
        digests = {}
        for table in TABLES:
            digests[table.name] = digest = self._continued(table)
            for rows in _batches(self._source, table, _last_key(self._target, table)):
                with self._transaction():
                    pour(self._target, table, rows)
                digest.add(rows)
                self._report(len(rows))
        with self._transaction():
            for table in TABLES:
                number_on(self._target, table, last_number(self._source, table))
        return digests

    def _continued(self, table: Table) -> Digest:
        """Return the digest of the rows that were copied before."""
        last = _last_key(self._target, table)
        there, here = Digest(), Digest()
        if last is not None:
            for rows in _batches(self._target, table):
                there.add(rows)
            for rows in _batches(self._source, table, until=last):
                here.add(rows)
                self._report(len(rows))
            if there != here:
                raise Differs
        return here


def check_equal(connection: Connection, digests: dict[str, Digest], report: Report) -> None:
    """Raise Broken if a table of this store has other rows than the digests say."""
    for table in TABLES:
        found = Digest()
        for rows in _batches(connection, table):
            found.add(rows)
            report(len(rows))
        if found != digests[table.name]:
            raise Broken(
                f"The copy of the table {table.name} differs from the original: report this. The original is unchanged and is"
                " still the store.",
                reason="copy",
                table=table.name,
            )


def _batches(
    connection: Connection, table: Table, after: Sequence[Any] | None = None, until: Sequence[Any] | None = None
) -> Iterator[Rows]:
    """Yield the rows of a table in the order of its key, from one key to another."""
    keys = list(table.primary_key)
    places = [list(table.columns).index(key) for key in keys]
    query = select(table).order_by(*keys).limit(BATCH_ROWS)
    if until is not None:
        query = query.where(_key_of(table) <= _values(table, until))
    while True:
        rows = connection.execute(query if after is None else query.where(_key_of(table) > _values(table, after))).all()
        if rows:
            yield rows
        if len(rows) < BATCH_ROWS:
            return
        after = [rows[-1][place] for place in places]


def _last_key(connection: Connection, table: Table) -> Sequence[Any] | None:
    keys = list(table.primary_key)
    return connection.execute(select(*keys).order_by(*(key.desc() for key in keys)).limit(1)).first()


def _key_of(table: Table) -> ColumnElement[Any]:
    return tuple_(*table.primary_key)


def _values(table: Table, values: Iterable[Any]) -> ColumnElement[Any]:
    return tuple_(*(literal(value, key.type) for key, value in zip(table.primary_key, values, strict=True)))
