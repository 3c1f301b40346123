"""Corrects quantities: adjustments by a person, with a reason.

Path: ``onhand adjust`` and the item page → ``adjust`` → ``bookkeeping.book`` → all carts follow.
Promise: a correction is a movement with who and why.
Never: sets a balance: an absolute quantity is turned into a change at the moment of booking.
"""

from __future__ import annotations

import structlog

from onhand.domain.errors import Refused
from onhand.domain.stock import Kind, Movement, check_quantity, check_text

from . import bookkeeping
from .items import find
from .ports import Books, House

log = structlog.get_logger()


def adjust(
    house: House, sku: str, change: int | None, counted: int | None, reason: str, person: str, below_zero: bool
) -> int:
    """Add a signed change, or make the quantity what was counted; returns what is on hand now.

    Raises Refused if the SKU is unknown, the reason is missing, nothing would change by an adjustment, or the result would be negative and
    ``below_zero`` is not set.
    """
    reason, person = check_text(reason, "reason"), check_text(person, "name")
    if (change is None) == (counted is None):
        raise Refused("Give either a change or a counted quantity.")
    if not reason:
        raise Refused("Say why: an adjustment needs a reason.")
    if change == 0:
        raise Refused("A change of 0 changes nothing.")
    check_quantity(change if change is not None else counted or 0)
    at = house.clock.now()

    def write(books: Books) -> int:
        item = find(books, [sku])[0]
        difference = change if change is not None else (counted or 0) - item.on_hand
        after = item.on_hand + difference
        if after < 0 and difference < 0 and not below_zero:
            raise Refused(
                f"{item.sku} has {item.on_hand} on hand; that would leave {after}. Allow going below zero if that is meant.",
                sku=item.sku,
                on_hand=item.on_hand,
                after=after,
            )
        kind = Kind.ADJUSTMENT if change is not None else Kind.COUNT
        origin = f"{kind.value}/{at.timestamp():.6f}/{books.ledger.last()}"
        if difference:
            bookkeeping.book(books, [Movement(item.id, kind, difference, origin, reason=reason, person=person)], at)
        return after

    after = house.store.write(write)
    log.info("adjustment.booked", sku=sku, change=change, counted=counted, person=person)
    return after
