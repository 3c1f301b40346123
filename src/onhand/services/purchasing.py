"""Buys: suppliers, purchase orders from reorder points or by hand, and goods received against them.

Path: the Receive and Suppliers screens, ``onhand purchase`` → here; what came goes through ``bookkeeping.book``, and all carts follow.
Promise: a delivery is booked whole or not at all, together with what it leaves outstanding.
Never: sends anything to a supplier; a person does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from onhand.domain.errors import Conflict, Refused
from onhand.domain.purchasing import OrderState, PurchaseOrder, Suggestion, Supplier, suggestions
from onhand.domain.stock import Kind, Movement, check_quantity, check_text, sku_key

from . import bookkeeping
from .items import find
from .ports import Books, House

LINES_MAX = 5000  # of one purchase order
NAME_LENGTH_MAX = 200  # of a supplier

log = structlog.get_logger()


def add_supplier(house: House, name: str, email: str, phone: str, note: str) -> str:
    """A new supplier; returns the name as it is kept. Raises Refused if it is blank or taken."""
    title = _supplier_name(name)
    contact = (check_text(email, "address"), check_text(phone, "number"), check_text(note, "note"))
    house.store.write(lambda books: books.purchases.add_supplier(title, *contact))
    log.info("supplier.added", supplier=title)
    return title


def edit_supplier(house: House, name: str, changed: Mapping[str, Any], revision: int | None) -> Supplier:
    """Change what is known of a supplier. Raises Conflict if somebody else did since the caller looked."""
    texts: dict[str, Any] = {key: check_text(value, key) for key, value in changed.items() if isinstance(value, str)}
    if "name" in texts:
        texts["name"] = _supplier_name(texts["name"])

    def write(books: Books) -> str:
        known = books.purchases.supplier(name)
        if revision is not None and revision != known.revision:
            raise Conflict(
                f"{known.name} was changed since you opened this page: look at the current values.",
                reason="stale",
                current={"name": known.name, "email": known.email, "phone": known.phone, "note": known.note},
            )
        after = replace(known, **(dict(changed) | texts))
        books.purchases.edit_supplier(after)
        return after.name

    kept = house.store.write(write)
    return house.store.read(lambda books: books.purchases.supplier(kept))


def suggest(house: House) -> tuple[list[Suggestion], dict[int, Supplier]]:
    """What ought to be ordered, and all suppliers by number."""
    return house.store.read(
        lambda books: (suggestions(books.purchases.stocked()), {s.id: s for s in books.purchases.suppliers()})
    )


def raise_orders(house: House, person: str) -> list[str]:
    """Make a draft for each supplier of what ought to be ordered now; returns their numbers. Items without a supplier stay."""
    at = house.clock.now()

    def write(books: Books) -> list[str]:
        wanted: dict[int, list[tuple[int, int]]] = defaultdict(list)
        active = {supplier.id for supplier in books.purchases.suppliers() if supplier.active}
        for one in suggestions(books.purchases.stocked()):
            if one.stocked.supplier in active:
                wanted[one.stocked.supplier].append((one.stocked.item, one.units))
        if not wanted:
            raise Refused("No item with an active supplier is at its reorder point: there is nothing to order.")
        return [
            books.purchases.add(supplier, "from reorder points", person, lines[at_line : at_line + LINES_MAX], at)
            for supplier, lines in wanted.items()
            for at_line in range(0, len(lines), LINES_MAX)
        ]

    numbers = house.store.write(write)
    log.info("purchase.raised", orders=numbers, person=person)
    return numbers


def add(house: House, supplier: str, lines: Sequence[tuple[str, int]], note: str, person: str) -> str:
    """A draft by hand of (SKU, units) lines; returns its number. Raises Refused."""
    remark = check_text(note, "note")
    at = house.clock.now()

    def write(books: Books) -> str:
        known = books.purchases.supplier(supplier)
        if not known.active:
            raise Refused(f"{known.name} is not active any more: choose another supplier.", supplier=known.name)
        return books.purchases.add(known.id, remark, person, _lines(books, lines), at)

    number = house.store.write(write)
    log.info("purchase.added", order=number, person=person)
    return number


def edit(house: House, number: str, lines: Sequence[tuple[str, int]], note: str, revision: int | None) -> PurchaseOrder:
    """Replace the lines of a draft. Raises Conflict if somebody else changed it, Refused if it is no draft any more."""
    remark = check_text(note, "note")

    def write(books: Books) -> None:
        order = books.purchases.get(number)
        order.check_revision(revision)
        order.check_state(OrderState.DRAFT)
        books.purchases.replace_lines(order.id, remark, _lines(books, lines))

    house.store.write(write)
    return house.store.read(lambda books: books.purchases.get(number))


def send(house: House, number: str, revision: int | None, person: str) -> PurchaseOrder:
    """The supplier has it: from now on goods may come. Raises Refused if it has no lines."""

    def check(order: PurchaseOrder) -> None:
        order.check_state(OrderState.DRAFT)
        if not order.lines:
            raise Refused(f"Purchase order {order.number} has no lines yet.", order=order.number)

    return _move(house, number, revision, OrderState.SENT, check, person)


def close(house: House, number: str, revision: int | None, person: str) -> PurchaseOrder:
    """Nothing more is expected, whatever is outstanding."""
    return _move(house, number, revision, OrderState.CLOSED, lambda order: order.check_state(OrderState.SENT), person)


def cancel(house: House, number: str, revision: int | None, person: str) -> PurchaseOrder:
    """It is called off. Raises Refused if something came already: close it then."""

    def check(order: PurchaseOrder) -> None:
        order.check_state(OrderState.DRAFT, OrderState.SENT)
        if order.received:
            raise Refused(f"{order.received} units came of {order.number}: close it instead.", order=order.number)

    return _move(house, number, revision, OrderState.CANCELLED, check, person)


def receive(
    house: House,
    number: str,
    lines: Sequence[tuple[str, int]],
    over: bool,
    reference: str,
    person: str,
    revision: int | None,
) -> tuple[dict[str, int], int]:
    """Book what came of a sent order; returns what is on hand now per SKU, and what is still outstanding.

    With nothing outstanding the order is closed. Raises Refused for more than is outstanding unless ``over``.
    """
    named = check_text(reference, "reference")
    at = house.clock.now()
    units: dict[str, int] = defaultdict(int)
    for sku, came in lines:
        units[sku_key(sku)] += check_quantity(came)

    def write(books: Books) -> tuple[dict[str, int], int]:
        order = books.purchases.get(number)
        order.check_state(OrderState.SENT)
        order.check_revision(revision)
        arrived = order.arrived(units, over)
        movements = [
            Movement(
                line.item,
                Kind.RECEIPT,
                came,
                f"purchase/{order.id}/{order.revision}/{line.line}",
                order=order.number,
                person=person,
                reason=named,
            )
            for line, came in arrived
        ]
        bookkeeping.book(books, movements, at)
        books.purchases.receive(order.id, {line.line: came for line, came in arrived})
        left = books.purchases.get(number).outstanding
        if not left:
            books.purchases.move(order.id, OrderState.CLOSED, at)
        found = books.items.by_id(sorted({line.item for line, _ in arrived}))
        return {item.sku: item.on_hand for item in found.values()}, left

    on_hand, left = house.store.write(write)
    log.info("purchase.received", order=number, lines=len(lines), outstanding=left, person=person)
    return on_hand, left


def _move(
    house: House,
    number: str,
    revision: int | None,
    state: OrderState,
    check: Callable[[PurchaseOrder], None],
    person: str,
) -> PurchaseOrder:
    at = house.clock.now()

    def write(books: Books) -> None:
        order = books.purchases.get(number)
        order.check_revision(revision)
        check(order)
        books.purchases.move(order.id, state, at)

    house.store.write(write)
    log.info("purchase.moved", order=number, state=state.value, person=person)
    return house.store.read(lambda books: books.purchases.get(number))


def _lines(books: Books, lines: Sequence[tuple[str, int]]) -> list[tuple[int, int]]:
    """Checked lines as (item, units); two of one SKU are one."""
    if not lines or len(lines) > LINES_MAX:
        raise Refused(f"A purchase order has 1 to {LINES_MAX:,} lines.", lines=len(lines))
    units: dict[int, int] = defaultdict(int)
    for item, (sku, ordered) in zip(find(books, [sku for sku, _ in lines]), lines, strict=True):
        if check_quantity(ordered) <= 0:
            raise Refused(f"Order at least one unit of {sku}.", sku=sku, units=ordered)
        units[item.id] = check_quantity(units[item.id] + ordered)
    return list(units.items())


def _supplier_name(name: str) -> str:
    title = check_text(name, "name")
    if not title or len(title) > NAME_LENGTH_MAX:
        raise Refused(f"Give the supplier a name of 1 to {NAME_LENGTH_MAX} characters.", name=name)
    return title
