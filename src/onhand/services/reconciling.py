"""Compares single products with the books, books what is trade, and hands on what has settled; answers what a person decides.

Path: the controller's tick, when the lines do not explain the sums → ``suspects`` → ``compare``; a person → ``decide``.
Promise: only what was seen twice, the settling time apart, is acted on, and by the smaller amount; every act is a difference on record.
Never: writes to a shop: a remedy changes the books, and delivery follows from that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

import structlog

from onhand.domain import differences, law, sketch
from onhand.domain.carts import Cart
from onhand.domain.differences import Cause, Finding, Remedy
from onhand.domain.errors import Refused
from onhand.domain.listings import Listing
from onhand.domain.orders import LineState
from onhand.domain.shop import Line, Row
from onhand.domain.sketch import Counters, Sums
from onhand.domain.stock import Movement

from . import bookkeeping, braking, editing, evidence, looking, refreshing, remedying, returning, trading
from .memory import Memory, Moment
from .ports import ROWS_MAX, Books, House, Shop
from .weighing import Rules, Weighing, ripened, weigh

SLICE_LINES = looking.PAGES_MAX * ROWS_MAX  # lines that are booked in one commit

log = structlog.get_logger()


def suspects(house: House, cart: Cart, shop: Shop, misled: int = 0) -> frozenset[int]:
    """The products whose counters differ from the books: by cells, and if they are too many, by the full list.

    ``misled`` is how many answers in a row named a product that did not differ: as many small sizes are left out.
    """
    for size in sketch.SIZES[misled:]:
        seen = shop.cells(size)
        expected = house.store.read(lambda books, size=size: books.listings.cells(cart.id, size))  # type: ignore[misc]
        found = sketch.decode(sketch.difference(seen, expected))
        if found is not None:
            return frozenset(found)
    all_listings = house.store.read(lambda books: books.listings.all(cart.id))
    books_view = {listing.product: listing for listing in all_listings if not listing.deleted}
    shop_view = {row.product: row for row in refreshing.all_rows(shop)}
    return frozenset(
        product
        for product in books_view.keys() | shop_view.keys()
        if product not in books_view
        or product not in shop_view
        or (shop_view[product].quantity, shop_view[product].ordered)
        != (books_view[product].agreed, books_view[product].ordered)
    )


def compare(
    house: House,
    cart: Cart,
    shop: Shop,
    memory: Memory,
    products: Iterable[int],
    rules: Rules,
    whole: bool,
    edited: Collection[int] = (),
    partial: bool = False,
    new: Collection[int] = (),
) -> int:
    """Weigh these products, book what is trade, follow what is drift, act on what has settled.

    ``edited`` are those of which known lines have other units now. Suspicions against products that do not differ end; with ``whole``
    the products are all that differ, so against any other, too. Returns how many still differ after the booking; a product that
    was named and does not differ counts as one, as another must. With ``partial`` only some of the new
    lines were read, so only what they name is booked. ``new``: products that are asked about only because of a new line.
    """
    wanted = sorted(products)
    rows = {row.product: row for chunk in evidence.chunks(wanted) for row in shop.rows(chunk)}
    known = house.store.read(lambda books: books.listings.of(cart.id, wanted))
    # While the cart is stopped nothing is concluded from what is missing: an empty shop may be full again in a minute.
    if cart.halted is None and any(_is_news(known.get(product), rows.get(product)) for product in wanted):
        refreshing.refresh(house, cart, shop)
        known = house.store.read(lambda books: books.listings.of(cart.id, wanted))
    there = [known[p] for p in wanted if p in known and p in rows]
    weighings = weigh(house, cart, shop, there, rows, edited, memory)
    misled = 0
    differing = {weighing.listing.product for weighing in weighings if weighing.differs}
    doubtful = {weighing.listing.product for weighing in weighings if weighing.differs and weighing.listing.tracked}
    memory.clear(None if whole else wanted, doubtful)
    if whole:
        # Another set of products had the same cells, and stays hidden until a finer question tells them apart. Where a name
        # was lacking, a product may have been asked about for its late line alone.
        named = {product for product in wanted if product not in known or not known[product].unnamed}.difference(new)
        misled = 0 if cart.halted or named <= differing else 1
        memory.misled += misled
    if not weighings:
        return misled
    judged = cart.halted is None and not partial
    settled = ripened(weighings, memory, cart.in_step_at, house, rules) if judged else []
    nameless = {weighing.listing.product for weighing in settled if weighing.weighed.unnamed}
    if reason := braking.why(house, cart, memory, len(settled), nameless, rules):
        halt(house, cart, Cause.BRAKE, reason)
        settled = []
    if settled:
        # Before anything is done about it, the shop is asked about all lines of these products, however old they are.
        listings_of = [weighing.listing for weighing in settled]
        again = weigh(house, cart, shop, listings_of, rows, edited, memory, evidence.OLD_LINES_MAX)
        seen = {w.listing.product for w in again}
        weighings = [w for w in weighings if w.listing.product not in seen] + again
        settled = again
    now = Moment.now(house.clock)
    good = {w.listing.product: memory.witnessed.get(w.listing.product, now) for w in settled}
    by_editor = {}
    for weighing in settled:
        since = evidence.since(good[weighing.listing.product], now)
        until = memory.first_seen(weighing.listing.product, "drift", now) + timedelta(seconds=rules.settle_seconds / 2)
        by_editor[weighing.listing.product] = editing.by_editor(house, cart, shop, weighing, memory, since, until)
    since_look = memory.seconds_since_look(now)

    def write(books: Books) -> int:
        open_ones, lines_left = misled, SLICE_LINES
        for weighing in weighings:
            sold = weighing.weighed.sold[:lines_left]
            lines_left -= len(sold)
            open_ones += _book_trade(books, cart, weighing, sold, now.at, since_look)
        for weighing in settled:
            product = weighing.listing.product
            remedying.act(books, cart, weighing, good[product], by_editor[product], memory, rules, now)
        return open_ones

    return house.store.write(write)


def _is_news(listing: Listing | None, row: Row | None) -> bool:
    """Whether one product tells that the listing set changed: it is new, gone, or became one that cannot be kept in step."""
    if listing is None or row is None:
        return True
    return row.flags != listing.flags


def halt(house: House, cart: Cart, cause: Cause, note: str) -> None:
    """Stop posting to a cart until a person aligns it again. Says so once."""

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
    """A person's decision on a difference that waits for one. Raises Refused if it does not wait."""
    at = house.clock.now()

    def write(books: Books) -> None:
        difference = books.differences.get(difference_id)
        if not difference.awaits_decision or difference.listing is None:
            raise Refused(f"Difference {difference_id} does not wait for a decision.", difference=difference_id)
        listing = books.listings.by_id([difference.listing])[difference.listing]
        if not listing.tracked:
            raise Refused(
                "Its product is not kept in step any more: Send or Get its quantity, which settles this too.",
                difference=difference_id,
            )
        if not difference.about_return:
            books.listings.release(listing.id, difference.amount)
        which = "our count" if ours else "the shop's count"
        books.differences.close(difference.id, at, f"{which} chosen by {person or 'a person'}")
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
    """Book what counter and lines agree on; returns 1 if something is left open, else 0.

    ``sold`` are those of the lines that belong into this slice; the others are weighed again at the next look.
    """
    listing, row, weighed = weighing.listing, weighing.row, weighing.weighed
    if not listing.tracked:
        _follow(books, cart, listing, row, weighed)
        editing.note_edited(books, cart, weighing.changed)
        return 0
    trading.sell(books, cart, sold, at)
    returning.book_changes(books, cart, listing, weighed.changed, at, others=weighing.changed)
    if weighed.sold or row.status != listing.status:  # the sale may have no line yet, or what came back hide it
        note_switch(books, listing, row, since_look, at)
    if listing.unnamed and not weighed.unnamed and not weighed.fallen:
        trading.name_late(books, cart, listing, [line for line in weighing.waiting if line.paid])
    return 1 if len(sold) < len(weighed.sold) or any(amount for _, amount in weighing.doubts()) else 0


def _follow(books: Books, cart: Cart, listing: Listing, row: Row, weighed: law.Weighed) -> None:
    """Take over the counters of a listing that is not kept in step: nothing is booked for it."""
    moved = row.ordered - listing.ordered
    books.listings.drift(listing.id, row.sum - listing.sum, moved, 0)
    books.carts.move_sums(cart.id, Sums.of(listing.product, row.quantity - listing.agreed, moved))
    books.lines.mark(cart.source, [line.line for line in weighed.sold], LineState.UNTRACKED)


def note_switch(books: Books, listing: Listing, row: Row, seconds: float, at: datetime) -> None:
    """Note whether a product is on after a sale. ``seconds``: how long ago the look before this sale was. A form saved before it says
    nothing about the sale."""
    if row.status != listing.status or not (row.status or listing.off_by_sale):
        just_edited = row.modified != listing.modified and differences.is_recent(row.age, seconds)
        refreshing.note_switch(books, listing, row, listing.modified, just_edited, at)
        books.carts.remember_catalogue(listing.cart, "")  # what is switched on again has to show as a change
