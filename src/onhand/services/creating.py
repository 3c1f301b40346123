"""Creates items for products that only a shop has, with the counts it shows, and keeps them in sync from then on.

Path: the button on a cart's unmatched products, and ``onhand listing create`` → ``create``; the others of the cart stay as they are.
Promise: the shop is looked at first, and OnHand does nothing else there until the end, so no sale falls between count
and alignment.
Never: creates an item for a blank or a duplicate SKU, or speaks to the shop for a preview.
"""

from __future__ import annotations

from collections.abc import Container

import structlog

from onhand.domain.carts import Cart
from onhand.domain.errors import Refused
from onhand.domain.listings import Direction, Plan, Problem, plan
from onhand.domain.stock import Kind, Movement, check_sku, is_sku

from . import aligning, bookkeeping, settings
from .memory import Memory
from .ports import Books, House, Shop

NOTE = "an item was created for it"

log = structlog.get_logger()


def planned(books: Books, cart: Cart, products: Container[int] | None) -> list[Plan]:
    """Return what ``create`` would do, based on the last look. Raise Refused if the cart was never aligned."""
    if not cart.aligned:
        raise Refused(
            f"The products of {cart.name} are not in the books yet: use Get QOH with Create Records for New Products.",
            cart=cart.name,
        )
    shown = [
        listing.shown
        for listing in books.listings.all(cart.id)
        if listing.problem is Problem.UNMATCHED
        and (products is None or listing.product in products)
        and is_sku(listing.model or "")
    ]
    return plan(Direction.GET, shown, {}, cart.settings.buffer, create=True)


def create(house: House, cart: Cart, shop: Shop, memory: Memory, products: Container[int] | None) -> list[Plan]:
    """Create the items; return what was done. Raise Refused if the cart was never aligned, is stopped, or has no such product."""
    pace = house.store.read(lambda books: settings.pace_of(books, cart))
    house.store.read(lambda books: planned(books, cart, ()))  # check that it can be done at all before asking the shop
    aligning.look_at_all(house, cart, shop, memory, pace)
    at = house.clock.now()

    def write(books: Books) -> list[Plan]:
        plans = planned(books, cart, products)
        if not plans:
            raise Refused(f"{cart.name} has no unmatched product with a SKU among these: look at the list again.")
        books.items.add_all([(check_sku(line.sku), line.name) for line in plans], at)
        books.listings.tie()
        fresh = books.listings.of(cart.id, [line.product for line in plans])
        ids = [listing.id for listing in fresh.values()]
        stamp = f"create/{books.carts.get(cart.id).source}/{at.timestamp():.6f}"
        movements = [
            Movement(
                listing.item,
                Kind.OPENING,
                listing.agreed,
                f"{stamp}/{listing.product}",
                cart.id,
                reason=f"created from {cart.name}",
            )
            for listing in fresh.values()
            if listing.item is not None and listing.agreed
        ]
        books.listings.align(cart.id, ids)
        books.listings.announce_listings(ids)  # with a buffer, the shop shows that much less from now on
        bookkeeping.book(books, movements, at)
        books.differences.close_listings(ids, at, NOTE)
        books.tell([cart.id])
        return plans

    plans = house.store.write(write)
    log.info("items.created", cart=cart.name, items=len(plans))
    return plans
