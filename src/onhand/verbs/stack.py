"""Verbs about the post stack: see it, try again, set a product aside, let it go on.

Path: called by name through ``verbs.run``.
Promise: what a person parked is posted again only when a person releases it; its sales are booked all the while.
Never: posts by itself: the cart's driver does.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from onhand.app import App
from onhand.domain.carts import Cart
from onhand.domain.errors import Refused
from onhand.domain.people import Scope
from onhand.services import settling
from onhand.wire import Data

from .listings import Product
from .registry import Invalid, Limit, Sku, Text, cart_named, verb

IN_STACK = ("waiting", "parked")  # states of a listing, before a post has a number
PostState = Literal["waiting", "parked", "sent", "settled", "applied", "missing", "range", "unlanded"]


@verb(Scope.READ)
def posts(
    app: App,
    cart: Text | None = None,
    state: PostState | None = None,
    limit: Limit = 100,
    before: Annotated[str, Field(max_length=60)] = "",
    after: Annotated[int, Field(ge=0)] = 0,
    counts: bool = False,
) -> Data:
    """List what waits to be posted, and posts, newest first. ``state`` asks for one kind alone.

    ``counts`` adds how many wait, are in flight and are parked, whatever ``state`` asks for. ``more_posts`` is the ``before`` of the
    next page of posts, ``more_waiting`` the ``after`` of the next page of those that wait or are parked.
    """
    found = cart_named(app, cart).id if cart else None
    key = _key(before)

    def read(books: Any) -> Data:
        waiting = books.stack.parked(found, limit, after) if state in {None, "parked"} else []
        waiting += books.stack.waiting(found, limit, after) if state in {None, "waiting"} else []
        numbered = state is None or state not in IN_STACK
        sent = books.stack.posts(found, state, limit, key) if numbered else []
        counted = {"counts": books.figures.stack(found)} if counts else {}
        return {**counted, "waiting": waiting, "posts": sent}

    data = app.read(read)
    last = data["posts"][-1]["key"] if len(data["posts"]) == limit else None
    tries = _tries(app)
    for row in data["posts"]:
        del row["key"]
        row["attempts"] = tries.get(row["cart_id"], 1) if row["state"] == "sent" else None
    full = state in IN_STACK and len(data["waiting"]) == limit
    return {
        **data,
        "more_posts": ".".join(map(str, last)) if last else None,
        "more_waiting": data["waiting"][-1]["id"] if full else None,
    }


@verb(Scope.MANAGE)
def posts_retry(app: App, cart: Text, sku: Sku | None = None, product: Product | None = None) -> Data:
    """Take what the shop did not take back into delivery: all of a cart, or one product. What a person parked stays so."""
    found = cart_named(app, cart)
    one = None if sku is None and product is None else [_product(app, found, sku, product)]
    return {"cart": found.name, "retried": settling.unpark(app.house, found, one, by_person=False)}


@verb(Scope.MANAGE)
def posts_park(
    app: App, cart: Text, reason: Text, sku: Sku | None = None, product: Product | None = None, person: Text = ""
) -> Data:
    """Post nothing for one product of a cart until it is released; its sales go on being booked."""
    found = cart_named(app, cart)
    number = _product(app, found, sku, product)
    settling.park(app.house, found, number, reason, person)
    return {"cart": found.name, "product": number, "parked": reason.strip()}


@verb(Scope.MANAGE)
def posts_release(app: App, cart: Text, sku: Sku | None = None, product: Product | None = None) -> Data:
    """Let one parked product of a cart go on, whoever parked it: what is due by now is posted."""
    found = cart_named(app, cart)
    number = _product(app, found, sku, product)
    if not settling.unpark(app.house, found, [number], by_person=True):
        raise Refused(f"Product {number} of {found.name} is not parked: look at the post stack again.", product=number)
    return {"cart": found.name, "product": number}


def _product(app: App, cart: Cart, sku: str | None, product: int | None) -> int:
    if (sku is None) == (product is None):
        raise Refused("Name the product by its number or by its item's SKU, and only by one of them.")
    if product is not None:
        return product
    return app.read(lambda books: settling.product_of(books, cart, sku or ""))


def _tries(app: App) -> dict[int, int]:
    """How often the batch in flight of each cart was sent: every failed step of its driver was one attempt."""
    pulses = app.controller.pulses() if app.controller else {}
    return {cart: pulse.failures + 1 for cart, pulse in pulses.items()}


def _key(before: str) -> tuple[int, int, int] | None:
    if not before:
        return None
    parts = before.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        raise Invalid("before: give what more_posts said.", arguments=[{"argument": "before", "fault": "Not a place."}])
    return int(parts[0]), int(parts[1]), int(parts[2])
