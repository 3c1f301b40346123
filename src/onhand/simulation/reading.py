"""Reads what the books of a simulated world say, as plain rows.

Path: ``checks``, ``causes`` and ``shelf`` compare it with what the witnesses know.
Promise: what is committed, and all of it.
Never: judges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, select

from onhand.storage.tables import differences, items, listings, movements, posts

if TYPE_CHECKING:
    from .world import World

Rows = list[dict[str, Any]]


def movements_since(world: World, last: int) -> Rows:
    query = select(movements, items.c.sku).join(items).where(movements.c.id > last).order_by(movements.c.id)
    return [row | {"cart": row["cart_id"]} for row in rows(world, query)]


def differences_since(world: World, last: int) -> Rows:
    """With the SKU of the item, where the listing has one."""
    query = (
        select(differences, items.c.sku)
        .outerjoin(listings, listings.c.id == differences.c.listing_id)
        .outerjoin(items, items.c.id == listings.c.item_id)
        .where(differences.c.id > last)
        .order_by(differences.c.id)
    )
    return rows(world, query)


def posts_of(world: World, cart_id: int) -> Rows:
    return rows(world, select(posts).where(posts.c.cart_id == cart_id))


def rows(world: World, query: Select[Any]) -> Rows:
    return [dict(row) for row in world.disk.connection.execute(query).mappings()]
