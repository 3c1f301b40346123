"""Collected order lines in our database.

Path: ``collecting`` records and marks them; the window of a look is compared with what is here.
Promise: a line is kept once per cart and epoch, whatever order it arrives in.
Never: decides that a line is sold.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from onhand.domain.lines import LineChange, LineUnits, SoldLine
from onhand.domain.orders import LineState
from onhand.domain.shop import WINDOW_PRIME, Line, Window
from onhand.domain.stock import Source

from .ledger import chunks
from .tables import order_lines as table
from .times import micros, moment

WAITING_MAX = 10_000  # newest waiting lines of some products; what older ones would name is booked by the counter


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

        One of which all came back waits for its counter once more. Another one that was booked stays booked: if it is another sale,
        the counter tells, and only its name is missing.
        """
        waits = (LineState.WAITING.value, LineState.RESTOCKED.value)
        for line in lines:
            where = update(table).where(*_of(source), table.c.line == line.line)
            self._connection.execute(where.values(present=True, gone_at=None, quantity=line.quantity))
            self._connection.execute(
                where.where(table.c.state.in_(waits)).values(
                    state=LineState.WAITING.value,
                    order_number=line.order,
                    product=line.product,
                    model=line.model,
                    quantity=line.quantity,
                    status=line.status,
                    paid=line.paid,
                )
            )

    def window(self, source: Source, low: int, high: int) -> Window:
        weighed = table.c.quantity * (table.c.line % WINDOW_PRIME + 1)
        query = select(
            func.count(), func.coalesce(func.sum(table.c.line), 0), func.coalesce(func.sum(weighed), 0)
        ).where(*_within(source, low, high))
        return Window(*self._connection.execute(query).one())

    def present(self, source: Source, low: int, high: int) -> dict[int, int]:
        query = select(table.c.line, table.c.quantity).where(*_within(source, low, high))
        return {row.line: row.quantity for row in self._connection.execute(query)}

    def waiting(self, source: Source, products: Sequence[int]) -> list[Line]:
        return self._of_products(source, products, LineState.WAITING, WAITING_MAX)

    def sold(self, cart: int, products: Sequence[int], limit: int) -> list[SoldLine]:
        found: dict[int, SoldLine] = {}
        for chunk in chunks(products):
            query = (
                select(*_SOLD)
                .where(table.c.cart_id == cart, table.c.product.in_(chunk), table.c.state == LineState.SOLD.value)
                .order_by(table.c.seen_at.desc(), table.c.line.desc())
                .limit(limit)
            )
            for row in self._connection.execute(query):
                found.setdefault(row.line, _sold(row))  # of one number in several epochs, the newest
        return list(found.values())

    def of_orders(self, source: Source, orders: Sequence[int]) -> list[SoldLine]:
        found: list[SoldLine] = []
        for chunk in chunks(orders):
            query = select(*_SOLD).where(
                *_of(source), table.c.order_number.in_(chunk), table.c.state == LineState.SOLD.value
            )
            found += [_sold(row) for row in self._connection.execute(query)]
        return found

    def take(self, source: Source, lines: Mapping[int, int | None]) -> dict[int, LineUnits]:
        taken = {}
        for line, item in lines.items():
            query = (
                update(table)
                .where(*_of(source), table.c.line == line)
                .values(state=LineState.SOLD.value, taken=table.c.taken + table.c.quantity, item_id=item)
                .returning(table.c.taken, table.c.back)
            )
            taken[line] = LineUnits(*self._connection.execute(query).one())
        return taken

    def change(self, cart: int, change: LineChange, units: LineUnits, state: LineState) -> None:
        sold = change.sold
        self._connection.execute(
            update(table)
            .where(table.c.cart_id == cart, table.c.epoch == sold.epoch, table.c.line == sold.line)
            .values(
                taken=units.taken,
                back=units.back,
                state=state.value,
                present=not change.gone,
                **({} if change.gone else {"quantity": change.now}),
            )
        )

    def come_back(self, source: Source, line: int, units: int) -> None:
        where = (*_of(source), table.c.line == line)
        self._connection.execute(update(table).where(*where).values(back=table.c.back + units))

    def mark(self, source: Source, lines: Sequence[int], state: LineState) -> None:
        for chunk in chunks(lines):
            self._connection.execute(
                update(table).where(*_of(source), table.c.line.in_(chunk)).values(state=state.value)
            )

    def vanish(self, source: Source, lines: Sequence[int], at: datetime) -> None:
        for chunk in chunks(lines):
            these = (*_of(source), table.c.line.in_(chunk), table.c.present)
            self._connection.execute(update(table).where(*these).values(present=False, gone_at=micros(at)))

    def restate(self, source: Source, lines: Sequence[Line], followed: Container[int]) -> set[int]:
        kept = set()
        for line in lines:
            this = (*_of(source), table.c.line == line.line)
            state = self._connection.execute(select(table.c.state).where(*this)).scalar_one()
            if state == LineState.SOLD.value and line.product in followed:
                kept.add(line.product)
            else:
                self._connection.execute(update(table).where(*this).values(quantity=line.quantity))
        return kept

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


_SOLD = (
    table.c.epoch,
    table.c.line,
    table.c.order_number,
    table.c.product,
    table.c.item_id,
    table.c.quantity,
    table.c.taken,
    table.c.back,
    table.c.gone_at,
)


def _sold(row: Any) -> SoldLine:
    units = LineUnits(row.taken, row.back)
    return SoldLine(
        row.epoch,
        row.line,
        row.order_number,
        row.product,
        row.item_id,
        row.quantity,
        units,
        moment(row.gone_at) if row.gone_at is not None else None,
    )


def _of(source: Source) -> tuple[Any, ...]:
    return table.c.cart_id == source.cart, table.c.epoch == source.epoch


def _within(source: Source, low: int, high: int) -> tuple[Any, ...]:
    return (*_of(source), table.c.line > low, table.c.line <= high, table.c.present)
