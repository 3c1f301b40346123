"""Refreshes listings: reads the whole listing set of a cart again.

Path: ``ticking`` when products came, went or changed, ``reconciling`` when it meets one it does not know → ``refresh``.
Promise: counters of products that are known stay as they are booked; only new products bring theirs along.
Never: guesses an item for a SKU that is blank, used twice, or changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from onhand.domain.carts import Cart
from onhand.domain.catalogue import Changed, Notice, notices
from onhand.domain.errors import Permanent
from onhand.domain.listings import Listing, Tie
from onhand.domain.shop import Row
from onhand.domain.sketch import Sums

from . import bookkeeping, tying
from .memory import Memory, Moment
from .ports import LISTINGS_MAX, ROWS_MAX, Books, House, Shop

# How long before it is seen to be off a product may have sold out. The set is read every half minute.
EMPTIED_BEFORE = timedelta(minutes=1)
POSTS_MAX = 100
PAGES_MAX = 2 * LISTINGS_MAX // ROWS_MAX  # products deleted while pages are read make some of them short

log = structlog.get_logger()


def refresh(house: House, cart: Cart, shop: Shop, memory: Memory, catalogue: str | None = None) -> None:
    """Read the whole listing set again: new, deleted, renamed and switched-off products.

    ``memory`` keeps when a product was last seen right before it had another name: what it did meanwhile is as old as that.

    ``catalogue``: the shop's figure for the set, from before it is read. It is kept if it is the same afterwards. Otherwise the next one
    counts as a change: a figure that does not belong to the rows would hide a change that is undone.
    """
    rows = all_rows(shop)
    if catalogue and shop.look(cart.place.cursor, cart.place.cursor, 1, False, True).catalogue != catalogue:
        catalogue = None
    now = Moment.now(house.clock)
    left, resumed = house.store.write(lambda books: _take_over(books, cart, rows, catalogue or "", now.at))
    memory.leave(left, now)
    memory.resume(resumed, now)


def _take_over(
    books: Books, cart: Cart, rows: Sequence[Row], catalogue: str, at: datetime
) -> tuple[list[int], list[int]]:
    """Take a listing set over into the books, page by page, and record what a person has to know. Return the products that are not followed
    any more, and those that are followed again."""
    there = {row.product: row for row in rows}
    tied = tying.tie_rows(books, (x for page in books.listings.pages(cart.id) for x in page if not x.deleted), rows)
    taken = _Taken()
    for page in books.listings.pages(cart.id):
        live = [listing for listing in page if not listing.deleted]
        kept = [there[listing.product] for listing in live if listing.product in there]
        _take_page(books, cart, Changed.of(live, kept), tied, taken, at)
    fresh = [row for row in rows if row.product not in taken.known]
    new = _insert(books, cart, fresh, tied)
    came = Sums.total(Sums.of(row.product, row.quantity, row.ordered, count=1) for row in fresh)
    books.carts.move_sums(cart.id, came - Sums.total(bookkeeping.listing_sums(listing) for listing in taken.lost))
    tying.end_questions(books, [listing.id for listing in taken.ended], at)
    tying.show(books, cart, new + taken.notices, at)
    books.carts.remember_catalogue(cart.id, catalogue)
    log.info("listings.refreshed", cart=cart.name, listings=len(rows), new=len(fresh), deleted=len(taken.lost))
    return [listing.product for listing in taken.ended], taken.resumed


@dataclass(slots=True)
class _Taken:
    """What the pages of a listing set were found to be."""

    known: set[int] = field(default_factory=set)  # products
    lost: list[Listing] = field(default_factory=list)  # their products are gone
    ended: list[Listing] = field(default_factory=list)  # not followed any more
    resumed: list[int] = field(default_factory=list)  # products that are followed again
    notices: list[Notice] = field(default_factory=list)


def _take_page(
    books: Books, cart: Cart, changed: Changed, tied: Mapping[int, Tie], taken: _Taken, at: datetime
) -> None:
    """Take a page of known listings over into the books, and add to what was taken."""
    live = changed.known.values()
    tying.follow(books, cart, live, tied, at)
    books.listings.describe(cart.id, changed.kept, tied)
    _note_emptied(books, [(changed.known[row.product], row) for row in changed.kept], at)
    books.listings.forget(cart.id, [listing.product for listing in changed.lost])
    after = books.listings.of(cart.id, [row.product for row in changed.kept])
    followed = {product for product, listing in after.items() if listing.tracked}
    taken.known |= changed.known.keys()
    taken.lost += changed.lost
    taken.ended += [listing for listing in live if listing.tracked and listing.product not in followed]
    taken.resumed += [x.product for x in live if x.left is not None and x.product in followed]
    taken.notices += notices(changed, tied, after)


def _insert(books: Books, cart: Cart, fresh: Sequence[Row], tied: Mapping[int, Tie]) -> list[Notice]:
    """Insert new products, page by page; return what a person has to know about them."""
    found: list[Notice] = []
    for start in range(0, len(fresh), ROWS_MAX):
        page = fresh[start : start + ROWS_MAX]
        books.listings.insert(cart.id, page, tied, aligned=False)
        after = books.listings.of(cart.id, [row.product for row in page])
        found += notices(Changed.of([], page), tied, after)
    return found


def _note_emptied(books: Books, seen: Iterable[tuple[Listing, Row]], at: datetime) -> None:
    """Remember products that sold out and were switched off before they got new stock, also those that have another name for a while."""
    for before, row in seen:
        followed = before.tracked or before.left is not None
        if followed and before.status and not row.status and row.quantity > 0:
            note_switch(books, before, row, row.modified, row.modified != before.modified, at)


def note_switch(
    books: Books, before: Listing, row: Row, modified: str | None, edited: bool, at: datetime, returned: int = 0
) -> None:
    """Remember whether a product is on and, if it is off, whether a sale that emptied it did that, not a person.

    ``modified``: the date of its form to continue from. ``edited``: a form was saved since a look: then it may have been a person, who is
    asked once the product has stock. ``returned``: units that deleted orders gave back at this look, also those that had come back before.
    """
    emptied, sold = was_emptied(books, before, row, at), _sold_lately(books, before, row, at)
    by_sale = not row.status and (before.off_by_sale or (not edited and (before.went_off(row) or emptied)))
    # Sold and restocked since the last look, or its count was written over: it may have been empty in between.
    restocked = edited and sold and (row.sum != before.sum or returned > 0 or sum(_came(books, before, at)) > 0)
    ask = emptied or (sold and not edited) or restocked or was_emptied(books, before, row, at, True)
    books.listings.note_shop(before.id, row, modified, by_sale, ask)
    if by_sale and row.quantity > 0:  # it has stock already: the next post switches it on
        books.listings.announce_listings([before.id])
        books.tell([before.cart])


def _sold_lately(books: Books, before: Listing, row: Row, at: datetime) -> bool:
    """Return whether a product that went off was sold a moment ago: the sale may have switched it off, and a receipt restocked it since."""
    if row.status or not before.status:
        return False
    if row.ordered > before.ordered:  # not booked yet
        return True
    return any(units < 0 for units in _traded(books, before, at))


def was_emptied(books: Books, before: Listing, row: Row, at: datetime, goods: bool = False) -> bool:
    """Return whether a product that was on and is off now shows only what our latest posts added, or with ``goods`` also what buyers
    returned: so it had been sold out."""
    if row.status or not before.status or row.quantity <= 0:
        return False
    return row.quantity <= sum(_came(books, before, at) if goods else _posted(books, before, at))


def _came(books: Books, before: Listing, at: datetime) -> list[int]:
    """Return the units that our latest posts added to a product, and those that buyers returned."""
    return _posted(books, before, at) + [units for units in _traded(books, before, at) if units > 0]


def _posted(books: Books, before: Listing, at: datetime) -> list[int]:
    posts = books.posts.of_listing(before.id, _since(books, before.cart, at), POSTS_MAX)
    return [units for _, units in posts if units > 0]


def _traded(books: Books, before: Listing, at: datetime) -> list[int]:
    """Return the signed units of a product's latest sales and returns."""
    if before.item is None:
        return []
    return [
        units for _, units in books.ledger.trade_of(before.cart, before.item, _since(books, before.cart, at), POSTS_MAX)
    ]


def _since(books: Books, cart: int, at: datetime) -> datetime:
    """Return the earliest time at which a product that is seen off now may have sold out: the shop may not have answered for a while."""
    looked_at = books.carts.get(cart).looked_at
    return min(at, looked_at or at) - EMPTIED_BEFORE


def all_rows(shop: Shop, progress: Callable[[int], None] = lambda _: None) -> list[Row]:
    """Read every product of the shop, in pages; report to ``progress`` how many so far. Raise Permanent if there is no end to them."""
    rows: list[Row] = []
    for _ in range(PAGES_MAX):
        page = shop.listings(rows[-1].product if rows else 0, ROWS_MAX)
        rows += page.rows
        progress(len(rows))
        if not page.more:
            return rows
        if len(rows) > LISTINGS_MAX:
            break
    raise Permanent(
        f"The shop has more than {LISTINGS_MAX:,} products, or too few on a page: OnHand keeps at most {LISTINGS_MAX:,} in sync.",
        reason="answer",
        listings=len(rows),
    )
