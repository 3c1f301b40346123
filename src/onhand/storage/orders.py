"""Orders of all carts and those entered by hand, put together from their lines and movements.

Path: ``services.selling`` finds the order it cancels or takes back; the Orders screen and ``order_list`` read pages.
Promise: cancelled and returned units come from the movements; an order keeps its place in the list, that of its first line.
Never: writes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, and_, func, literal, literal_column, or_, select, tuple_

from onhand.domain.errors import Refused
from onhand.domain.orders import LineState, Order, OrderLine
from onhand.domain.stock import Kind, sku_key

from .ledger import chunks
from .tables import items, listings, movements, order_lines, phone_order_lines, phone_orders
from .times import moment

NUMBER_DIGITS_MAX = 18  # of an order number in a shop
SPELLINGS_MAX = 50  # of one SKU, in all shops together
RANGES = 100  # of origins in one statement


class Orders:
    """Queries for orders."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(
        self,
        limit: int,
        *,
        before: str = "",
        cart: int | None = None,
        by_phone: bool = False,
        state: LineState | None = None,
        search: str = "",
    ) -> list[Order]:
        """Return orders after a place, newest first. ``search`` is an order number or a SKU. Raise Refused for an invalid place."""
        behind = _place(before) if before else None
        search = search.strip()
        found: list[Order] = []
        if not by_phone:
            found += self._collected(limit, behind, cart, state, search)
        if cart is None and state in {None, LineState.SOLD, LineState.RESTOCKED}:
            found += self._by_phone(limit, behind, state, search)
        newest = sorted(found, key=lambda order: _place(order.place), reverse=True)[:limit]
        return self._with_returns(newest)

    def find(self, number: str, cart: int | None, epoch: str = "") -> Order:
        """Return one order, of a cart or entered by hand, from the newest epoch that has the number. Raise Refused."""
        wanted = number.strip()
        if cart is None:
            found = self._phone_orders([phone_orders.c.number == wanted], 1)
        else:
            of_cart: list[ColumnElement[bool]] = [order_lines.c.cart_id == cart, _numbered(wanted)]
            found = self._heads(1, None, [*of_cart, *([order_lines.c.epoch == epoch] if epoch else [])], ())
        if not found:
            raise Refused(f"There is no order {wanted!r}: see the list of orders.", order=wanted)
        return self._with_returns(found)[0]

    # Orders of carts

    def _collected(
        self, limit: int, behind: tuple[Any, ...] | None, cart: int | None, state: LineState | None, search: str
    ) -> list[Order]:
        # A sum keeps the database from taking an index of the cart's, and sorting all that cart ever sold.
        wanted: list[ColumnElement[bool]] = [] if cart is None else [order_lines.c.cart_id + 0 == cart]
        narrowing: list[tuple[str, ColumnElement[bool]]] = []
        if state is not None:
            narrowing.append(("state", literal(state.value)))
        if state not in {None, LineState.SOLD}:
            wanted.append(order_lines.c.state != literal_column("'sold'"))  # the index's own condition
        if not search:
            return self._heads(limit, behind, wanted, narrowing)
        found = {}
        for order in self._heads(limit, behind, [*wanted, _numbered(search)], narrowing):
            found[order.prefix] = order
        # One after the other, so that each walks its index from the newest on.
        for model in self._spellings(search):
            for order in self._heads(limit, behind, wanted, [*narrowing, ("model", literal(model))]):
                found.setdefault(order.prefix, order)
        return list(found.values())

    def _heads(
        self,
        limit: int,
        behind: tuple[Any, ...] | None,
        wanted: Sequence[ColumnElement[bool]],
        narrowing: Sequence[tuple[str, ColumnElement[bool]]],
    ) -> list[Order]:
        """Return orders, each found by its first matching line."""
        other = order_lines.alias()
        same = and_(
            other.c.order_number == order_lines.c.order_number,
            other.c.cart_id == order_lines.c.cart_id,
            other.c.epoch == order_lines.c.epoch,
            *(other.c[name] == value for name, value in narrowing),
        )
        first = select(func.min(other.c.line)).where(same).correlate(order_lines).scalar_subquery()
        place = (order_lines.c.seen_at, order_lines.c.cart_id, order_lines.c.epoch, order_lines.c.line)
        query = (
            select(*place, order_lines.c.order_number)
            .where(*wanted, *(order_lines.c[name] == value for name, value in narrowing))
            .where(order_lines.c.line == first)
            .order_by(*(column.desc() for column in place))
            .limit(limit)
        )
        if behind is not None:
            query = query.where(tuple_(*place) < tuple_(*(literal(value) for value in behind)))
        return self._with_lines(self._connection.execute(query).all())

    def _with_lines(self, heads: Sequence[Any]) -> list[Order]:
        """Return each order with all its lines. A line's item is the one whose stock it took, or else the item of its product."""
        wanted = {(head.order_number, head.cart_id, head.epoch) for head in heads}
        rows: defaultdict[tuple[Any, ...], list[Any]] = defaultdict(list)
        for chunk in chunks(sorted({head.order_number for head in heads})):
            query = select(order_lines).where(order_lines.c.order_number.in_(chunk)).order_by(order_lines.c.line)
            for row in self._connection.execute(query):
                key = (row.order_number, row.cart_id, row.epoch)  # several carts may have the number
                if key in wanted:
                    rows[key].append(row)
        found = [row for of_order in rows.values() for row in of_order]
        item_of = {row: row.item_id for row in found if row.item_id is not None}
        self._by_product([row for row in found if row not in item_of], item_of)
        known = self._names(set(item_of.values()))
        return [
            Order(
                str(head.order_number),
                moment(head.seen_at),
                tuple(_line(row, item_of.get(row), known) for row in rows[head.order_number, head.cart_id, head.epoch]),
                head.cart_id,
                head.epoch,
                place=f"{head.seen_at}/{head.cart_id}/{head.epoch}/{head.line}",
            )
            for head in heads
        ]

    def _by_product(self, rows: Sequence[Any], item_of: dict[Any, int]) -> None:
        """Return the items of lines without a booked sale, by product."""
        products = defaultdict(set)
        for row in rows:
            products[row.cart_id].add(row.product)
        tied = {}
        for cart, of_cart in products.items():
            known = select(listings.c.product, listings.c.item_id).where(listings.c.cart_id == cart)
            for chunk in chunks(sorted(of_cart)):
                query = known.where(listings.c.product.in_(chunk), listings.c.item_id.is_not(None))
                tied.update({(cart, product): item for product, item in self._connection.execute(query)})
        item_of.update({row: tied[row.cart_id, row.product] for row in rows if (row.cart_id, row.product) in tied})

    def _names(self, wanted: set[int]) -> dict[int, Any]:
        known = {}
        for chunk in chunks(sorted(wanted)):
            query = select(items.c.id, items.c.sku, items.c.name).where(items.c.id.in_(chunk))
            known.update({row.id: row for row in self._connection.execute(query)})
        return known

    def _spellings(self, sku: str) -> list[str]:
        """Return the spellings of a SKU: as typed, as in OnHand, and as in the shops' products."""
        key = sku_key(sku)
        ours = select(items.c.sku).where(items.c.sku_key == key)
        theirs = select(listings.c.model).where(listings.c.sku_key == key, listings.c.model.is_not(None)).distinct()
        found = [sku, *self._connection.execute(ours).scalars(), *self._connection.execute(theirs).scalars()]
        return list(dict.fromkeys(found))[:SPELLINGS_MAX]

    # Orders entered by hand

    def _by_phone(
        self, limit: int, behind: tuple[Any, ...] | None, state: LineState | None, search: str
    ) -> list[Order]:
        wanted: list[ColumnElement[bool]] = []
        if behind is not None:
            place = tuple_(phone_orders.c.at, literal(0), literal(""), phone_orders.c.id)
            wanted.append(place < tuple_(*(literal(value) for value in behind)))
        if state is LineState.RESTOCKED:
            start = literal("phone/").concat(func.cast(phone_orders.c.id, phone_orders.c.number.type))
            mine = and_(movements.c.origin >= start.concat("/"), movements.c.origin < start.concat("0"))
            given_back = select(movements.c.id).where(mine, movements.c.kind == Kind.CANCELLATION.value)
            wanted.append(given_back.exists())
        if search:
            of_item = select(phone_order_lines.c.order_id).join(items, items.c.id == phone_order_lines.c.item_id)
            has = phone_orders.c.id.in_(of_item.where(items.c.sku_key == sku_key(search)))
            wanted.append(or_(phone_orders.c.number == search, has))
        return self._phone_orders(wanted, limit)

    def _phone_orders(self, wanted: Sequence[ColumnElement[bool]], limit: int) -> list[Order]:
        newest = (phone_orders.c.at.desc(), phone_orders.c.id.desc())
        heads = self._connection.execute(select(phone_orders).where(*wanted).order_by(*newest).limit(limit)).all()
        lines: defaultdict[int, list[OrderLine]] = defaultdict(list)
        for chunk in chunks([head.id for head in heads]):
            query = (
                select(phone_order_lines, items.c.sku, items.c.name)
                .join(items, items.c.id == phone_order_lines.c.item_id)
                .where(phone_order_lines.c.order_id.in_(chunk))
                .order_by(phone_order_lines.c.line)
            )
            for row in self._connection.execute(query):
                line = OrderLine(row.line, row.sku, row.name, row.item_id, row.quantity, LineState.SOLD)
                lines[row.order_id].append(line)
        return [
            Order(
                head.number,
                moment(head.at),
                tuple(lines[head.id]),
                id=head.id,
                person=head.person,
                note=head.note,
                place=f"{head.at}/0//{head.id}",
            )
            for head in heads
        ]

    # What came back

    def _with_returns(self, orders: Sequence[Order]) -> list[Order]:
        """Return the orders with the cancelled and returned units of each line, from their movements.

        The line itself has the units that a shop gave back.
        """
        back: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        for start in range(0, len(orders), RANGES):
            part = orders[start : start + RANGES]
            ranges = [and_(movements.c.origin >= o.prefix, movements.c.origin < f"{o.prefix[:-1]}0") for o in part]
            query = select(movements.c.origin, movements.c.kind, movements.c.quantity).where(or_(*ranges))
            for origin, kind, units in self._connection.execute(query):
                prefix, line = next(
                    (o.prefix, origin.removeprefix(o.prefix)) for o in part if origin.startswith(o.prefix)
                )
                back[prefix, line.partition("/")[0], kind] += units
        return [
            replace(
                order,
                lines=tuple(
                    replace(
                        line,
                        cancelled=line.cancelled - back[order.prefix, line.mark, Kind.RETURN.value]
                        if order.cart
                        else back[order.prefix, line.mark, Kind.CANCELLATION.value],
                        returned=back[order.prefix, line.mark, Kind.RETURN.value],
                    )
                    for line in order.lines
                ),
            )
            for order in orders
        ]


def _line(row: Any, item: int | None, known: dict[int, Any]) -> OrderLine:
    ours = known.get(item) if item is not None else None
    sku, name = (ours.sku, ours.name) if ours else (row.model or "", "")
    state = LineState(row.state)
    sold = state in (LineState.SOLD, LineState.RESTOCKED)
    return OrderLine(
        row.line,
        sku,
        name,
        item,
        row.taken if sold else row.quantity,
        state,
        bool(row.paid),
        bool(row.present),
        cancelled=row.back if sold else 0,  # and returned: ``_with_returns`` tells them apart
        run=row.run,
    )


def _numbered(text_: str) -> ColumnElement[bool]:
    """Return the condition that a shop's order has this number; false for a text that is not a number."""
    plain = text_.isascii() and text_.isdigit() and len(text_) <= NUMBER_DIGITS_MAX
    return order_lines.c.order_number == literal(int(text_) if plain else -1, Integer)


def _place(text_: str) -> tuple[int, int, str, int]:
    """Return the parts of a place in the list. Raise Refused if it is not valid."""
    at, _, rest = text_.partition("/")
    cart, _, rest = rest.partition("/")
    epoch, _, line = rest.rpartition("/")
    if not all(number.isascii() and number.isdigit() and len(number) < 19 for number in (at, cart, line)):
        raise Refused(f"{text_[:60]!r} is not a place in the list of orders: start from the top.", before=text_[:100])
    return int(at), int(cart), epoch, int(line)
