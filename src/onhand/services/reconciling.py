"""Compares single products with the books, books trade, hands on what has settled, and carries out what a person decides.

Path: the controller's tick, when the lines do not explain the sums → ``suspects`` → ``compare``; a person → ``decide``.
Promise: only what was seen twice, one settling time apart, is acted on, and by the smaller amount; every act is a difference on record.
Never: writes to a shop: a remedy changes the books, and delivery follows from that.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog

from onhand.domain import differences, law, sketch
from onhand.domain.carts import Cart
from onhand.domain.differences import Cause, Ending, Finding, Remedy
from onhand.domain.doubts import Doubts, Weighing
from onhand.domain.errors import Refused
from onhand.domain.listings import Listing
from onhand.domain.looks import Asked
from onhand.domain.orders import LineState
from onhand.domain.shop import Line, Row
from onhand.domain.sketch import Counters, Sums
from onhand.domain.stock import Movement

from . import bookkeeping, braking, editing, evidence, looking, refreshing, remedying, returning, trading
from .memory import Memory, Moment
from .ports import ROWS_MAX, Books, House, Shop
from .weighing import Rules, ripened, weigh

SLICE_LINES = looking.PAGES_MAX * ROWS_MAX  # lines booked in one commit

log = structlog.get_logger()


def suspects(house: House, cart: Cart, shop: Shop, misled: int = 0) -> frozenset[int]:
    """Return the products whose counters differ from the books: by cells, or if those are too many, by the full list.

    ``misled``: how many answers in a row named a product that did not differ; as many of the small sizes are skipped.
    """
    for size in sketch.SIZES[misled:]:
        seen = shop.cells(size)
        expected = house.store.read(lambda books, size=size: books.listings.cells(cart.id, size))  # type: ignore[misc]
        found = sketch.decode(sketch.difference(seen, expected))
        if found is not None:
            return frozenset(found)

    def counters(books: Books) -> dict[int, tuple[int, int]]:
        listings = (listing for page in books.listings.pages(cart.id) for listing in page)
        return {listing.product: (listing.agreed, listing.ordered) for listing in listings if not listing.deleted}

    here = house.store.read(counters)
    there = {row.product: (row.quantity, row.ordered) for row in refreshing.all_rows(shop)}
    return frozenset(product for product in here.keys() | there.keys() if here.get(product) != there.get(product))


def compare(house: House, cart: Cart, shop: Shop, memory: Memory, asked: Asked, rules: Rules) -> int:
    """Weigh these products, book trade, follow drift, and act on what has settled.

    Suspicions against products that do not differ end; if no other product can differ, all other suspicions end too. Return how many still
    differ after the booking; a product that was named and does not differ counts as one, because another must differ.
    """
    known, rows = _read(house, cart, shop, memory, sorted(asked.products))
    pairs = [(known[product], rows[product]) for product in sorted(known.keys() & rows.keys())]
    weighings = weigh(house, cart, shop, memory, pairs, asked.edited)
    differing = {weighing.product for weighing in weighings if weighing.differs}
    tracked = {weighing.product for weighing in weighings if weighing.listing.tracked}
    memory.clear(None if asked.whole else asked.products, differing & tracked)
    # While the cart is stopped, the books do not follow, so cells prove nothing.
    misled = 0 if cart.halted else asked.misled(known, differing)
    memory.misled += misled
    if not weighings:
        return misled
    judged = cart.halted is None and not asked.partial
    settled = _settled(house, cart, shop, memory, weighings, rules) if judged else []
    renewed = {weighing.product for weighing in settled}
    weighings = [weighing for weighing in weighings if weighing.product not in renewed] + settled
    now = Moment.now(house.clock)
    cases = [remedying.gather(house, cart, shop, memory, weighing, rules, now) for weighing in settled]
    since_look = memory.seconds_since_look(now)

    def write(books: Books) -> int:
        open_ones, lines_left = misled, SLICE_LINES
        for weighing in weighings:
            sold = weighing.weighed.sold[:lines_left]
            lines_left -= len(sold)
            open_ones += _book_trade(books, cart, weighing, sold, now.at, since_look)
        for case in cases:
            remedying.act(books, cart, case, memory, rules.policy)
        return open_ones

    return house.store.write(write)


def _read(
    house: House, cart: Cart, shop: Shop, memory: Memory, products: Sequence[int]
) -> tuple[dict[int, Listing], dict[int, Row]]:
    """Return what the books and the shop hold of these products; refresh the listing set first if one of them shows that it changed."""
    rows = {row.product: row for chunk in evidence.chunks(products) for row in shop.rows(chunk)}
    known = house.store.read(lambda books: books.listings.of(cart.id, products))
    # While the cart is stopped, missing products prove nothing: an empty shop may be full again in a minute.
    if cart.halted is None and any(_is_news(known.get(product), rows.get(product)) for product in products):
        refreshing.refresh(house, cart, shop, memory)
        known = house.store.read(lambda books: books.listings.of(cart.id, products))
    return known, rows


def _settled(
    house: House, cart: Cart, shop: Shop, memory: Memory, weighings: Sequence[Weighing], rules: Rules
) -> list[Weighing]:
    """Return the products of which something has settled, each weighed once more; none if there are so many that the cart is stopped."""
    settled = ripened(house, cart, memory, weighings, rules.settle_seconds)
    nameless = {weighing.product for weighing in settled if weighing.weighed.unnamed}
    if reason := braking.why(house, cart, memory, len(settled), nameless, rules):
        halt(house, cart, Cause.BRAKE, reason)
        return []
    if not settled:
        return []
    # Before acting on it, ask the shop about all lines of these products, however old they are.
    pairs = [(weighing.listing, weighing.row) for weighing in settled]
    products = {weighing.product for weighing in settled}
    return weigh(house, cart, shop, memory, pairs, products, evidence.OLD_LINES_MAX)


def _is_news(listing: Listing | None, row: Row | None) -> bool:
    """Return whether a product shows that the listing set changed: it is new or gone, or cannot be kept in sync any more."""
    if listing is None or row is None:
        return True
    return row.flags != listing.flags


def halt(house: House, cart: Cart, cause: Cause, note: str) -> None:
    """Stop posting to a cart until a person aligns it again; record that once."""

    def write(books: Books) -> None:
        if books.carts.get(cart.id).halted is None:
            books.carts.halt(cart.id, note)
            nothing = Counters(0, 0)
            books.differences.open(
                cart.id, None, Finding(cause, Remedy.STOP), 0, nothing, nothing, house.clock.now(), note
            )

    house.store.write(write)
    log.error("cart.halted", cart=cart.name, cause=cause.value, note=note)


def decide(house: House, difference_id: int, ours: bool, person: str) -> None:
    """Carry out a person's decision on a difference. Raises Refused if it does not wait for one."""
    at = house.clock.now()

    def write(books: Books) -> None:
        difference = books.differences.get(difference_id)
        if not difference.awaits_decision or difference.listing is None:
            raise Refused(f"Difference {difference_id} does not wait for a decision.", difference=difference_id)
        listing = books.listings.by_id([difference.listing])[difference.listing]
        if not listing.tracked:
            raise Refused(
                "Its product is no longer synced: Send or Get its quantity, which settles this too.",
                difference=difference_id,
            )
        if not difference.about_return:
            books.listings.release(listing.id, difference.amount)
        chosen = Ending.OURS if ours else Ending.THEIRS
        books.differences.close(difference.id, at, f"{chosen} by {person or 'a person'}")
        if not ours and listing.item is not None:
            change = difference.theirs
            if bookkeeping.unbookable(books, {listing.item: change}):
                raise Refused(bookkeeping.UNBOOKABLE, difference=difference_id, amount=change)
            books.carts.owe_mark(difference.cart)
            movement = Movement.edit(listing.item, change, difference.cart, difference.id)
            bookkeeping.book(books, [movement], at)
        books.tell([difference.cart])

    house.store.write(write)


def _book_trade(
    books: Books, cart: Cart, weighing: Weighing, sold: Sequence[Line], at: datetime, since_look: float
) -> int:
    """Book what counter and lines agree on; return 1 if something is left open, else 0.

    ``sold``: the lines to book in this commit; all others are weighed again at the next look.
    """
    listing, row, weighed = weighing.listing, weighing.row, weighing.weighed
    if not listing.tracked:
        _follow(books, cart, listing, row, weighed)
        editing.note_edited(books, cart, weighing.changed)
        return 0
    trading.sell(books, cart, sold, at)
    returning.book_changes(books, cart, listing, weighed.changed, at, others=weighing.changed)
    if weighed.sold or row.status != listing.status:  # the sale may have no line yet, or a return may hide it
        returned = -sum(change.units for change in weighed.changed if change.units < 0)
        note_switch(books, listing, row, since_look, at, returned)
    if not weighed.unnamed and not weighed.fallen:
        trading.name_late(books, cart, listing, weighing.late)
    return 1 if len(sold) < len(weighed.sold) or weighing.doubts != Doubts() else 0


def _follow(books: Books, cart: Cart, listing: Listing, row: Row, weighed: law.Weighed) -> None:
    """Take over the counters of a listing that is not kept in sync: nothing is booked for it."""
    moved = row.ordered - listing.ordered
    books.listings.drift(listing.id, row.sum - listing.sum, moved, 0)
    books.carts.move_sums(cart.id, Sums.of(listing.product, row.quantity - listing.agreed, moved))
    books.lines.mark(cart.source, [line.line for line in weighed.sold], LineState.UNTRACKED)


def note_switch(books: Books, listing: Listing, row: Row, seconds: float, at: datetime, returned: int = 0) -> None:
    """Note whether a product is on after a sale. ``seconds``: how long ago the look before this sale was. A form that was saved before
    that look says nothing about the sale. ``returned``: units that deleted orders gave back at this look."""
    if row.status != listing.status or not (row.status or listing.off_by_sale):
        just_edited = row.modified != listing.modified and differences.is_recent(row.age, seconds)
        refreshing.note_switch(books, listing, row, listing.modified, just_edited, at, returned)
        books.carts.remember_catalogue(listing.cart, "")  # switching it on again must show as a change
