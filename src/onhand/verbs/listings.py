"""Verbs about single products of carts: see them, choose an item for one, ignore some, undo that.

Path: called by name through ``verbs.run``.
Promise: an answer says what comes next: a product with a new tie is not in step before Send or Get.
Never: speaks to a shop, but to preview one that was never aligned.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from onhand.app import App
from onhand.domain.listings import Direction, Listing
from onhand.domain.people import Scope
from onhand.domain.stock import sku_key
from onhand.services import aligning, creating, settling
from onhand.wire import Data

from .carts import planned
from .registry import Limit, Sku, Text, cart_named, verb

Product = Annotated[int, Field(ge=1, le=2**63 - 1)]
Products = Annotated[list[Product], Field(min_length=1, max_length=2000)]


@verb(Scope.READ)
def cart_products(
    app: App,
    cart: Text,
    problem: Text | None = None,
    after: Annotated[int, Field(ge=0)] = 0,
    limit: Limit = 1000,
    search: Text = "",
) -> Data:
    """List the products of a cart and the item each belongs to, after a product number.

    ``problem``: unmatched, blank, duplicate, fraction, download, derived, deleted, ignored, "set aside"; or unsettled (the
    first three), chosen, parked, "not aligned", "switched off", doubtful, mended, any.
    """
    found = cart_named(app, cart)
    if found.aligned:
        rows = app.read(lambda books: books.products.page(found.id, problem, after, limit, search))
        return {"cart": found.name, "aligned": True, "products": rows}
    with app.at_cart(found) as (shop, _):
        plans = aligning.preview(app.house, found, shop, Direction.GET, create=False)
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
        if p.product > after
        and (problem is None or p.problem == problem or (problem in {"any", "unsettled"} and p.problem))
        and (sku_key(search) in sku_key(p.sku) or search.strip().lower() in p.name.lower())
    ][:limit]
    return {"cart": found.name, "aligned": False, "products": rows}


@verb(Scope.READ)
def listing_suggest(
    app: App, cart: Text, product: Product, search: Text = "", limit: Annotated[int, Field(ge=1, le=100)] = 20
) -> Data:
    """Name the items that a product might be, by a SKU or name that is alike; or, with a search, those that contain it."""
    found = cart_named(app, cart)
    listing = app.read(lambda books: settling.listings_of(books, found, [product]))[0]
    rows = app.read(lambda books: books.products.alike(found.id, listing.model or "", listing.name, search, limit))
    return {"cart": found.name, "listing": _shown(listing), "items": rows}


@verb(Scope.MANAGE)
def listing_choose(app: App, cart: Text, product: Product, sku: Sku, person: Text = "") -> Data:
    """Tie one product of a cart to the item of this SKU, whatever the product's own SKU says."""
    found = cart_named(app, cart)
    listing = settling.choose(app.house, found, product, sku, person)
    return {"cart": found.name, "sku": sku.strip(), **_shown(listing)}


@verb(Scope.MANAGE)
def listing_ignore(app: App, cart: Text, products: Products, person: Text = "") -> Data:
    """Set products of a cart aside for good: not kept in step, not counted, and not shown as a problem."""
    found = cart_named(app, cart)
    return {"cart": found.name, "ignored": settling.ignore(app.house, found, products, person)}


@verb(Scope.MANAGE)
def listing_release(app: App, cart: Text, products: Products, person: Text = "") -> Data:
    """Undo what was chosen or ignored for products of a cart: their own SKUs decide again."""
    found = cart_named(app, cart)
    released = settling.release(app.house, found, products, person)
    return {"cart": found.name, "released": len(released), "listings": [_shown(listing) for listing in released]}


@verb(Scope.MANAGE)
def listing_create(
    app: App, cart: Text, products: Products | None = None, dry_run: bool = False, limit: Limit | None = None
) -> Data:
    """Make an item for each unmatched product of a cart, or for these, with the count that the shop shows, and keep it in step."""
    found, wanted = cart_named(app, cart), frozenset(products) if products else None
    if dry_run:
        plans = app.read(lambda books: creating.planned(books, found, wanted))
    else:
        with app.at_cart(found) as (shop, memory):
            plans = creating.create(app.house, found, shop, memory, wanted)
    return planned(found, Direction.GET, dry_run, plans, limit)


@verb(Scope.MANAGE)
def listing_switch_on(app: App, cart: Text, products: Products, person: Text = "") -> Data:
    """Switch products that sold out on again in the shop: with the next post, as soon as there is stock."""
    found = cart_named(app, cart)
    return {"cart": found.name, "switched_on": len(settling.switch_on(app.house, found, products, True, person))}


@verb(Scope.MANAGE)
def listing_leave_off(app: App, cart: Text, products: Products, person: Text = "") -> Data:
    """Leave products that sold out switched off in the shop, and ask no more about them."""
    found = cart_named(app, cart)
    return {"cart": found.name, "left_off": len(settling.switch_on(app.house, found, products, False, person))}


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
