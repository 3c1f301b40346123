"""Verbs about single products of carts: list them, choose an item for one, ignore some, undo that.

Path: called by name through ``verbs.run``.
Promise: an answer says what comes next: a product with a new item is not in sync before Send or Get.
Never: contacts a shop, except to preview one that was never aligned.
"""

from __future__ import annotations

from onhand.app import App
from onhand.domain.listings import Direction, Listing
from onhand.domain.stock import sku_key
from onhand.requests import listings as requests
from onhand.services import aligning, creating, settling
from onhand.wire import Data

from .carts import planned
from .registry import cart_named, verb


@verb(requests.CartProducts)
def cart_products(app: App, asked: requests.CartProducts) -> Data:
    found = cart_named(app, asked.cart)
    if found.aligned:
        rows = app.read(
            lambda books: books.products.page(found.id, asked.problem, asked.after, asked.limit, asked.search)
        )
        return {"cart": found.name, "aligned": True, "products": rows}
    with app.at_cart(found) as (house, shop, _):
        plans = aligning.preview(house, found, shop, Direction.GET, create=False)
    rows = [
        {
            "product": p.product,
            "model": p.sku,
            "name": p.name,
            "shows": p.there,
            "sku": p.sku if p.item else None,
            "on_hand": p.here,
            "aligned": False,
            "problem": p.problem,
            "chosen": False,
            "held": 0,
            "switched_off": False,
            "parked": None,
            "parked_by": None,
            "looks_like": None,
            "text": "",
        }
        for p in plans
        if p.product > asked.after
        and (
            asked.problem is None or p.problem == asked.problem or (asked.problem in {"any", "unsettled"} and p.problem)
        )
        and (sku_key(asked.search) in sku_key(p.sku) or asked.search.strip().lower() in p.name.lower())
    ][: asked.limit]
    return {"cart": found.name, "aligned": False, "products": rows}


@verb(requests.ListingSuggest)
def listing_suggest(app: App, asked: requests.ListingSuggest) -> Data:
    found = cart_named(app, asked.cart)
    listing = app.read(lambda books: settling.listings_of(books, found, [asked.product]))[0]
    rows = app.read(
        lambda books: books.products.alike(found.id, listing.model or "", listing.name, asked.search, asked.limit)
    )
    return {"cart": found.name, "listing": _shown(listing), "items": rows}


@verb(requests.ListingChoose)
def listing_choose(app: App, asked: requests.ListingChoose) -> Data:
    found = cart_named(app, asked.cart)
    listing = settling.choose(app.house, found, asked.product, asked.sku, asked.person)
    return {"cart": found.name, "sku": asked.sku.strip(), **_shown(listing)}


@verb(requests.ListingIgnore)
def listing_ignore(app: App, asked: requests.ListingIgnore) -> Data:
    found = cart_named(app, asked.cart)
    return {"cart": found.name, "ignored": settling.ignore(app.house, found, asked.products, asked.person)}


@verb(requests.ListingRelease)
def listing_release(app: App, asked: requests.ListingRelease) -> Data:
    found = cart_named(app, asked.cart)
    released = settling.release(app.house, found, asked.products, asked.person)
    return {"cart": found.name, "released": len(released), "listings": [_shown(listing) for listing in released]}


@verb(requests.ListingCreate)
def listing_create(app: App, asked: requests.ListingCreate) -> Data:
    found, wanted = cart_named(app, asked.cart), frozenset(asked.products) if asked.products else None
    if asked.dry_run:
        plans = app.read(lambda books: creating.planned(books, found, wanted))
    else:
        with app.at_cart(found) as (house, shop, memory):
            plans = creating.create(house, found, shop, memory, wanted)
    return planned(found, Direction.GET, asked.dry_run, plans, asked.limit)


@verb(requests.ListingSwitchOn)
def listing_switch_on(app: App, asked: requests.ListingSwitchOn) -> Data:
    found = cart_named(app, asked.cart)
    return {
        "cart": found.name,
        "switched_on": len(settling.switch_on(app.house, found, asked.products, True, asked.person)),
    }


@verb(requests.ListingLeaveOff)
def listing_leave_off(app: App, asked: requests.ListingLeaveOff) -> Data:
    found = cart_named(app, asked.cart)
    return {
        "cart": found.name,
        "left_off": len(settling.switch_on(app.house, found, asked.products, False, asked.person)),
    }


def _shown(listing: Listing) -> Data:
    return {
        "product": listing.product,
        "model": listing.model,
        "name": listing.name,
        "problem": listing.problem,
        "aligned": listing.aligned,
        "chosen": listing.chosen is not None,
        "says": settling.in_words(listing),
    }
