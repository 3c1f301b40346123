"""Items and movements.

Path: ``bookkeeping.book`` appends and moves; screens and ``prove`` read.
Promise: an origin is written once; a balance never leaves its range.
Never: updates or deletes a movement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    and_,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from onhand.domain.errors import Conflict, Refused
from onhand.domain.importing import IMPORTED, Since
from onhand.domain.spelling import look, strangers
from onhand.domain.stock import Entry, Item, Kind, Movement, sku_key

from .dialects import among, not_ascii, numbers
from .hot import Hot
from .tables import items, movements
from .times import micros, moment

T = TypeVar("T")
IDS_MAX = 500  # ids in one IN list
PAGE = 2000  # items that are read at once


def chunks(values: Sequence[T]) -> list[Sequence[T]]:
    """Yield slices that are short enough for one IN list."""
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
            raise Refused(f"There is already an item with the SKU {sku!r}: use another SKU.", sku=sku)
        self._check_looks([sku for sku, _ in new])
        if rows:
            self._connection.execute(insert(items), rows)
        return {key: item.id for key, item in self.by_key(keys).items()}

    def by_key(self, keys: Sequence[str]) -> dict[str, Item]:
        found = {}
        for chunk in chunks(keys):
            query = select(items.c.sku_key, *_ITEM).where(items.c.sku_key.in_(chunk))
            found.update({row[0]: Item(*row[1:]) for row in self._connection.execute(query)})
        return found

    def look_alikes(self, skus: Collection[str]) -> dict[str, str]:
        """Return items whose SKU has this look. An ASCII look can be the key of an ASCII SKU; otherwise only other SKUs can have it."""
        looks = {sku: look(sku) for sku in skus}
        plain = self.by_key(sorted({seen for seen in looks.values() if seen.isascii()}))
        others: dict[str, str] = {}
        if looks:
            rows = self._connection.execute(select(items.c.sku).where(_NOT_ASCII).order_by(items.c.id))
            others = {look(sku): sku for sku in rows.scalars()}
        found = {}
        for sku, seen in looks.items():
            alike = {others.get(seen), plain[seen].sku if seen in plain else None} - {None}
            like = next((other for other in alike if other and sku_key(other) != sku_key(sku)), None)
            if like is not None:
                found[sku] = like
        return found

    def padded(self, skus: Collection[str]) -> dict[str, str]:
        bare = {sku.lstrip("0"): sku for sku in skus if sku.isascii() and sku.isdigit()}
        found = {}
        for chunk in chunks(sorted(bare)):
            # Only among SKUs that begin with a zero, which the index finds.
            zeros = (items.c.sku_key >= "0", items.c.sku_key < "1")
            rows = self._connection.execute(
                select(items.c.sku).where(*zeros, func.ltrim(items.c.sku_key, "0").in_(chunk))
            )
            found.update({bare[sku.lstrip("0")]: sku for sku in rows.scalars() if sku != bare[sku.lstrip("0")]})
        return found

    def _check_looks(self, skus: Sequence[str], but: str = "") -> None:
        """Raise Refused if one of these SKUs looks like an item's SKU or like another of these. ``but``: the SKU that is replaced."""
        found = {sku: like for sku, like in self.look_alikes(skus).items() if sku_key(like) != sku_key(but)}
        seen: dict[str, str] = {}
        for sku in skus:
            like = found.get(sku) or seen.setdefault(look(sku), sku)
            if sku_key(like) != sku_key(sku):
                raise Refused(
                    f"The SKU {sku!r} looks like {like!r} and is written with other characters ({strangers(sku) or strangers(like)}):"
                    " use that item, or another SKU.",
                    sku=sku,
                    looks_like=like,
                )

    def keys(self) -> dict[str, int]:
        return {row.sku_key: row.id for row in self._connection.execute(select(items.c.sku_key, items.c.id))}

    def by_id(self, ids: Sequence[int]) -> dict[int, Item]:
        found = {}
        for chunk in chunks(ids):
            rows = _BY_ID.rows(self._connection, {"ids": numbers(chunk)})
            found.update({row[0]: Item(*row) for row in rows})
        return found

    def all(self) -> dict[int, Item]:
        return {row[0]: Item(*row) for row in self._connection.execute(select(*_ITEM))}

    def each(self) -> Iterator[Item]:
        after = 0
        while rows := _PAGE.rows(self._connection, {"after": after, "limit": PAGE}):
            yield from (Item(*row) for row in rows)
            after = rows[-1][0]

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
            raise Refused(f"There is already an item with the SKU {holder.sku!r}: use another SKU.", sku=holder.sku)
        self._check_looks([sku], but=self.by_id([item])[item].sku)
        self._connection.execute(update(items).where(items.c.id == item).values(sku=sku, sku_key=key))

    def move(self, changes: Mapping[int, int]) -> None:
        try:
            _MOVE.run(self._connection, [{"item": item, "units": units} for item, units in changes.items()])
        except IntegrityError as error:
            raise Refused(
                "A quantity on hand would be outside the range that a shop can show.", items=list(changes)
            ) from error


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
        if _APPEND.run(self._connection, rows) < len(rows):
            raise Conflict(
                "This was booked already: nothing was booked again.",
                reason="booked",
                origins=self._booked_before(rows)[:100],
            )

    def _booked_before(self, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return the origins among these that were booked before, or that come twice. Some of the rows were just added."""
        found: list[str] = []
        times = Counter(row["origin"] for row in rows)
        ours = {(row["origin"], row["at"], row["item_id"], row["quantity"]) for row in rows}
        for chunk in chunks(sorted(times)):
            query = select(movements.c.origin, movements.c.at, movements.c.item_id, movements.c.quantity)
            booked = self._connection.execute(query.where(movements.c.origin.in_(chunk)))
            found += [row.origin for row in booked if tuple(row) not in ours or times[row.origin] > 1]
        return sorted(found)

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

    def since(self, wanted: Sequence[int], movement: int) -> dict[int, Since]:
        ours = movements.c.origin.startswith(f"{IMPORTED}{movement}/", autoescape=True)
        counted = movements.c.kind == Kind.COUNT.value
        rises = movements.c.kind.in_([Kind.RECEIPT.value, Kind.RETURN.value, Kind.CANCELLATION.value])
        sums = (
            func.sum(movements.c.quantity),
            func.sum(case((movements.c.kind == Kind.SALE.value, -movements.c.quantity), else_=0)),
            func.sum(case((rises, movements.c.quantity), else_=0)),
            func.sum(case((ours, movements.c.quantity), else_=0)),
            func.sum(case((and_(counted, not_(ours)), 1), else_=0)),
        )
        found = {}
        for chunk in chunks(wanted):
            query = select(movements.c.item_id, *sums).where(movements.c.item_id.in_(chunk), movements.c.id > movement)
            for item, moved, sold, received, imported, others in self._connection.execute(
                query.group_by(movements.c.item_id)
            ):
                found[item] = Since(int(moved), int(sold), int(received), int(imported), others > 0)
        return found

    def history(self, item: int, points: int) -> list[tuple[datetime, int]]:
        """Return an item's balance at the end of each of ``points`` stretches of its movements, oldest first.

        The first movement and the last are always included. One pass over the item's movements: a balance is the sum of all before it, so
        none can be left out.
        """
        number, of_item = movements.c.id, movements.c.item_id == item
        span = select(func.min(number), func.max(number), func.count()).where(of_item)
        first, last, count = self._connection.execute(span).one()
        if not count:
            return []
        step = 1 if count <= points else -(-(last - first) // max(1, points - 1))
        stretch = ((number - first + step - 1) // step).label("stretch")  # the first movement is a stretch of its own
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
        """Return the items whose balance is not the sum of their movements."""
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
_NEW: dict[str, Any] = {c.name: bindparam(c.name) for c in movements.c if c.name != "id"}
# A constraint that fails would end a transaction on PostgreSQL, so a known origin is left out and counted.
_APPEND = Hot(lambda into: into(movements).values(_NEW).on_conflict_do_nothing(index_elements=["origin"]))
_MOVE = Hot(update(items).where(items.c.id == bindparam("item")).values(on_hand=items.c.on_hand + bindparam("units")))
_NOT_ASCII = not_ascii(items.c.sku)
_ITEM = (items.c.id, items.c.sku, items.c.name, items.c.on_hand)
_BY_ID = Hot(select(*_ITEM).where(among(items.c.id, "ids")))
_PAGE = Hot(select(*_ITEM).where(items.c.id > bindparam("after")).order_by(items.c.id).limit(bindparam("limit")))
_IS_TRADE = movements.c.kind.in_([Kind.SALE.value, Kind.CANCELLATION.value])
