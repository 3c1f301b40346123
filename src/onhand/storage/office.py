"""System parameters, headings of files, and orders entered by hand.

Path: ``services.settings`` and ``services.selling``.
Promise: an order number is used once.
Never: interprets a parameter's value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from onhand.domain.errors import Refused

from .dialects import upsert
from .hot import Hot
from .office_tables import mappings
from .tables import parameters, phone_order_lines, phone_orders
from .times import iso, micros

# Hot: every step of every driver begins with these statements.
_PARAMETERS = Hot(select(parameters.c.name, parameters.c.value))


class Parameters:
    """Parameters set by a person; all others have their defaults."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self) -> dict[str, str]:
        return dict(_PARAMETERS.rows(self._connection, {}))

    def changes(self) -> dict[str, dict[str, Any]]:
        """Return who changed each parameter last, and when."""
        query = select(parameters.c.name, parameters.c.person, parameters.c.at)
        return {row.name: {"person": row.person, "at": iso(row.at)} for row in self._connection.execute(query)}

    def set(self, name: str, value: str, person: str, at: datetime) -> None:
        values = {"value": value, "person": person, "at": micros(at)}
        statement = upsert(self._connection, parameters).values(name=name, **values)
        self._connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


class Mappings:
    """The columns that headings of files mean."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, kind: str) -> dict[str, str]:
        rows = self._connection.execute(select(mappings).where(mappings.c.kind == kind))
        return {row.heading: row.column for row in rows}

    def remember(self, kind: str, chosen: Mapping[str, str]) -> None:
        for heading, column in chosen.items():
            statement = upsert(self._connection, mappings).values(kind=kind, heading=heading, column=column)
            self._connection.execute(
                statement.on_conflict_do_update(index_elements=["kind", "heading"], set_={"column": column})
            )


class PhoneOrders:
    """Orders entered by hand."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, number: str, person: str, note: str, lines: Sequence[tuple[int, int]], at: datetime) -> None:
        if self._taken(number):
            raise Refused(f"Order {number!r} is booked already: nothing was changed.", order=number)
        values = {"number": number, "person": person, "note": note, "at": micros(at)}
        order = self._connection.execute(insert(phone_orders).values(values).returning(phone_orders.c.id)).scalar_one()
        self._connection.execute(
            insert(phone_order_lines),
            [
                {"order_id": order, "line": n, "item_id": item, "quantity": units}
                for n, (item, units) in enumerate(lines, 1)
            ],
        )

    def next_number(self) -> str:
        number = self._connection.execute(select(func.coalesce(func.max(phone_orders.c.id), 0))).scalar_one() + 1
        while self._taken(f"P-{number}"):  # by a person who typed it
            number += 1
        return f"P-{number}"

    def _taken(self, number: str) -> bool:
        query = select(phone_orders.c.id).where(phone_orders.c.number == number)
        return self._connection.execute(query).first() is not None
