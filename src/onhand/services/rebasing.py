"""Follows a counter that went down although no goods came back, or perhaps not all of them.

Path: ``remedying.act`` → ``rebase`` if the counter was reset, ``doubt_return`` if a return is in doubt.
Promise: the books follow the counter and no stock moves; each fall is a difference on record.
Never: books a return.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from onhand.domain import differences, law
from onhand.domain.carts import Cart
from onhand.domain.differences import Evidence, Finding, Remedy
from onhand.domain.doubts import Weighing
from onhand.domain.lines import LineChange
from onhand.domain.listings import Listing
from onhand.domain.orders import LineState
from onhand.domain.shop import Row
from onhand.domain.sketch import Counters, Sums

from .ports import Books

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Fall:
    """Units by which only a counter fell, and what they are taken for."""

    units: int
    finding: Finding
    missing: int = 0  # units by which the shop shows too few, if they did come back
    note: str = ""


def rebase(books: Books, cart: Cart, listing: Listing, row: Row, fall: Fall, at: datetime) -> None:
    """Follow a counter that fell: no stock moved. Sales since then show at the next look."""
    seen, expected = Counters(row.quantity, row.ordered), Counters(listing.agreed, listing.ordered)
    if fall.finding.remedy is Remedy.ASK:
        expected = Counters(row.quantity + fall.missing, row.ordered)
    difference = books.differences.open(cart.id, listing.id, fall.finding, -fall.units, seen, expected, at, fall.note)
    books.listings.drift(listing.id, -fall.units, -fall.units, 0)
    books.carts.move_sums(cart.id, Sums.of(listing.product, 0, -fall.units))
    if fall.finding.remedy is Remedy.REBASE:
        books.differences.close(difference, at, fall.note or fall.finding.remedy.value)
    log.warning(
        "counter.fell",
        cart=cart.name,
        product=listing.product,
        sku=listing.model,
        cause=fall.finding.cause,
        amount=-fall.units,
    )


def doubt_return(
    books: Books, cart: Cart, listing: Listing, weighing: Weighing, found: Evidence, units: int, at: datetime
) -> tuple[LineChange, ...]:
    """Follow a counter that gave back units that the quantity did not get; return the line changes that this is about.

    If a race or a form may have destroyed the return, a person is asked whether the goods are there.
    """
    # Of several lines, the one with most units left: nothing is booked for it, and the person is asked about all units that can have come
    # back.
    most_left_first = sorted(weighing.changed, key=lambda change: (change in weighing.old, -change.sold.units.left))
    _, changed = law.name(-units, (), most_left_first)
    destroyed = found.sales > 0 or found.edited
    fresh = max(0, units + sum(change.units for change in changed))
    renewed = books.lines.renewed(cart.id, changed)
    for change in renewed:
        after, counted = change.sold.units.give_back(-change.units, change.now)
        fresh += counted
        if destroyed:
            books.lines.change(cart.id, change, after, LineState.RESTOCKED if change.deleted else LineState.SOLD)
    rebase(books, cart, listing, weighing.row, _doubted(renewed, units, fresh if destroyed else 0), at)
    return changed


def _doubted(changes: Sequence[LineChange], units: int, fresh: int) -> Fall:
    """Return what a return of ``units`` is taken for. ``fresh``: units of it that may be on the shelf, so that a person is asked."""
    orders = ", ".join(str(change.sold.order) for change in changes)
    named = f" of order {orders}" if orders else ""
    note = f"The shop's counter fell by {units}{named}, but its quantity did not rise."
    if not fresh:
        return Fall(units, differences.LOWERED, note=note)
    question = f" If {fresh} came back to the shelf, choose theirs; if not, choose ours."
    return Fall(units, differences.DOUBTED, fresh, note + question)
