"""Writes the few expressions that SQLite and PostgreSQL spell differently.

Path: the books build their statements with these, and ``copying`` fills tables; everything else is the same SQL for both.
Promise: each means the same on both engines, to the last character.
Never: asks which engine a statement will run on before it is compiled, except for an upsert.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    FromClause,
    Table,
    Text,
    bindparam,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
ESCAPE = "/"
NUL = "\N{SYMBOL FOR NULL}"  # what PostgreSQL stores for the character that its texts cannot have


def upsert(connection: Connection, table: Table | FromClause) -> Any:
    """Return an INSERT that can say what happens on a conflict."""
    return INSERTS[connection.dialect.name](table)


class _Like(FunctionElement[bool]):
    """Whether a text matches a pattern, whatever the case of its ASCII letters."""

    type = Boolean()
    inherit_cache = True


@compiles(_Like, "sqlite")
def _sqlite_like(element: Any, compiler: Any, **options: Any) -> str:
    column, pattern = element.clauses
    # SQLite's LIKE ignores the case of ASCII letters; ``lower`` would more than double the cost.
    return f"({compiler.process(column, **options)} LIKE {compiler.process(pattern, **options)} ESCAPE '{ESCAPE}')"


@compiles(_Like, "postgresql")
def _postgresql_like(element: Any, compiler: Any, **options: Any) -> str:
    column, pattern = element.clauses
    return f"({compiler.process(column, **options)} ILIKE {compiler.process(pattern, **options)} ESCAPE '{ESCAPE}')"


def contains(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Return the condition that a column contains a text, whatever the case of ASCII letters."""
    for sign in (ESCAPE, "%", "_"):
        text = text.replace(sign, ESCAPE + sign)
    return _Like(column, literal(f"%{text}%"))


class _Octets(FunctionElement[int]):
    """The number of bytes of a text in UTF-8."""

    type = BigInteger()
    inherit_cache = True


@compiles(_Octets, "sqlite")
def _sqlite_octets(element: Any, compiler: Any, **options: Any) -> str:
    return f"length(CAST({compiler.process(element.clauses, **options)} AS BLOB))"


@compiles(_Octets, "postgresql")
def _postgresql_octets(element: Any, compiler: Any, **options: Any) -> str:
    return f"octet_length({compiler.process(element.clauses, **options)})"


def not_ascii(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that a text has a character outside ASCII."""
    return _Octets(column) > func.length(column)


class _Position(FunctionElement[int]):
    """Where a text begins in another, from 1; 0 if it does not occur."""

    type = BigInteger()
    inherit_cache = True


@compiles(_Position, "sqlite")
def _sqlite_position(element: Any, compiler: Any, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(_Position, "postgresql")
def _postgresql_position(element: Any, compiler: Any, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


def begins_with(text: ColumnElement[Any], start: ColumnElement[Any] | str) -> ColumnElement[bool]:
    """Return the condition that a text begins with another, case included."""
    return _Position(text, start) == 1


class _Listed(FunctionElement[int]):
    """The numbers in a JSON list: one parameter, however many they are."""

    type = BigInteger()
    inherit_cache = True


@compiles(_Listed, "sqlite")
def _sqlite_listed(element: Any, compiler: Any, **options: Any) -> str:
    return f"(SELECT value FROM json_each({compiler.process(element.clauses, **options)}))"


@compiles(_Listed, "postgresql")
def _postgresql_listed(element: Any, compiler: Any, **options: Any) -> str:
    listed = compiler.process(element.clauses, **options)
    return f"(SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST({listed} AS JSON)))"


def among(column: ColumnElement[int], name: str) -> ColumnElement[bool]:
    """Return the condition that a column is one of the numbers in the parameter of this name, which ``numbers`` makes."""
    # As a comparison: SQLite would not use an index for the ``(…) = 1`` that a function becomes there.
    return column.op("IN", is_comparison=True)(_Listed(bindparam(name, type_=Text())))


def numbers(values: Iterable[int]) -> str:
    """Return numbers as the parameter that ``among`` takes."""
    return json.dumps([*values])


# Whole tables


def pour(connection: Connection, table: Table, rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows that have a value for every column, in the order of the columns."""
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(table.columns))
        connection.exec_driver_sql(
            f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', [tuple(row) for row in rows]
        )
        return
    cursor: Any = connection.connection.cursor()
    with cursor, cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row(row)


def empty_at_once(connection: Connection, tables: Iterable[Table]) -> bool:
    """Empty tables that no other table refers to; return False on an engine that has no statement for it."""
    if connection.dialect.name == "sqlite":
        return False
    connection.exec_driver_sql("TRUNCATE " + ", ".join(f'"{table.name}"' for table in tables))
    return True


def last_number(connection: Connection, table: Table) -> int:
    """Return the highest number that a table has given to a row, 0 for a table that numbers no rows."""
    column = table.autoincrement_column
    if column is None:
        return 0
    highest = int(connection.execute(select(func.coalesce(func.max(column), 0))).scalar_one())
    if connection.dialect.name == "postgresql":
        given = connection.exec_driver_sql(
            f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {_sequence(connection, table)}"
        )
    elif table.dialect_options["sqlite"]["autoincrement"]:
        given = connection.execute(text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table.name})
    else:
        return highest
    return max(highest, given.scalar() or 0)


def number_on(connection: Connection, table: Table, last: int) -> None:
    """Make a table give the next row a number above ``last``. SQLite goes on after the highest row in tables without AUTOINCREMENT."""
    if table.autoincrement_column is None:
        return
    if connection.dialect.name == "postgresql":
        values = {"sequence": _sequence(connection, table), "last": max(last, 1), "given": last > 0}
        connection.execute(text("SELECT setval(CAST(:sequence AS regclass), :last, :given)"), values)
    elif table.dialect_options["sqlite"]["autoincrement"]:
        connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": table.name})
        values = {"name": table.name, "last": last}
        connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), values)


def _sequence(connection: Connection, table: Table) -> str:
    column = table.autoincrement_column
    query = select(func.pg_get_serial_sequence(f'"{table.name}"', column.name if column is not None else ""))
    return str(connection.execute(query).scalar_one())


class _Clock(FunctionElement[int]):
    """The time of the database's own clock in microseconds since 1970."""

    type = BigInteger()
    inherit_cache = True


compiles(_Clock, "sqlite")(lambda *_, **__: "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)")
compiles(_Clock, "postgresql")(lambda *_, **__: "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint")


def clock() -> ColumnElement[int]:
    """Return the time of the database's own clock in microseconds since 1970, the same for all processes that use it."""
    return _Clock()
