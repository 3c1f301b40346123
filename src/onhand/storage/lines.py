"""Collected order lines.

Path: ``collecting`` records and marks them; the window of a look is compared with what is here.
Promise: a line is stored once per cart and epoch, in any order of arrival; a line whose number is used again is put aside, not lost.
Never: decides that a line is sold.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, exists, func, insert, or_, select, update

from onhand.domain.lines import LineChange, LineUnits, SoldLine
from onhand.domain.numbering import same
from onhand.domain.orders import LineState
from onhand.domain.shop import WINDOW_PRIME, Line, Window
from onhand.domain.stock import Source

from .hot import Hot
from .ledger import chunks
from .tables import order_lines as table
from .times import micros, moment

RUN_DIGITS = 4  # so that the names of runs sort like their numbers
WAITING_MAX = 10_000  # newest waiting lines of some products; older sales are booked by the counter alone


class Lines:
    """Order lines of carts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(self, source: Source, lines: Sequence[Line], at: datetime, reused: bool = False) -> list[Line]:
        if not lines:
            return []
        when = micros(at)
        known, lost = self._known(source, [line.line for line in lines])
        kept = {line.line for line in lines if line.line in known and not reused and same(known[line.line], line)}
        # A line that was gone and now has other units is another line: no cart edits a deleted line.
        kept -= {line.line for line in lines if line.line in lost and line.quantity != known[line.line].quantity}
        if not kept.isdisjoint(lost) and not self._is_back(source, kept):
            kept -= lost
        self._come_again(source, [line for line in lines if line.line in kept & lost])
        self._put_aside(source, sorted(known.keys() - kept), at)
        fresh = list({line.line: line for line in lines if line.line not in kept}.values())
        runs = self._runs(source, [line.line for line in fresh])
        fresh = [replace(line, run=runs.get(line.line, 0)) for line in fresh]
        if fresh:
            self._insert(source, fresh, when)
        return fresh

    def _insert(self, source: Source, fresh: Sequence[Line], when: int) -> None:
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
                    "run": line.run,
                    "seen_at": when,
                }
                for line in fresh
            ],
        )

    def _known(self, source: Source, numbers: Sequence[int]) -> tuple[dict[int, Line], set[int]]:
        """Return the stored lines among these, by number, and which of them are gone from the shop."""
        known: dict[int, Line] = {}
        lost: set[int] = set()
        for chunk in chunks(numbers):
            query = select(*_LINE, table.c.present).where(*_of(source), table.c.line.in_(chunk))
            for row in self._connection.execute(query):
                known[row.line] = Line(*row[:-1])
                lost.update(() if row.present else (row.line,))
        return known, lost

    def _is_back(self, source: Source, lines: Container[int]) -> bool:
        """Return whether the highest known line is among these. Then the table was only empty for a while, and no number was reused."""
        return self._connection.execute(select(func.max(table.c.line)).where(*_of(source))).scalar_one() in lines

    def _put_aside(self, source: Source, lines: Sequence[int], at: datetime) -> None:
        """Move these lines, and gone lines above the lowest of them, to their own epoch, because their numbers were reused."""
        if not lines:
            return
        aside = f"{source.epoch}~{self._last_run(source) + 1:0{RUN_DIGITS}}"
        gone_at = func.coalesce(table.c.gone_at, micros(at))
        where = update(table).where(*_of(source)).values(epoch=aside, present=False, gone_at=gone_at)
        for chunk in chunks(lines):
            self._connection.execute(where.where(table.c.line.in_(chunk)))
        self._connection.execute(where.where(table.c.line > min(lines), ~table.c.present))

    def _last_run(self, source: Source) -> int:
        """Return how often lines of this epoch were put aside."""
        of_epoch = (table.c.epoch > f"{source.epoch}~", table.c.epoch < f"{source.epoch}~~")
        last = self._connection.execute(
            select(func.max(table.c.epoch)).where(table.c.cart_id == source.cart, *of_epoch)
        ).scalar_one()
        return int(last.rpartition("~")[2]) if last else 0

    def _runs(self, source: Source, lines: Sequence[int]) -> dict[int, int]:
        """Return the run in which reused numbers are used again."""
        found: dict[int, int] = {}
        for run in range(1, self._last_run(source) + 1):
            before = Source(source.cart, f"{source.epoch}~{run:0{RUN_DIGITS}}")
            for chunk in chunks(lines):
                query = select(table.c.line).where(*_of(before), table.c.line.in_(chunk))
                found |= dict.fromkeys(self._connection.execute(query).scalars(), run)
        return found

    def _come_again(self, source: Source, lines: Sequence[Line]) -> None:
        """Mark lines that were gone as present again. A line whose units all came back waits for its counter again."""
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
        values = {"cart": source.cart, "epoch": source.epoch, "low": low, "high": high}
        (found,) = _WINDOW.rows(self._connection, values)
        return Window(*map(int, found))

    def present(self, source: Source, low: int, high: int) -> dict[int, Line]:
        found = (Line(*row) for row in self._connection.execute(select(*_LINE).where(*_within(source, low, high))))
        return {line.line: line for line in found}

    def waiting(self, source: Source, products: Sequence[int]) -> list[Line]:
        return self._of_products(source, products, LineState.WAITING, WAITING_MAX)

    def sold(self, source: Source, products: Sequence[int], limit: int) -> list[SoldLine]:
        found: dict[int, SoldLine] = {}
        own = or_(table.c.epoch == source.epoch, table.c.epoch.startswith(f"{source.epoch}~"))
        for chunk in chunks(products):
            query = (
                select(*_SOLD)
                .where(
                    table.c.cart_id == source.cart,
                    table.c.product.in_(chunk),
                    table.c.state == LineState.SOLD.value,
                    or_(own, table.c.present),
                )
                .order_by(table.c.seen_at.desc(), table.c.line.desc())
                .limit(limit)
            )
            for row in self._connection.execute(query):
                found.setdefault(row.line, _sold(row))  # of one number in several epochs, the newest
        return list(found.values())

    def of_orders(self, source: Source, orders: Sequence[int]) -> list[SoldLine]:
        found: list[SoldLine] = []
        for chunk in chunks(orders):
            query = select(*_SOLD).where(*_of(source), table.c.order_number.in_(chunk), table.c.state.in_(_BOOKED))
            found += [_sold(row) for row in self._connection.execute(query)]
        return found

    def came_again(self, source: Source) -> bool:
        return self._last_run(source) > 0

    def came_later(self, source: Source, lines: Sequence[int]) -> set[int]:
        other = table.alias()
        before = exists().where(
            other.c.cart_id == table.c.cart_id,
            other.c.epoch == table.c.epoch,
            other.c.order_number == table.c.order_number,
            other.c.line < table.c.line,
            other.c.seen_at < table.c.seen_at,
            other.c.state.in_(_BOOKED),
        )
        found: set[int] = set()
        for chunk in chunks(lines):
            query = select(table.c.line).where(*_of(source), table.c.line.in_(chunk), before)
            found.update(self._connection.execute(query).scalars())
        return found

    def seen_since(self, source: Source, lines: Sequence[int], since: datetime) -> set[int]:
        found: set[int] = set()
        for chunk in chunks(lines):
            these = (*_of(source), table.c.line.in_(chunk), table.c.seen_at >= micros(since))
            found.update(self._connection.execute(select(table.c.line).where(*these)).scalars())
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

    def renewed(self, cart: int, changes: Sequence[LineChange]) -> list[LineChange]:
        found = []
        for change in changes:
            these = (*_of(Source(cart, change.sold.epoch)), table.c.line == change.sold.line)
            taken, back = self._connection.execute(select(table.c.taken, table.c.back).where(*these)).one()
            found.append(replace(change, sold=replace(change.sold, units=LineUnits(taken, back))))
        return found

    def change(self, cart: int, change: LineChange, units: LineUnits, state: LineState) -> None:
        sold, there = change.sold, change.cancelled
        self._connection.execute(
            update(table)
            .where(table.c.cart_id == cart, table.c.epoch == sold.epoch, table.c.line == sold.line)
            .values(
                taken=units.taken,
                back=units.back,
                state=state.value,
                **({"present": False} if change.deleted else {}),  # an edit may be booked after its line has gone
                **({} if change.gone else {"quantity": change.now}),
                **({} if there is None else {"quantity": there.quantity, "status": there.status}),
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

    def reopen(self, source: Source, product: int, after: int) -> None:
        of_product = (table.c.product == product, table.c.line > after, table.c.state == LineState.UNTRACKED.value)
        self._connection.execute(update(table).where(*_of(source), *of_product).values(state=LineState.WAITING.value))

    def vanish(self, source: Source, lines: Sequence[int], at: datetime) -> set[int]:
        products: set[int] = set()
        for chunk in chunks(lines):
            these = (*_of(source), table.c.line.in_(chunk), table.c.present)
            left = update(table).where(*these).values(present=False, gone_at=micros(at))
            found = self._connection.execute(left.returning(table.c.product, table.c.state))
            products.update(row.product for row in found if row.state == LineState.SOLD.value)
        return products

    def withdraw(self, source: Source, lines: Sequence[int], at: datetime) -> None:
        for chunk in chunks(lines):
            these = (*_of(source), table.c.line.in_(chunk))
            self._connection.execute(update(table).where(*these).values(gone_at=micros(at)))

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


_BOOKED = (LineState.SOLD.value, LineState.UNTRACKED.value)

_LINE = (
    table.c.line,
    table.c.order_number,
    table.c.product,
    table.c.model,
    table.c.quantity,
    table.c.status,
    table.c.paid,
    table.c.run,
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
    table.c.run,
    table.c.status,
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
        row.run,
        row.status,
    )


def _of(source: Source) -> tuple[Any, ...]:
    return table.c.cart_id == source.cart, table.c.epoch == source.epoch


def _within(source: Source, low: int, high: int) -> tuple[Any, ...]:
    return (*_of(source), table.c.line > low, table.c.line <= high, table.c.present)


# Hot: every look compares its window.
_WINDOW = Hot(
    select(
        func.count(),
        func.coalesce(func.sum(table.c.line), 0),
        func.coalesce(func.sum(table.c.quantity * (table.c.line % WINDOW_PRIME + 1)), 0),
    ).where(
        table.c.cart_id == bindparam("cart"),
        table.c.epoch == bindparam("epoch"),
        table.c.line > bindparam("low"),
        table.c.line <= bindparam("high"),
        table.c.present,
    )
)
