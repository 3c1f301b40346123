"""Writes the few expressions that SQLite and PostgreSQL spell differently.

Path: the books build their statements with these; everything else is the same SQL for both.
Promise: each means the same on both engines, to the last character.
Never: asks which engine a statement will run on before it is compiled, except for an upsert.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, ColumnElement, Connection, FromClause, Table, func, literal
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
ESCAPE = "/"


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


class _Clock(FunctionElement[int]):
    """The time of the database's own clock in microseconds since 1970."""

    type = BigInteger()
    inherit_cache = True


compiles(_Clock, "sqlite")(lambda *_, **__: "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)")
compiles(_Clock, "postgresql")(lambda *_, **__: "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint")


def clock() -> ColumnElement[int]:
    """Return the time of the database's own clock in microseconds since 1970, the same for all processes that use it."""
    return _Clock()
