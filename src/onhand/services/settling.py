"""Decides by hand what SKUs alone cannot tell, and parks listings of the post stack.

Path: the listings, Post Stack and Inventory screens and their verbs → here → ``tying``.
Promise: no item is ever tied to two products of one cart; a person's choice, ignoring or parking stays until a person undoes it.
Never: moves a quantity, or posts: a listing with a new tie waits for Send or Get.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog

from onhand.domain.carts import Cart
from onhand.domain.errors import Refused
from onhand.domain.listings import Listing, Problem
from onhand.domain.stock import Item, check_text

from . import items, tying
from .ports import Books, House

log = structlog.get_logger()


def choose(house: House, cart: Cart, product: int, sku: str, person: str) -> Listing:
    """Tie this product to the item of this SKU, whatever its own SKU says; return the listing as it is then.

    Raises Refused if the cart has no such product, no item has the SKU, or another product of the cart holds the item.
    """
    at = house.clock.now()

    def write(books: Books) -> Listing:
        (listing,) = listings_of(books, cart, [product])
        item = items.find(books, [sku])[0]
        for other in books.listings.alike([], [item.id]):
            if other.cart == cart.id and other.id != listing.id:
                raise Refused(
                    f"{item.sku} belongs to product {other.product}, {_called(other)}, in {cart.name}: "
                    "ignore that one first, or choose another item for it.",
                    sku=item.sku,
                    product=other.product,
                )
        books.listings.settle([listing.id], item.id, ignored=False)
        _retie(books, [listing], [item.id], at, f"tied to {item.sku}: Send or Get its quantity")
        return books.listings.by_id([listing.id])[listing.id]

    listing = house.store.write(write)
    log.info("listing.chosen", cart=cart.name, product=product, sku=sku, person=person)
    return listing


def ignore(house: House, cart: Cart, products: Sequence[int], person: str) -> int:
    """Ignore these products: they are not kept in sync, not counted and not shown as a problem. Return how many.

    Raises Refused if the cart lacks one of them.
    """
    at = house.clock.now()

    def write(books: Books) -> int:
        listings = [listing for listing in listings_of(books, cart, products) if not listing.ignored]
        books.listings.settle([listing.id for listing in listings], None, ignored=True)
        _retie(books, listings, [], at, "its product is ignored")
        return len(listings)

    number = house.store.write(write)
    log.info("listings.ignored", cart=cart.name, listings=number, person=person)
    return number


def release(house: House, cart: Cart, products: Sequence[int], person: str) -> list[Listing]:
    """Undo what a person chose or ignored for these products: their SKUs decide again. Return them as they are then.

    Raises Refused if no person decided about any of them.
    """
    at = house.clock.now()

    def write(books: Books) -> list[Listing]:
        listings = [x for x in listings_of(books, cart, products) if x.ignored or x.chosen is not None]
        if not listings:
            raise Refused(f"Nothing was chosen or ignored for them in {cart.name}: their SKUs decide already.")
        books.listings.settle([listing.id for listing in listings], None, ignored=False)
        _retie(books, listings, [], at, tying.LINKED_AGAIN)
        return list(books.listings.by_id([listing.id for listing in listings]).values())

    released = house.store.write(write)
    log.info("listings.released", cart=cart.name, listings=len(released), person=person)
    return released


def park(house: House, cart: Cart, product: int, reason: str, person: str) -> None:
    """Post nothing for this product until a person releases it; its sales are still booked. Raise Refused."""
    why = check_text(reason, "reason")
    if not why:
        raise Refused("Say why nothing is to be posted for it: whoever finds it later needs to know.", reason=reason)
    at = house.clock.now()

    def write(books: Books) -> None:
        (listing,) = listings_of(books, cart, [product])
        if not listing.tracked:
            raise Refused(
                f"Product {product} of {cart.name} is not kept in sync: nothing is posted for it.", product=product
            )
        books.listings.park(listing.id, why, at, person or "a person")

    house.store.write(write)
    log.info("post.parked", cart=cart.name, product=product, reason=why, person=person)


def unpark(house: House, cart: Cart, products: Sequence[int] | None, by_person: bool) -> int:
    """Take parked listings back into delivery, all or these; return how many. Those that a person parked, only if ``by_person``."""

    def write(books: Books) -> int:
        wanted = [
            listing.id
            for listing in books.listings.parked(cart.id)
            if (products is None or listing.product in products) and (by_person or listing.parked_by is None)
        ]
        books.listings.unpark(wanted)
        books.tell([cart.id])
        return len(wanted)

    number = house.store.write(write)
    log.info("posts.released", cart=cart.name, listings=number)
    return number


def switch_on(house: House, cart: Cart, products: Sequence[int], on: bool, person: str) -> list[Listing]:
    """Let the next post switch these products on again in the shop as soon as there is stock, or leave them off.

    Return them as they are then. Raises Refused if one did not sell out and is off, or is not kept in sync.
    """

    def write(books: Books) -> list[Listing]:
        listings = listings_of(books, cart, products)
        others = [listing.product for listing in listings if not listing.switched_off]
        if others:
            raise Refused(
                f"Product {others[0]} of {cart.name} did not sell out and go off, or is not kept in sync: look at the list again.",
                products=others[:100],
            )
        books.listings.switch_on([listing.id for listing in listings], on)
        if on:
            books.tell([cart.id])
        return list(books.listings.by_id([listing.id for listing in listings]).values())

    changed = house.store.write(write)
    log.info(
        "listings.switched_on" if on else "listings.left_off", cart=cart.name, listings=len(changed), person=person
    )
    return changed


def product_of(books: Books, cart: Cart, sku: str) -> int:
    """Return the product of a cart that an item is tied to. Raise Refused if there is none."""
    item: Item = items.find(books, [sku])[0]
    for listing in books.listings.alike([], [item.id]):
        if listing.cart == cart.id:
            return listing.product
    raise Refused(f"No product of {cart.name} is tied to {item.sku}.", sku=sku)


def listings_of(books: Books, cart: Cart, products: Sequence[int]) -> list[Listing]:
    """Return the listings of these products, by their number. Raise Refused if one is not in the books."""
    if not cart.aligned:
        raise Refused(
            f"The products of {cart.name} are not in the books yet: use Get QOH or Send QOH first.", cart=cart.name
        )
    found = books.listings.of(cart.id, products)
    missing = sorted(set(products) - found.keys())
    if missing:
        shown = ", ".join(map(str, missing[:10])) + (" …" if len(missing) > 10 else "")
        raise Refused(f"{cart.name} has no product {shown} any more: look at the list again.", products=missing[:100])
    return [found[product] for product in sorted(found)]


def _retie(books: Books, listings: Sequence[Listing], others: Sequence[int], at: datetime, note: str) -> None:
    """Tie these again, and all that share an item or SKU with what they were or are tied to."""
    concerned = {listing.item for listing in listings} | {*others}
    tying.retie(books, {x for x in concerned if x is not None}, at, [listing.id for listing in listings], note=note)


def _called(listing: Listing) -> str:
    """Return the name by which a person knows a product."""
    return f"“{listing.name}”" if listing.name else f"SKU {listing.model}"


def in_words(listing: Listing) -> str:
    """Return what comes next for a listing whose tie was changed."""
    if listing.tracked:
        return "It stays in sync."
    if listing.problem is None:
        return "It is not aligned yet: Send or Get its quantity to sync it."
    if listing.problem is Problem.SET_ASIDE:
        return "Its item has Ignore QOH or Drop ship, so it is not synced."
    return f"It is not synced: {listing.problem.value}."
