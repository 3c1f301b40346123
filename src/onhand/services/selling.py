"""Sells: takes orders that a person enters, by phone or at the counter.

Path: ``onhand order add`` and the Orders screen → ``take_order`` → ``bookkeeping.book`` → all carts follow.
Promise: an order is booked whole or not at all, and an order number is booked once.
Never: collects orders from carts; that is ``collecting``.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from onhand.domain.errors import Refused
from onhand.domain.stock import Kind, Movement, check_quantity, check_text

from . import bookkeeping
from .items import find
from .ports import Books, House

LINES_MAX = 1000  # lines of one order

log = structlog.get_logger()


def take_order(
    house: House, lines: Sequence[tuple[str, int]], number: str, person: str, note: str, oversell: bool
) -> tuple[str, dict[str, int]]:
    """Book an order of (SKU, units) lines; returns its number and what is on hand now per SKU.

    Raises Refused if a SKU is unknown, the number is taken, or there is not enough on hand and ``oversell`` is not set.
    """
    if not lines or len(lines) > LINES_MAX:
        raise Refused(f"An order has 1 to {LINES_MAX} lines.")
    for sku, units in lines:
        if check_quantity(units) <= 0:
            raise Refused(f"An order takes at least one unit of {sku}.", sku=sku, quantity=units)
    number, person, note = (check_text(number, "order number"), check_text(person, "name"), check_text(note, "note"))
    at = house.clock.now()

    def write(books: Books) -> tuple[str, dict[str, int]]:
        items = find(books, [sku for sku, _ in lines])
        chosen = number or books.phone_orders.next_number()
        wanted: dict[int, int] = {}
        for (_, units), item in zip(lines, items, strict=True):
            wanted[item.id] = wanted.get(item.id, 0) + units
        for item in items:
            if wanted[item.id] > item.on_hand and not oversell:
                raise Refused(
                    f"There are {item.on_hand} of {item.sku} on hand, the order wants {wanted[item.id]}: "
                    "lower it, or allow overselling.",
                    sku=item.sku,
                    on_hand=item.on_hand,
                    wanted=wanted[item.id],
                )
        pairs = [(item.id, units) for (_, units), item in zip(lines, items, strict=True)]
        books.phone_orders.add(chosen, person, note, pairs, at)
        bookkeeping.book(
            books,
            [
                Movement(item, Kind.SALE, -units, f"order/{chosen}/{at_line}", order=chosen, person=person, reason=note)
                for at_line, (item, units) in enumerate(pairs, 1)
            ],
            at,
        )
        after = books.items.by_id(sorted(wanted))
        return chosen, {item.sku: item.on_hand for item in after.values()}

    chosen, on_hand = house.store.write(write)
    log.info("order.taken", order=chosen, lines=len(lines), person=person)
    return chosen, on_hand
