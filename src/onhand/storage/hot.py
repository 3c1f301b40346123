"""Runs hot statements on the driver's cursor, compiled once for each engine.

Path: the books use it for the few statements that a profile named (``docs/measurements.md``); all others run the ordinary way.
Promise: the same SQLAlchemy statement on the same connection, in the same transaction; only the work around it is less.
Never: takes a statement whose text depends on its values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Delete, Insert, Select, Update
from sqlalchemy.exc import IntegrityError

from .dialects import INSERTS

Statement = Select[Any] | Insert | Update | Delete
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement as one engine's driver takes it."""

    text: str
    fixed: Values  # values that SQLAlchemy adds, such as the offset 0 of a limit
    bound: Callable[[Values], Any]  # the values, as the driver takes them
    names: Sequence[str]  # of the values, in order if the driver takes them by position
    positional: bool


class Hot:
    """A statement in which every value is a named parameter. Types are the driver's: whole numbers, texts, None."""

    def __init__(self, statement: Statement | Callable[[Any], Statement]) -> None:
        """A function gets the engine's own ``insert`` and returns a statement made with it."""
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, rows: Sequence[Values]) -> int:
        """Run the statement for each row of values; return how many rows it changed. Raise SQLAlchemy's IntegrityError."""
        how, driver = self._for(connection)
        cursor = driver.cursor()
        try:
            if len(rows) == 1:
                cursor.execute(how.text, how.bound(rows[0]))
            elif rows:
                cursor.executemany(how.text, [how.bound(row) for row in rows])
            return int(cursor.rowcount) if rows else 0
        except connection.dialect.dbapi.IntegrityError as error:  # type: ignore[union-attr]
            raise IntegrityError(how.text, None, error) from error
        finally:
            cursor.close()

    def fill(self, connection: Connection, columns: Mapping[str, Iterable[Any]], common: Values) -> None:
        """Run the statement for each row of the columns, with the same ``common`` values in all of them."""
        how, driver = self._for(connection)
        rows = zip(*(columns[name] if name in columns else repeat(common[name]) for name in how.names), strict=False)
        cursor = driver.cursor()
        try:
            cursor.executemany(
                how.text, rows if how.positional else [dict(zip(how.names, row, strict=True)) for row in rows]
            )
        finally:
            cursor.close()

    def rows(self, connection: Connection, values: Values) -> list[tuple[Any, ...]]:
        """Return the rows for these values."""
        how, driver = self._for(connection)
        found: list[tuple[Any, ...]] = driver.execute(how.text, how.bound({**how.fixed, **values})).fetchall()
        return found

    def _for(self, connection: Connection) -> tuple[_Compiled, Any]:
        """Return the statement for the connection's engine, and the driver's connection."""
        name = connection.dialect.name
        if name not in self._compiled:
            statement: Any = self._statement(INSERTS[name]) if callable(self._statement) else self._statement
            self._compiled[name] = _compiled(statement.compile(dialect=connection.dialect))
        return self._compiled[name], connection.connection.driver_connection


def _compiled(compiled: Any) -> _Compiled:
    if not compiled.positional:
        return _Compiled(str(compiled), compiled.params, dict, list(compiled.params), positional=False)
    names = compiled.positiontup
    # itemgetter returns a bare value for one name, and cannot be made for none.
    bound = itemgetter(*names) if len(names) > 1 else lambda values: tuple(values[name] for name in names)
    return _Compiled(str(compiled), compiled.params, bound, names, positional=True)
