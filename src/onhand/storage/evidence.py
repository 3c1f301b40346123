"""Finds the evidence for Getting started: that a movement in OnHand changed a shop.

Path: the page Getting started reads here.
Promise: reads a few rows by number or index, regardless of the size of the store.
Never: writes.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from onhand.domain.carts import Cart
from onhand.domain.posts import State
from onhand.domain.stock import Kind

from .tables import items, listings, movements, posts
from .times import moment

POSTS_READ = 200  # of the newest posts of a cart; most may be marks
MOVEMENTS_READ = 50  # of the newest movements of an item


class Evidence:
    """Queries for evidence."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def followed(self, cart: Cart) -> dict[str, Any] | None:
        """Return the newest movement elsewhere since a cart was aligned, with the post by which its shop followed."""
        newest = (
            select(
                posts.c.listing_id, posts.c.delta, posts.c.state, posts.c.created_at, posts.c.settled_at, posts.c.seq
            )
            .where(posts.c.cart_id == cart.id, posts.c.epoch == cart.epoch)
            .order_by(posts.c.seq.desc())
            .limit(POSTS_READ)
            .subquery()
        )
        applied = (
            select(newest, listings.c.item_id)
            .join(listings, listings.c.id == newest.c.listing_id)
            .where(newest.c.delta != 0, newest.c.state == State.APPLIED.value, listings.c.item_id.is_not(None))
            .order_by(newest.c.seq.desc())
            .limit(10)
        )
        for post in self._connection.execute(applied).all():
            moved = (
                select(movements, items.c.sku)
                .join(items, items.c.id == movements.c.item_id)
                .where(movements.c.item_id == post.item_id, movements.c.id > cart.aligned_movement)
                .order_by(movements.c.id.desc())
                .limit(MOVEMENTS_READ)
            )
            for row in self._connection.execute(moved):
                taken_over = row.cart_id is not None and row.kind in {Kind.OPENING.value, Kind.COUNT.value}
                if row.at <= post.created_at and row.cart_id != cart.id and not taken_over:
                    return {
                        "sku": row.sku,
                        "kind": row.kind,
                        "quantity": row.quantity,
                        "cart": row.cart_id,
                        "at": moment(row.at),
                        "change": post.delta,
                        "settled_at": moment(post.settled_at),
                    }
        return None
