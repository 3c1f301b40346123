"""Buys: suppliers, purchase orders from reorder points or by hand, and goods received against them.

Path: the Receive and Suppliers screens, ``onhand purchase`` → here; received goods go through ``bookkeeping.book``, and all carts follow.
Promise: goods are received as a whole or not at all, together with what is left outstanding.
Never: sends anything to a supplier; a person does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from onhand.domain.errors import Conflict, Refused
from onhand.domain.grammar import counted
from onhand.domain.purchasing import LINES_MAX, OrderState, PurchaseOrder, Suggestion, Supplier, suggestions
from onhand.domain.stock import check_quantity, check_text, sku_key

from . import bookkeeping
from .items import find
from .ports import Books, House

NAME_LENGTH_MAX = 200  # of a supplier

log = structlog.get_logger()


def add_supplier(house: House, name: str, email: str, phone: str, note: str) -> str:
    """Add a supplier; return the name as it is kept. Raise Refused if it is blank or taken."""
    title = _supplier_name(name)
    contact = (_email(email), check_text(phone, "phone"), check_text(note, "note"))
    house.store.write(lambda books: books.purchases.add_supplier(title, *contact))
    log.info("supplier.added", supplier=title)
    return title


def edit_supplier(house: House, name: str, changed: Mapping[str, Any], revision: int | None) -> Supplier:
    """Change the details of a supplier. Raise Conflict if they changed since the caller looked."""
    texts: dict[str, Any] = {key: check_text(value, key) for key, value in changed.items() if isinstance(value, str)}
    if "name" in texts:
        texts["name"] = _supplier_name(texts["name"])
    if "email" in texts:
        texts["email"] = _email(texts["email"])

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


def suggest(house: House) -> list[tuple[Supplier | None, Suggestion]]:
    """Return what should be ordered, by supplier; None where an item has no supplier."""

    def read(books: Books) -> list[tuple[Supplier | None, Suggestion]]:
        known = {supplier.id: supplier for supplier in books.purchases.suppliers()}
        return [(known.get(one.stocked.supplier or 0), one) for one in suggestions(books.purchases.stocked())]

    return house.store.read(read)


def raise_orders(house: House, supplier: str, person: str) -> list[str]:
    """Make a draft of what should be ordered now, for each supplier or for this one; return their numbers.

    Items without an active supplier are left out. Raises Refused if there is nothing to order.
    """
    at = house.clock.now()

    def write(books: Books) -> list[str]:
        wanted: dict[int, list[tuple[int, int]]] = defaultdict(list)
        asked = [books.purchases.supplier(supplier)] if supplier.strip() else books.purchases.suppliers()
        active = {one.id for one in asked if one.active}
        for one in suggestions(books.purchases.stocked()):
            if one.stocked.supplier in active:
                wanted[one.stocked.supplier].append((one.stocked.item, one.units))
        if not wanted:
            raise Refused("No item with an active supplier is at its reorder point: there is nothing to order.")
        return [
            books.purchases.add(of, "From reorder points", person, lines[at_line : at_line + LINES_MAX], at)
            for of, lines in wanted.items()
            for at_line in range(0, len(lines), LINES_MAX)
        ]

    numbers = house.store.write(write)
    log.info("purchase.raised", orders=numbers, person=person)
    return numbers


def add(house: House, supplier: str, lines: Sequence[tuple[str, int]], note: str, person: str) -> str:
    """Add a draft of (SKU, units) lines; return its number. Raise Refused."""
    remark = check_text(note, "note")
    at = house.clock.now()

    def write(books: Books) -> str:
        known = books.purchases.supplier(supplier)
        if not known.active:
            raise Refused(f"{known.name} is not active any more: choose another supplier.", supplier=known.name)
        return books.purchases.add(known.id, remark, person, list(_units(books, lines, 1).items()), at)

    number = house.store.write(write)
    log.info("purchase.added", order=number, person=person)
    return number


def edit(
    house: House, number: str, lines: Sequence[tuple[str, int]], note: str | None, revision: int | None
) -> PurchaseOrder:
    """Update a draft: change or add lines, remove lines set to 0, keep the rest.

    Raises Conflict if it changed since it was shown, Refused if it is not a draft any more.
    """
    remark = None if note is None else check_text(note, "note")

    def write(books: Books) -> None:
        order = books.purchases.get(number)
        order.check_revision(revision)
        order.check_state(OrderState.DRAFT)
        units = {line.item: line.ordered for line in order.lines} | (_units(books, lines, 0) if lines else {})
        kept = [(item, ordered) for item, ordered in units.items() if ordered]
        _check_size(len(kept))
        books.purchases.replace_lines(order.id, order.note if remark is None else remark, kept)

    house.store.write(write)
    return house.store.read(lambda books: books.purchases.get(number))


def send(house: House, number: str, revision: int | None, person: str) -> PurchaseOrder:
    """Mark an order as sent: from now on goods may arrive. Raise Refused if it has no lines."""

    def check(order: PurchaseOrder) -> None:
        order.check_state(OrderState.DRAFT)
        if not order.lines:
            raise Refused(f"Purchase order {order.number} has no lines yet.", order=order.number)

    return _move(house, number, revision, OrderState.SENT, check, person)


def close(house: House, number: str, revision: int | None, person: str) -> PurchaseOrder:
    """Close an order: nothing more is expected, whatever is outstanding."""
    return _move(house, number, revision, OrderState.CLOSED, lambda order: order.check_state(OrderState.SENT), person)


def cancel(house: House, number: str, revision: int | None, person: str) -> PurchaseOrder:
    """Cancel an order. Raise Refused if some goods were received: close it then."""

    def check(order: PurchaseOrder) -> None:
        order.check_state(OrderState.DRAFT, OrderState.SENT)
        if order.received:
            raise Refused(
                f"{counted(order.received, 'unit')} of {order.number} already received: close it instead.",
                order=order.number,
            )

    return _move(house, number, revision, OrderState.CANCELLED, check, person)


def receive(
    house: House,
    number: str,
    lines: Sequence[tuple[str, int]] | None,
    over: bool,
    reference: str,
    person: str,
    revision: int | None,
) -> tuple[dict[str, int], int]:
    """Receive goods of a sent order, without lines all that is outstanding; return what is on hand now per SKU, and what is still
    outstanding. With nothing outstanding the order is closed.

    Raises Refused for more than is outstanding unless ``over``, and if this reference was already received for the order.
    """
    named = check_text(reference, "reference")
    at = house.clock.now()
    units: dict[str, int] = defaultdict(int)
    for sku, came in lines or ():
        units[sku_key(sku)] += check_quantity(came)

    def write(books: Books) -> tuple[dict[str, int], int]:
        order = books.purchases.get(number)
        order.check_state(OrderState.SENT)
        order.check_revision(revision)
        arrived = order.all_outstanding() if lines is None else order.arrived(units, over)
        movements = order.receipts(arrived, named, person)
        if named and books.ledger.booked([movements[0].origin]):
            raise Refused(
                f"Delivery {named!r} of {order.number} is booked already; nothing was changed.", reference=named
            )
        bookkeeping.book(books, movements, at)
        books.purchases.receive(order.id, {line.line: came for line, came in arrived})
        left = books.purchases.get(number).outstanding
        if not left:
            books.purchases.move(order.id, OrderState.CLOSED, at)
        found = books.items.by_id(sorted({line.item for line, _ in arrived}))
        return {item.sku: item.on_hand for item in found.values()}, left

    on_hand, left = house.store.write(write)
    log.info("purchase.received", order=number, items=len(on_hand), outstanding=left, person=person)
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


def _units(books: Books, lines: Sequence[tuple[str, int]], least: int) -> dict[int, int]:
    """Return the units of each item; lines of the same SKU are added up. Raise Refused for an unknown SKU and
    fewer than ``least`` units."""
    _check_size(len(lines))
    units: dict[int, int] = defaultdict(int)
    for item, (sku, ordered) in zip(find(books, [sku for sku, _ in lines]), lines, strict=True):
        if check_quantity(ordered) < least:
            raise Refused(f"Order at least one unit of {sku}.", sku=sku, quantity=ordered)
        units[item.id] = check_quantity(units[item.id] + ordered)
    return units


def _check_size(lines: int) -> None:
    if not 1 <= lines <= LINES_MAX:
        raise Refused(f"A purchase order has 1 to {LINES_MAX:,} lines.")


def _supplier_name(name: str) -> str:
    title = check_text(name, "name")
    if not title or len(title) > NAME_LENGTH_MAX:
        raise Refused(f"Give the supplier a name of 1 to {NAME_LENGTH_MAX} characters.", name=name)
    return title


def _email(text: str) -> str:
    email = check_text(text, "mail address")
    if email and (email.count("@") != 1 or email[0] == "@" or email[-1] == "@" or len(email.split()) != 1):
        raise Refused("Give one mail address, such as orders@example.com, or leave it blank.", email=email)
    return email
