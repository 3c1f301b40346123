"""Books certain trade of a shop: lines that were sold, units that its counter moved by, and names that come late.

Path: ``collecting``, ``reconciling``, ``remedying`` and ``aligning`` know what was sold → here → ``bookkeeping.book``.
Promise: the counter, the cart's sums and the stock move in one commit; changes that no count can hold wait for a person.
Never: decides what was sold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog

from onhand.domain import law
from onhand.domain.carts import Cart
from onhand.domain.differences import Cause, Finding, Remedy
from onhand.domain.listings import Listing
from onhand.domain.orders import LineState
from onhand.domain.shop import Line
from onhand.domain.sketch import Counters, Sums
from onhand.domain.stock import Movement

from . import bookkeeping
from .ports import Books

log = structlog.get_logger()


def sell(books: Books, cart: Cart, lines: Sequence[Line], at: datetime) -> tuple[int, ...]:
    """Book lines that the counter confirmed; return the products whose last units this took."""
    if not lines:
        return ()
    listings = books.listings.of(cart.id, sorted({line.product for line in lines}))
    units: Counter[int] = Counter()
    for line in lines:
        units[line.product] += line.quantity
    held = hold_unbookable(books, cart, {listings[p]: -n for p, n in units.items()}, at)
    sold = [line for line in sorted(lines, key=lambda line: line.line) if listings[line.product].tracked]
    taken = books.lines.take(cart.source, {line.line: listings[line.product].item for line in sold})
    movements = [
        Movement.sale_line(item, line.quantity, cart.source, line.order, line.line, taken[line.line].taken, line.run)
        for line in sold
        if line.product not in held and (item := listings[line.product].item) is not None
    ]
    books.listings.trade(cart.id, units)
    books.carts.move_sums(cart.id, law.trade(lines))
    untracked = [line.line for line in lines if not listings[line.product].tracked]
    books.lines.mark(cart.source, untracked, LineState.UNTRACKED)
    if sold:
        books.carts.owe_mark(cart.id)
    bookkeeping.book(books, movements, at)
    for movement in movements:
        log.info("sale.booked", cart=cart.name, order=movement.order, line=movement.line, quantity=movement.quantity)
    return tuple(p for p, n in units.items() if listings[p].agreed - n <= 0 and listings[p].status)


def take_uncounted(books: Books, cart: Cart, listing: Listing, lines: Sequence[Line], at: datetime) -> None:
    """Book lines that were added to an order and took their units, though the counter did not move."""
    if not lines:
        return
    units = law.units(lines)
    taken = books.lines.take(cart.source, dict.fromkeys([line.line for line in lines], listing.item))
    books.listings.drift(listing.id, -units, 0, 0)
    books.carts.move_sums(cart.id, Sums.of(listing.product, -units, 0))
    if listing.item is None or hold_unbookable(books, cart, {listing: -units}, at):
        return
    books.carts.owe_mark(cart.id)
    movements = [
        Movement.sale_line(
            listing.item, line.quantity, cart.source, line.order, line.line, taken[line.line].taken, line.run
        )
        for line in lines
    ]
    bookkeeping.book(books, movements, at)


def count_sale(books: Books, cart: Cart, product: int, units: int, at: datetime) -> None:
    """Book units (negative: given back) that the counter moved without a line to name them."""
    if not units:
        return
    listing = books.listings.of(cart.id, [product])[product]
    books.listings.trade(cart.id, {product: units})
    books.carts.move_sums(cart.id, Sums.of(product, -units, units))
    if not listing.tracked or listing.item is None:
        return
    books.carts.owe_mark(cart.id)
    books.listings.lack_name(listing.id, max(units, -listing.unnamed))
    if not hold_unbookable(books, cart, {listing: -units}, at):
        mark = f"{listing.ordered}+{units}/{at.timestamp():.6f}"
        make = Movement.sale_counter if units > 0 else Movement.cancellation_counter
        bookkeeping.book(books, [make(listing.item, abs(units), cart.source, product, mark)], at)
        log.info("counter.booked", cart=cart.name, product=product, units=units)


def name_late(books: Books, cart: Cart, listing: Listing, lines: Sequence[Line]) -> None:
    """Mark lines as sold whose units were booked before any line named them; no quantity moves."""
    if lines:
        books.lines.take(cart.source, dict.fromkeys([line.line for line in lines], listing.item))
        books.listings.lack_name(listing.id, -law.units(lines))


def hold_unbookable(books: Books, cart: Cart, changes: Mapping[Listing, int], at: datetime) -> set[int]:
    """Hold changes, in signed units, that would exceed the range of the count on hand, until a person decides; return their products."""
    tracked = {listing.item: listing for listing in changes if listing.tracked and listing.item is not None}
    over = bookkeeping.unbookable(books, {item: changes[listing] for item, listing in tracked.items()})
    for listing in (tracked[item] for item in sorted(over)):
        change = changes[listing]
        books.listings.drift(listing.id, 0, 0, change)
        books.differences.open(
            cart.id,
            listing.id,
            Finding(Cause.OUT_OF_RANGE, Remedy.ASK),
            change,
            Counters(listing.agreed + change, listing.ordered - change),
            Counters(listing.agreed, listing.ordered),
            at,
            bookkeeping.UNBOOKABLE,
        )
    return {tracked[item].product for item in over}
