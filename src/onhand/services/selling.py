"""Sells: takes orders that a person enters, cancels them, and takes goods back.

Path: ``onhand order …`` and the Orders screen → here → ``bookkeeping.book`` → all carts follow.
Promise: an order is booked whole or not at all, and an order number is booked once; no line gives back more than it took.
Never: collects orders from carts; that is ``collecting``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import structlog

from onhand.domain.errors import Refused
from onhand.domain.orders import LINES_MAX, Order
from onhand.domain.stock import Kind, Movement, Source, check_quantity, check_text

from . import bookkeeping
from .items import find
from .ports import Books, House

log = structlog.get_logger()


def take_order(
    house: House, lines: Sequence[tuple[str, int]], number: str, person: str, note: str, oversell: bool
) -> tuple[str, dict[str, int]]:
    """Book an order of (SKU, units) lines; return its number and what is on hand now per SKU.

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
                    f"{item.sku} has {item.on_hand} on hand, but the order needs {wanted[item.id]}: "
                    "lower the quantity, or allow overselling.",
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


def cancel_order(house: House, number: str, lines: Sequence[int] | None, person: str, reason: str) -> dict[str, Any]:
    """Give back what is left of an order entered by hand, or of some of its lines; return what is on hand now per SKU.

    Raises Refused if there is no such order, or nothing is left to cancel. An order of a shop is cancelled there.
    """
    person, reason = check_text(person, "name"), check_text(reason, "reason")

    def cancelled(order: Order) -> list[Movement]:
        wanted = [line for line in order.lines if line.left > 0] if lines is None else order.numbered(lines)
        if not wanted:
            raise Refused(f"Nothing is left of order {order.number} to cancel.", order=order.number)
        return [order.cancellation(line, person, reason) for line in wanted]

    answer = _give_back(house, number, None, "", cancelled)
    log.info("order.cancelled", order=number, lines=answer["lines"], person=person)
    return answer


def take_back(
    house: House, number: str, cart: int | None, epoch: str, lines: Sequence[tuple[int, int]], person: str, reason: str
) -> dict[str, Any]:
    """Book returned goods: (line, units) of an order of a cart, or of one entered by hand; return what is on hand now per SKU.

    Raises Refused if there is no such order or line, or more would come back than is left of a line.
    """
    person, reason = check_text(person, "name"), check_text(reason, "reason")
    if not lines or len(lines) > LINES_MAX:
        raise Refused(f"A return has 1 to {LINES_MAX} lines.")

    def returned(order: Order) -> list[Movement]:
        wanted = order.numbered([line for line, _ in lines])
        return [order.coming_back(line, units, person, reason) for line, (_, units) in zip(wanted, lines, strict=True)]

    answer = _give_back(house, number, cart, epoch, returned)
    log.info("order.returned", order=number, lines=answer["lines"], person=person)
    return answer


def _give_back(
    house: House, number: str, cart: int | None, epoch: str, moved: Callable[[Order], list[Movement]]
) -> dict[str, Any]:
    at = house.clock.now()

    def write(books: Books) -> dict[str, Any]:
        order = books.orders.find(number, cart, epoch)
        movements = moved(order)
        bookkeeping.book(books, movements, at)
        if order.cart is not None:
            for movement in movements:
                if movement.line is not None:
                    books.lines.come_back(Source(order.cart, order.epoch), movement.line, movement.quantity)
        after = books.items.by_id(sorted({movement.item for movement in movements}))
        on_hand = {item.sku: item.on_hand for item in after.values()}
        return {
            "order": order.number,
            "lines": len(movements),
            "units": sum(m.quantity for m in movements),
            "on_hand": on_hand,
        }

    return house.store.write(write)
