"""Receives goods from suppliers.

Path: ``onhand receive`` and the Receive screen → ``receive`` → ``bookkeeping.book`` → all carts follow.
Promise: goods are received as a whole or not at all; with a reference only once.
Never: lowers a quantity; an excess is corrected by an adjustment.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from onhand.domain.errors import Refused
from onhand.domain.stock import Kind, Movement, check_quantity, check_text

from . import bookkeeping
from .items import find
from .ports import Books, House

LINES_MAX = 5000  # lines of one receipt

log = structlog.get_logger()


def receive(house: House, lines: Sequence[tuple[str, int]], reference: str, person: str, note: str) -> dict[str, int]:
    """Receive goods: book (SKU, units) lines; return what is on hand now per SKU.

    Raises Refused if a SKU is unknown, a quantity is not positive, or the reference is booked already.
    """
    if not lines or len(lines) > LINES_MAX:
        raise Refused(f"A delivery has 1 to {LINES_MAX} lines.")
    for sku, units in lines:
        if check_quantity(units) <= 0:
            raise Refused(
                f"Receive at least one unit of {sku}; to take stock away, adjust it.", sku=sku, quantity=units
            )
    reference, person, note = check_text(reference, "reference"), check_text(person, "name"), check_text(note, "note")
    at = house.clock.now()
    name = reference or f"{at.timestamp():.6f}"

    def write(books: Books) -> dict[str, int]:
        items = find(books, [sku for sku, _ in lines])
        movements = [
            Movement(item.id, Kind.RECEIPT, units, f"receipt/{name}/{n}", person=person, reason=note or reference)
            for n, (item, (_, units)) in enumerate(zip(items, lines, strict=True), 1)
        ]
        if books.ledger.booked([movements[0].origin]):
            raise Refused(f"Delivery {reference!r} is booked already; nothing was changed.", reference=reference)
        bookkeeping.book(books, movements, at)
        return {item.sku: item.on_hand for item in books.items.by_id(sorted({item.id for item in items})).values()}

    on_hand = house.store.write(write)
    log.info("receipt.booked", reference=reference, lines=len(lines), person=person)
    return on_hand
