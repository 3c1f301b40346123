"""Runs hot statements on the driver's cursor, compiled once.

Path: the books use it for the few statements that a profile named (``docs/measurements.md``); all others run the ordinary way.
Promise: the same SQLAlchemy statement on the same connection, in the same transaction; only the work around it is less.
Never: takes a statement whose text depends on its values.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, cast

from sqlalchemy import Connection, Delete, Insert, Select, Update
from sqlalchemy.exc import IntegrityError


class Hot:
    """A statement in which every value is a named parameter. Types are the driver's: whole numbers, texts, None."""

    def __init__(self, statement: Select[Any] | Insert | Update | Delete) -> None:
        self._statement = statement
        self._text = ""
        self._fixed: Mapping[str, Any] = {}  # values that SQLAlchemy adds, such as the offset 0 of a limit
        self._values: Callable[[Mapping[str, Any]], tuple[Any, ...]] = tuple

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run the statement for each row of values. Raise SQLAlchemy's IntegrityError if a constraint forbids it."""
        driver = self._driver(connection)
        try:
            driver.executemany(self._text, map(self._values, rows))
        except sqlite3.IntegrityError as error:
            raise IntegrityError(self._text, None, error) from error

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Return the rows for these values."""
        return self._driver(connection).execute(self._text, self._values({**self._fixed, **values})).fetchall()

    def _driver(self, connection: Connection) -> sqlite3.Connection:
        if not self._text:
            compiled: Any = self._statement.compile(dialect=connection.dialect)
            names = compiled.positiontup
            # itemgetter returns a bare value for one name, and cannot be made for none.
            self._values = (
                itemgetter(*names) if len(names) > 1 else lambda values: tuple(values[name] for name in names)
            )
            self._fixed = compiled.params
            self._text = str(compiled)
        driver: Any = connection.connection.driver_connection
        return cast("sqlite3.Connection", driver)
