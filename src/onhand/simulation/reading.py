"""Reads the books of a simulated world as plain rows.

Path: ``checks`` and its parts (``naming``, ``trade``, ``shelf``) compare it with what the witnesses know.
Promise: what is committed, and all of it.
Never: judges.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, select

from onhand.storage.tables import differences, items, listings, movements, posts

if TYPE_CHECKING:
    from .world import World

Rows = list[dict[str, Any]]


def movements_since(world: World, last: int) -> Rows:
    """Return movements above this id, with the SKU of their item."""
    query = select(movements, items.c.sku).join(items).where(movements.c.id > last).order_by(movements.c.id)
    return [row | {"cart": row["cart_id"]} for row in rows(world, query)]


def differences_since(world: World, last: int) -> Rows:
    """Return differences above this id, with the SKU of their item if the listing has one."""
    query = (
        select(differences, items.c.sku)
        .outerjoin(listings, listings.c.id == differences.c.listing_id)
        .outerjoin(items, items.c.id == listings.c.item_id)
        .where(differences.c.id > last)
        .order_by(differences.c.id)
    )
    return rows(world, query)


def posts_of(world: World, cart_id: int) -> Rows:
    """Return all posts to a cart, whatever their outcome."""
    return rows(world, select(posts).where(posts.c.cart_id == cart_id))


def causes(world: World) -> Counter[str]:
    """Return how many differences of each cause are on record."""
    return Counter(found["cause"] for found in rows(world, select(differences.c.cause)))


def misjudged(world: World) -> Counter[tuple[int, int]]:
    """Return, per (cart, product), by how much the shop's sum differs from what the books believe their posts did.

    After a crash within a batch the law decides what was applied, and a race at that moment can mislead it.
    """
    total: Counter[tuple[int, int]] = Counter()
    for number, cart_id in enumerate(world.carts):
        for post in posts_of(world, cart_id):
            took = world.shops[number].taken[post["epoch"], post["seq"]]
            total[cart_id, post["product"]] += (took - (post["state"] == "applied")) * post["delta"]
    return total


def rows(world: World, query: Select[Any]) -> Rows:
    """Return the rows of a query as dictionaries."""
    return [dict(row) for row in world.disk.connection.execute(query).mappings()]
