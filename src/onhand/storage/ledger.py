"""Items and movements in our database.

Path: ``bookkeeping.book`` appends and moves; screens and ``prove`` read.
Promise: an origin is written once; a balance never leaves its range.
Never: updates or deletes a movement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import TypeVar

from sqlalchemy import Connection, bindparam, func, insert, literal_column, or_, select, update
from sqlalchemy.exc import IntegrityError

from onhand.domain.errors import Conflict, Refused
from onhand.domain.stock import Entry, Item, Kind, Movement, sku_key

from .hot import Hot
from .tables import items, movements
from .times import micros, moment

T = TypeVar("T")
IDS_MAX = 500  # ids in one IN list


def chunks(values: Sequence[T]) -> list[Sequence[T]]:
    """Slices short enough for one IN list."""
    return [values[start : start + IDS_MAX] for start in range(0, len(values), IDS_MAX)]


class Items:
    """Items and their balances."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, sku: str, name: str, at: datetime) -> int:
        return self.add_all([(sku, name)], at)[sku_key(sku)]

    def add_all(self, new: Sequence[tuple[str, str]], at: datetime) -> dict[str, int]:
        rows = [{"sku": sku, "sku_key": sku_key(sku), "name": name, "created_at": micros(at)} for sku, name in new]
        keys = [str(row["sku_key"]) for row in rows]
        if taken := self.by_key(keys):
            sku = next(iter(taken.values())).sku
            raise Refused(f"There is an item with the SKU {sku!r} already.", sku=sku)
        if rows:
            self._connection.execute(insert(items), rows)
        return {key: item.id for key, item in self.by_key(keys).items()}

    def by_key(self, keys: Sequence[str]) -> dict[str, Item]:
        found = {}
        for chunk in chunks(keys):
            query = select(items.c.sku_key, *_ITEM).where(items.c.sku_key.in_(chunk))
            found.update({row[0]: Item(*row[1:]) for row in self._connection.execute(query)})
        return found

    def keys(self) -> dict[str, int]:
        return {row.sku_key: row.id for row in self._connection.execute(select(items.c.sku_key, items.c.id))}

    def by_id(self, ids: Sequence[int]) -> dict[int, Item]:
        found = {}
        for chunk in chunks(ids):
            rows = self._connection.execute(select(*_ITEM).where(items.c.id.in_(chunk)))
            found.update({row.id: Item(*row) for row in rows})
        return found

    def all(self) -> dict[int, Item]:
        return {row[0]: Item(*row) for row in self._connection.execute(select(*_ITEM))}

    def set_aside(self, ids: Sequence[int] | None = None) -> set[int]:
        query = select(items.c.id).where(or_(items.c.ignore_qoh, items.c.drop_ship))
        if ids is None:
            return set(self._connection.execute(query).scalars())
        return {
            i for chunk in chunks(ids) for i in self._connection.execute(query.where(items.c.id.in_(chunk))).scalars()
        }

    def change_sku(self, item: int, sku: str) -> None:
        key = sku_key(sku)
        holder = self.by_key([key]).get(key)
        if holder is not None and holder.id != item:
            raise Refused(f"There is an item with the SKU {holder.sku!r} already.", sku=holder.sku)
        self._connection.execute(update(items).where(items.c.id == item).values(sku=sku, sku_key=key))

    def move(self, changes: Mapping[int, int]) -> None:
        try:
            _MOVE.run(self._connection, [{"item": item, "units": units} for item, units in changes.items()])
        except IntegrityError as error:
            raise Refused("A quantity on hand would leave the range a shop can show.", items=list(changes)) from error


class Movements:
    """The ledger."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, entries: Sequence[Movement], at: datetime) -> None:
        when = micros(at)
        rows = [
            {
                "at": when,
                "item_id": m.item,
                "kind": m.kind.value,
                "quantity": m.quantity,
                "origin": m.origin,
                "cart_id": m.cart,
                "order_number": m.order,
                "line": m.line,
                "reason": m.reason,
                "person": m.person,
            }
            for m in entries
        ]
        try:
            _APPEND.run(self._connection, rows)
        except IntegrityError as error:
            twice = sorted(self.booked([m.origin for m in entries]))
            raise Conflict(
                "This was booked already; nothing was booked again.", reason="booked", origins=twice[:100]
            ) from error

    def booked(self, origins: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for chunk in chunks(origins):
            query = select(movements.c.origin).where(movements.c.origin.in_(chunk))
            found.update(self._connection.execute(query).scalars())
        return found

    def last(self) -> int:
        return int(self._connection.execute(select(func.coalesce(func.max(movements.c.id), 0))).scalar_one())

    def of_item(
        self,
        item: int | None,
        limit: int,
        before: int | None = None,
        kind: Kind | None = None,
        cart: int | None = None,
        person: str = "",
    ) -> list[Entry]:
        query = select(movements, items.c.sku).join(items).order_by(movements.c.id.desc()).limit(limit)
        if item is not None:
            query = query.where(movements.c.item_id == item)
        if before is not None:
            query = query.where(movements.c.id < before)
        if cart is not None:
            query = query.where(movements.c.cart_id == cart)
        # The second condition is the index's own: a database that does not know the value yet uses it only so.
        if kind is not None:
            query = query.where(movements.c.kind == kind.value)
        if kind not in {None, Kind.SALE}:
            query = query.where(movements.c.kind != literal_column("'sale'"))
        if person:
            query = query.where(movements.c.person == person, movements.c.person != literal_column("''"))
        return [
            Entry(
                row.id,
                moment(row.at),
                row.sku,
                Movement(
                    row.item_id,
                    Kind(row.kind),
                    row.quantity,
                    row.origin,
                    row.cart_id,
                    row.order_number,
                    row.line,
                    row.reason,
                    row.person,
                ),
            )
            for row in self._connection.execute(query)
        ]

    def history(self, item: int, points: int) -> list[tuple[datetime, int]]:
        """The balance at the end of each of so many stretches of the ledger in which the item moved, oldest first; the first movement
        and the last are always there.

        One pass over the item's movements: a balance is the sum of all before it, so none can be left out.
        """
        number, of_item = movements.c.id, movements.c.item_id == item
        span = select(func.min(number), func.max(number), func.count()).where(of_item)
        first, last, count = self._connection.execute(span).one()
        if not count:
            return []
        step = 1 if count <= points else -(-(last - first) // max(1, points - 1))
        stretch = ((number - first + step - 1) // step).label("stretch")  # the first movement is one by itself
        summed = select(stretch, func.max(movements.c.at).label("at"), func.sum(movements.c.quantity).label("units"))
        rows = self._connection.execute(summed.where(of_item).group_by("stretch").order_by("stretch")).all()
        balances = accumulate(int(row.units) for row in rows)
        return [(moment(row.at), balance) for row, balance in zip(rows, balances, strict=True)]

    def trade_of(self, cart: int, item: int, since: datetime, limit: int) -> list[tuple[datetime, int]]:
        query = (
            select(movements.c.at, movements.c.quantity)
            .where(movements.c.item_id == item, movements.c.cart_id == cart, movements.c.at >= micros(since), _IS_TRADE)
            .order_by(movements.c.id.desc())
            .limit(limit)
        )
        return [(moment(at), quantity) for at, quantity in self._connection.execute(query)]

    def trade_elsewhere(self, cart: int, after: int) -> dict[int, int]:
        query = (
            select(movements.c.item_id, func.sum(movements.c.quantity))
            .where(movements.c.id > after, movements.c.cart_id.is_not(None), movements.c.cart_id != cart, _IS_TRADE)
            .group_by(movements.c.item_id)
        )
        return {item: int(units) for item, units in self._connection.execute(query)}

    def refold(self) -> list[tuple[str, int, int]]:
        """Items whose balance is not the sum of their movements."""
        folded = (
            select(movements.c.item_id, func.sum(movements.c.quantity).label("units"))
            .group_by(movements.c.item_id)
            .subquery()
        )
        units = func.coalesce(folded.c.units, 0)
        query = (
            select(items.c.sku, items.c.on_hand, units)
            .outerjoin(folded, folded.c.item_id == items.c.id)
            .where(items.c.on_hand != units)
        )
        return [(sku, on_hand, int(total)) for sku, on_hand, total in self._connection.execute(query)]


# The three statements of every booking are hot: these two and ``Listings.announce``.
_APPEND = Hot(insert(movements).values({c.name: bindparam(c.name) for c in movements.c if c.name != "id"}))
_MOVE = Hot(update(items).where(items.c.id == bindparam("item")).values(on_hand=items.c.on_hand + bindparam("units")))
_ITEM = (items.c.id, items.c.sku, items.c.name, items.c.on_hand)
_IS_TRADE = movements.c.kind.in_([Kind.SALE.value, Kind.CANCELLATION.value])
