"""Verbs about the post stack: list it, retry posts, park a product, release it.

Path: called by name through ``verbs.run``.
Promise: a product that a person parked is posted again only when a person releases it; its sales are booked meanwhile.
Never: posts anything; the cart's driver does.
"""

from __future__ import annotations

from typing import Any

from onhand.app import App
from onhand.domain.carts import Cart
from onhand.domain.errors import Refused
from onhand.requests import stack as requests
from onhand.services import settling
from onhand.wire import Data

from .registry import Invalid, cart_named, verb

IN_STACK = ("waiting", "parked")  # states of a listing, before a post has a number


@verb(requests.Posts)
def posts(app: App, asked: requests.Posts) -> Data:
    found = cart_named(app, asked.cart).id if asked.cart else None
    key = _key(asked.before)

    def read(books: Any) -> Data:
        waiting = books.stack.parked(found, asked.limit, asked.after) if asked.state in {None, "parked"} else []
        waiting += books.stack.waiting(found, asked.limit, asked.after) if asked.state in {None, "waiting"} else []
        numbered = asked.state is None or asked.state not in IN_STACK
        sent = books.stack.posts(found, asked.state, asked.limit, key) if numbered else []
        counted = {"counts": books.figures.stack(found)} if asked.counts else {}
        return {**counted, "waiting": waiting, "posts": sent}

    data = app.read(read)
    last = data["posts"][-1]["key"] if len(data["posts"]) == asked.limit else None
    tries = _tries(app)
    for row in data["posts"]:
        del row["key"]
        row["attempts"] = tries.get(row["cart_id"], 1) if row["state"] == "sent" else None
    full = asked.state in IN_STACK and len(data["waiting"]) == asked.limit
    return {
        **data,
        "more_posts": ".".join(map(str, last)) if last else None,
        "more_waiting": data["waiting"][-1]["id"] if full else None,
    }


@verb(requests.PostsRetry)
def posts_retry(app: App, asked: requests.PostsRetry) -> Data:
    found = cart_named(app, asked.cart)
    one = None if asked.sku is None and asked.product is None else [_product(app, found, asked.sku, asked.product)]
    return {"cart": found.name, "retried": settling.unpark(app.house, found, one, by_person=False)}


@verb(requests.PostsPark)
def posts_park(app: App, asked: requests.PostsPark) -> Data:
    found = cart_named(app, asked.cart)
    number = _product(app, found, asked.sku, asked.product)
    settling.park(app.house, found, number, asked.reason, asked.person)
    return {"cart": found.name, "product": number, "parked": asked.reason.strip()}


@verb(requests.PostsRelease)
def posts_release(app: App, asked: requests.PostsRelease) -> Data:
    found = cart_named(app, asked.cart)
    number = _product(app, found, asked.sku, asked.product)
    if not settling.unpark(app.house, found, [number], by_person=True):
        raise Refused(f"Product {number} of {found.name} is not parked: check the post stack again.", product=number)
    return {"cart": found.name, "product": number}


def _product(app: App, cart: Cart, sku: str | None, product: int | None) -> int:
    if (sku is None) == (product is None):
        raise Refused("Name the product either by its number or by its item's SKU.")
    if product is not None:
        return product
    return app.read(lambda books: settling.product_of(books, cart, sku or ""))


def _tries(app: App) -> dict[int, int]:
    """Return how often each cart's batch in flight was sent: each failed step of its driver was one attempt."""
    return {cart: pulse.failures + 1 for cart, pulse in app.pulses().items()}


def _key(before: str) -> tuple[int, int, int] | None:
    if not before:
        return None
    parts = before.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        raise Invalid(
            "before: give the value of more_posts.",
            arguments=[{"argument": "before", "fault": "Not a value of more_posts."}],
        )
    return int(parts[0]), int(parts[1]), int(parts[2])
