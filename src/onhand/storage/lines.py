"""Collected order lines in our database.

Path: ``collecting`` records and marks them; the window of a look is compared with what is here.
Promise: a line is kept once per cart and epoch, whatever order it arrives in.
Never: decides that a line is sold.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from onhand.domain.orders import LineState
from onhand.domain.shop import Line, Window
from onhand.domain.stock import Source

from .ledger import chunks
from .tables import order_lines as table
from .times import micros


class Lines:
    """Order lines of carts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(self, source: Source, lines: Sequence[Line], at: datetime) -> list[Line]:
        if not lines:
            return []
        when = micros(at)
        known: dict[int, bool] = {}
        for chunk in chunks([line.line for line in lines]):
            query = select(table.c.line, table.c.present).where(*_of(source), table.c.line.in_(chunk))
            known.update({row.line: row.present for row in self._connection.execute(query)})
        self._come_again(source, [line for line in lines if not known.get(line.line, True)])
        fresh = list({line.line: line for line in lines if line.line not in known}.values())
        if fresh:
            self._connection.execute(
                insert(table),
                [
                    {
                        "cart_id": source.cart,
                        "epoch": source.epoch,
                        "line": line.line,
                        "order_number": line.order,
                        "product": line.product,
                        "model": line.model,
                        "quantity": line.quantity,
                        "status": line.status,
                        "paid": line.paid,
                        "state": LineState.WAITING.value,
                        "present": True,
                        "seen_at": when,
                    }
                    for line in fresh
                ],
            )
        return fresh

    def _come_again(self, source: Source, lines: Sequence[Line]) -> None:
        """Lines that were gone and are there again, or others under their numbers.

        A number that was booked stays booked: if it is another sale, the counter tells, and only its name is missing.
        """
        for line in lines:
            where = update(table).where(*_of(source), table.c.line == line.line)
            self._connection.execute(where.values(present=True))
            self._connection.execute(
                where.where(table.c.state == LineState.WAITING.value).values(
                    order_number=line.order,
                    product=line.product,
                    model=line.model,
                    quantity=line.quantity,
                    status=line.status,
                    paid=line.paid,
                )
            )

    def window(self, source: Source, low: int, high: int) -> Window:
        query = select(func.count(), func.coalesce(func.sum(table.c.line), 0)).where(*_within(source, low, high))
        return Window(*self._connection.execute(query).one())

    def present(self, source: Source, low: int, high: int) -> set[int]:
        return set(self._connection.execute(select(table.c.line).where(*_within(source, low, high))).scalars())

    def waiting(self, source: Source, products: Sequence[int]) -> list[Line]:
        return self._of_products(source, products, LineState.WAITING, None)

    def sold(self, source: Source, products: Sequence[int], limit: int) -> list[Line]:
        return self._of_products(source, products, LineState.SOLD, limit)

    def mark(self, source: Source, lines: Sequence[int], state: LineState) -> None:
        for chunk in chunks(lines):
            self._connection.execute(
                update(table).where(*_of(source), table.c.line.in_(chunk)).values(state=state.value)
            )

    def vanish(self, source: Source, lines: Sequence[int]) -> None:
        for chunk in chunks(lines):
            self._connection.execute(update(table).where(*_of(source), table.c.line.in_(chunk)).values(present=False))

    def refresh(self, source: Source, lines: Sequence[Line]) -> None:
        if lines:
            self._connection.execute(
                update(table)
                .where(*_of(source), table.c.line == bindparam("b_line"))
                .values(status=bindparam("b_status"), paid=bindparam("b_paid")),
                [{"b_line": line.line, "b_status": line.status, "b_paid": line.paid} for line in lines],
            )

    def _of_products(self, source: Source, products: Sequence[int], state: LineState, limit: int | None) -> list[Line]:
        found: list[Line] = []
        for chunk in chunks(products):
            query = (
                select(*_LINE)
                .where(*_of(source), table.c.product.in_(chunk), table.c.state == state.value)
                .order_by(table.c.line.desc())
                .limit(limit)
            )
            if state is LineState.WAITING:
                query = query.where(table.c.present)
            found += [Line(*row) for row in self._connection.execute(query)]
        return found


_LINE = (
    table.c.line,
    table.c.order_number,
    table.c.product,
    table.c.model,
    table.c.quantity,
    table.c.status,
    table.c.paid,
)


def _of(source: Source) -> tuple[Any, ...]:
    return table.c.cart_id == source.cart, table.c.epoch == source.epoch


def _within(source: Source, low: int, high: int) -> tuple[Any, ...]:
    return (*_of(source), table.c.line > low, table.c.line <= high, table.c.present)
