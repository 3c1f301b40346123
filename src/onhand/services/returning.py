"""Books what became of sold order lines: units that came back, and units that were added to an order.

Path: ``reconciling``, ``remedying`` and ``aligning`` know which lines changed → ``book_changes`` → movements under the lines' names.
Promise: no line brings back more than it took, even if a clerk books a return at the same moment; the excess becomes a difference.
Never: decides which line changed; ``law`` and ``differences`` do.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog

from onhand.domain.carts import Cart
from onhand.domain.differences import Cause, Finding, Remedy
from onhand.domain.lines import LineChange, others_gone
from onhand.domain.listings import Listing
from onhand.domain.orders import LineState
from onhand.domain.sketch import Counters, Sums
from onhand.domain.stock import Movement, Source

from . import bookkeeping
from .ports import Books
from .trading import hold_unbookable

log = structlog.get_logger()


def book_changes(
    books: Books,
    cart: Cart,
    listing: Listing,
    changes: Sequence[LineChange],
    at: datetime,
    drift: int | None = None,
    counter: int = 0,
    others: Sequence[LineChange] = (),
    unsure: int = 0,
) -> None:
    """Book what became of sold lines of one listing: units that were added to an order, and units that came back.

    The counter moved with them; or, if ``drift`` is given, the sum moved by that many signed units, and the counter by ``counter``. Of
    a line no more is booked back than it still held: what had come back before is taken from the shop again, and said; what was never
    booked as taken is asked about. ``others``: changes of other lines; where one of them may have given the units back instead, a person
    is asked, and so about ``unsure`` units that may be of a line that is not known.
    """
    if not changes:
        return
    units = sum(change.units for change in changes)
    movements: list[Movement] = []
    twice = unbooked = 0
    for told in changes:
        (change,) = books.lines.renewed(cart.id, [told])  # one by one: a line may have been edited, and then have gone
        sold, source = change.sold, Source(cart.id, change.sold.epoch)
        item = sold.item if sold.item is not None else listing.item
        if change.units > 0:
            after, counted = sold.units.take(change.units), change.units
        else:
            after, counted = sold.units.give_back(-change.units, change.now)
            beyond, again = -change.units - counted, min(-change.units - counted, sold.units.back)
            twice += again
            unbooked += beyond - again
            if (
                sold.epoch.partition("~")[0] != cart.epoch
            ):  # an order that an alignment made history may have given them back
                unsure += again
        books.lines.change(cart.id, change, after, LineState.RESTOCKED if change.deleted else LineState.SOLD)
        if not counted or item is None or not listing.tracked:
            continue
        if change.units > 0:
            made = Movement.sale_line(item, counted, source, sold.order, sold.line, after.taken, sold.run)
        else:
            cancelled = change.cancelled is not None
            made = Movement.cancellation_line(
                item, counted, source, sold.order, sold.line, after.back, change.deleted, sold.run, cancelled
            )
        movements.append(made)
    if drift is None:
        books.listings.trade(cart.id, {listing.product: units})
        books.carts.move_sums(cart.id, Sums.of(listing.product, -units, units))
    else:
        books.listings.drift(listing.id, drift, counter, 0)
        books.carts.move_sums(cart.id, Sums.of(listing.product, drift - counter, counter))
    if not listing.tracked:
        return
    if hold_unbookable(books, cart, {listing: sum(movement.quantity for movement in movements)}, at):
        return
    if movements:
        books.carts.owe_mark(cart.id)
    bookkeeping.book(books, movements, at)
    if any(movement.item != listing.item for movement in movements):
        # Sold under another SKU: the stock of that item moved, and the shop's quantity of this one. A post puts this one right.
        books.listings.announce_listings([listing.id])
        books.tell([cart.id])
    if twice:
        left = sum(change.sold.units.left for change in books.lines.renewed(cart.id, others_gone(changes, others)))
        _take_again(books, cart, listing, changes, twice, min(twice, left + unsure), at)
    if unbooked:
        _ask_about_unbooked(books, cart, listing, changes, unbooked, at)
    for movement in movements:
        log.info("line.changed", cart=cart.name, order=movement.order, line=movement.line, quantity=movement.quantity)


def _take_again(
    books: Books, cart: Cart, listing: Listing, changes: Sequence[LineChange], units: int, doubted: int, at: datetime
) -> None:
    """A shop gave back units that had come back before: our count is right, and the next post takes them from the shop. ``doubted``: so
    many of them may be of another line, so a person is asked whether they are on the shelf, too."""
    orders = ", ".join(dict.fromkeys(str(change.sold.order) for change in changes if change.units < 0))
    expected = Counters(listing.agreed, listing.ordered)
    if units > doubted:
        seen = Counters(listing.agreed + units - doubted, listing.ordered)
        note = f"Order {orders}: {units - doubted} of it came back here before the shop gave them back too."
        finding = Finding(Cause.GIVEN_BACK_TWICE, Remedy.POST)
        books.differences.open(cart.id, listing.id, finding, units - doubted, seen, expected, at, note)
    if doubted:
        wanted = Counters(listing.agreed + doubted, listing.ordered)
        note = (
            f"Order {orders}: {doubted} of it came back here, and the shop gave back as many. "
            "If these are others, and on the shelf as well, choose theirs; if not, ours."
        )
        finding = Finding(Cause.GIVEN_BACK_TWICE, Remedy.ASK)
        books.differences.open(cart.id, listing.id, finding, doubted, expected, wanted, at, note)
    books.listings.announce_listings([listing.id])
    books.tell([cart.id])


def _ask_about_unbooked(
    books: Books, cart: Cart, listing: Listing, changes: Sequence[LineChange], units: int, at: datetime
) -> None:
    """A shop gave back units of an order that were never booked as taken: it was edited without a trace, or the trace was lost."""
    orders = ", ".join(dict.fromkeys(str(change.sold.order) for change in changes if change.units < 0))
    expected = Counters(listing.agreed, listing.ordered)
    seen = Counters(listing.agreed + units, listing.ordered)
    note = f"Order {orders} gave back {units} units more than were booked as taken by it."
    books.listings.drift(listing.id, 0, 0, units)
    finding = Finding(Cause.UNKNOWN, Remedy.ASK)
    books.differences.open(cart.id, listing.id, finding, units, seen, expected, at, note)
    books.listings.announce_listings([listing.id])
    books.tell([cart.id])
