"""Books changes of sold order lines: units that came back, and units that were added to an order.

Path: ``reconciling``, ``remedying`` and ``aligning`` know which lines changed → ``book_changes`` → movements under the lines' names.
Promise: no line brings back more than it took, even if a clerk books a return at the same moment; the excess becomes a difference.
Never: decides which line changed, or how much of it counts; ``law``, ``naming`` and ``returns`` do.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog

from onhand.domain import family, grammar, returns
from onhand.domain.carts import Cart
from onhand.domain.differences import UNBOOKED, Cause, Finding, Remedy
from onhand.domain.lines import LineChange, least_left
from onhand.domain.listings import Listing
from onhand.domain.orders import LineState
from onhand.domain.returns import Counted
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
    ask: bool = True,
) -> int:
    """Book changes of sold lines of one listing: units that were added to an order, and units that came back.

    The counter moved with them; or, if ``drift`` is given, the sum moved by that many signed units, and the counter by ``counter``. No more
    is booked back than a line still held. Units that had come back before are taken from the shop again, with a difference on record; a
    person is asked about units that were never booked as taken. ``others``: changes of other lines. If some of those may have given the
    units back instead, those count of which fewer are left, and a person is asked about the rest; and about ``unsure`` units that may be of
    a line that is not known. Returns the units that the person is asked about; with ``ask`` False the caller has to ask.
    """
    if not changes:
        return 0
    changes, rivals = least_left(changes, others, family.restocks_in_part(cart.hello))
    counted = [_count(books, cart, change) for change in changes]
    _move(books, cart, listing, sum(change.units for change in changes), drift, counter)
    if not listing.tracked:
        return 0
    movements = [made for change, count in counted if (made := _movement(cart, listing, change, count)) is not None]
    if hold_unbookable(books, cart, {listing: sum(movement.quantity for movement in movements)}, at):
        return 0
    _book(books, cart, listing, movements, at)
    twice, doubted = sum(count.twice for _, count in counted), 0
    if twice:
        left = sum(change.sold.units.left for change in books.lines.renewed(cart.id, rivals))
        doubted = min(twice, left + unsure + _from_before(cart, counted))
        _take_again(books, cart, listing, changes, twice, doubted, at, ask)
    unbooked = sum(count.unbooked for _, count in counted)
    if unbooked and ask:
        _ask_about_unbooked(books, cart, listing, changes, unbooked, at)
    for movement in movements:
        log.info("line.changed", cart=cart.name, order=movement.order, line=movement.line, quantity=movement.quantity)
    return doubted + unbooked


def _count(books: Books, cart: Cart, told: LineChange) -> tuple[LineChange, Counted]:
    """Record a change on its line; return the change with what the line held by now, and what it counts for."""
    (change,) = books.lines.renewed(cart.id, [told])  # one by one: a line may have been edited and then deleted
    counted = returns.count(change)
    books.lines.change(cart.id, change, counted.after, LineState.RESTOCKED if change.deleted else LineState.SOLD)
    return change, counted


def _from_before(cart: Cart, counted: Sequence[tuple[LineChange, Counted]]) -> int:
    """Return the units that came back twice, of lines from before the cart's epoch: an order that is older yet may have given them back."""
    return sum(count.twice for change, count in counted if change.sold.epoch.partition("~")[0] != cart.epoch)


def _move(books: Books, cart: Cart, listing: Listing, units: int, drift: int | None, counter: int) -> None:
    """Follow the shop's counters: as trade of ``units``; or, if ``drift`` is given, the sum by that, and the counter by ``counter``."""
    if drift is None:
        books.listings.trade(cart.id, {listing.product: units})
        books.carts.move_sums(cart.id, Sums.of(listing.product, -units, units))
    else:
        books.listings.drift(listing.id, drift, counter, 0)
        books.carts.move_sums(cart.id, Sums.of(listing.product, drift - counter, counter))


def _movement(cart: Cart, listing: Listing, change: LineChange, counted: Counted) -> Movement | None:
    """Return the movement under the line's name; None if nothing counts."""
    sold, after = change.sold, counted.after
    source, item = Source(cart.id, sold.epoch), sold.item if sold.item is not None else listing.item
    if not counted.units or item is None:
        return None
    if change.units > 0:
        return Movement.sale_line(item, counted.units, source, sold.order, sold.line, after.taken, sold.run)
    cancelled = change.cancelled is not None
    return Movement.cancellation_line(
        item, counted.units, source, sold.order, sold.line, after.back, change.deleted, sold.run, cancelled
    )


def _book(books: Books, cart: Cart, listing: Listing, movements: Sequence[Movement], at: datetime) -> None:
    if movements:
        books.carts.owe_mark(cart.id)
    bookkeeping.book(books, movements, at)
    if any(movement.item != listing.item for movement in movements):
        # Sold under another SKU: that item's stock moved, and the shop's quantity of this one did. A post corrects this one.
        books.listings.announce_listings([listing.id])
        books.tell([cart.id])


def _take_again(
    books: Books,
    cart: Cart,
    listing: Listing,
    changes: Sequence[LineChange],
    units: int,
    doubted: int,
    at: datetime,
    ask: bool,
) -> None:
    """Take units from the shop again that it gave back although they had come back before: our count is right, and the next post corrects
    the shop. ``doubted``: so many of them may belong to another line, so with ``ask`` a person is asked whether they are on the shelf, too.
    """
    orders = ", ".join(dict.fromkeys(str(change.sold.order) for change in changes if change.units < 0))
    expected = Counters(listing.agreed, listing.ordered)
    if units > doubted:
        seen = Counters(listing.agreed + units - doubted, listing.ordered)
        note = f"Order {orders}: {units - doubted} came back here before the shop gave back as many."
        finding = Finding(Cause.GIVEN_BACK_TWICE, Remedy.POST)
        books.differences.open(cart.id, listing.id, finding, units - doubted, seen, expected, at, note)
    if doubted and ask:
        wanted = Counters(listing.agreed + doubted, listing.ordered)
        note = (
            f"Order {orders}: {doubted} came back here, and the shop gave back as many. "
            "If those are others and on the shelf as well, choose theirs; if not, choose ours."
        )
        finding = Finding(Cause.GIVEN_BACK_TWICE, Remedy.ASK)
        books.differences.open(cart.id, listing.id, finding, doubted, expected, wanted, at, note)
    books.listings.announce_listings([listing.id])
    books.tell([cart.id])


def _ask_about_unbooked(
    books: Books, cart: Cart, listing: Listing, changes: Sequence[LineChange], units: int, at: datetime
) -> None:
    """Ask about units that a shop gave back although they were never booked as taken: their order was edited without a trace, or the trace
    was lost."""
    orders = ", ".join(dict.fromkeys(str(change.sold.order) for change in changes if change.units < 0))
    _ask(
        books, cart, listing, units, f"Order {orders} gave back {grammar.counted(units, 'unit')} {UNBOOKED} by it.", at
    )


def ask_about_second_return(books: Books, cart: Cart, listing: Listing, units: int, at: datetime) -> None:
    """Follow a counter that fell by units that no line names, just after an order gave back as many, and ask whether these are others."""
    _move(books, cart, listing, -units, None, 0)
    counted = grammar.counted(units, "unit")
    note = f"{counted} came back a second time in the shop, or those of an order that is not known here: {counted} {UNBOOKED}."
    _ask(books, cart, listing, units, note, at)


def _ask(books: Books, cart: Cart, listing: Listing, units: int, note: str, at: datetime) -> None:
    """Hold units that a shop gave back until a person says whether they are on the shelf."""
    expected = Counters(listing.agreed, listing.ordered)
    seen = Counters(listing.agreed + units, listing.ordered)
    books.listings.drift(listing.id, 0, 0, units)
    finding = Finding(Cause.UNKNOWN, Remedy.ASK)
    books.differences.open(cart.id, listing.id, finding, units, seen, expected, at, note)
    books.listings.announce_listings([listing.id])
    books.tell([cart.id])
