"""Reads the post stack: waiting, in-flight and parked changes, and posts.

Path: the verb ``posts`` and the Post Stack screen read here.
Promise: every page is found by its key through an index, regardless of the number of posts.
Never: writes.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, literal, or_, select, text, tuple_

from onhand.domain.posts import Due, State, change_due

from .tables import carts, items, listings, movements, posts
from .times import iso

Rows = list[dict[str, Any]]
SEQ_MAX = 2**62
SETTLED = "settled"  # any state of a post that the shop has answered
Key = tuple[int, int, int]  # of a post: microseconds, cart, number


class Stack:
    """The post stack, for people."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def posts(self, cart: int | None, state: str | None, limit: int, before: Key | None = None) -> Rows:
        """Return posts below ``before``, newest first, without settled marks, which changed nothing."""
        found: Rows = []
        for number, name, trouble in self._connection.execute(select(carts.c.id, carts.c.name, carts.c.trouble)).all():
            if cart in (None, number):
                found += self._posts_of(number, name, trouble, state, limit, before)
        return sorted(found, key=lambda row: row["key"], reverse=True)[:limit]

    def _posts_of(
        self, cart: int, name: str, trouble: str | None, state: str | None, limit: int, before: Key | None
    ) -> Rows:
        place = (posts.c.created_at, posts.c.seq)
        query = (
            select(posts, listings.c.model, listings.c.name.label("title"), items.c.sku)
            .join(listings, listings.c.id == posts.c.listing_id)
            .outerjoin(items, items.c.id == listings.c.item_id)
            .where(
                posts.c.cart_id == cart, or_(posts.c.delta != 0, posts.c.reactivate, posts.c.state == State.SENT.value)
            )
            .order_by(*(column.desc() for column in place))
            .limit(limit)
        )
        if before is not None:
            at, other, seq = before
            below = seq if cart == other else SEQ_MAX if cart < other else -1
            query = query.where(tuple_(*place) < tuple_(literal(at), literal(below)))
        if state == State.SENT.value:
            # Written like its partial index, and sorted so that no other index is chosen: each cart has one batch.
            query = query.where(text("posts.state = 'sent'")).order_by(None).order_by(posts.c.seq.desc())
        elif state == SETTLED:
            query = query.where(posts.c.state != State.SENT.value)
        elif state:
            query = query.where(posts.c.state == state)
        return [
            {
                "cart": name,
                "cart_id": cart,
                "seq": row.seq,
                "batch": row.first,
                "product": row.product,
                "sku": row.sku or row.model,
                "name": row.title,
                "change": row.delta,
                "state": row.state,
                "created_at": iso(row.created_at),
                "settled_at": iso(row.settled_at),
                "trouble": trouble if row.state == State.SENT.value else None,
                "key": (row.created_at, cart, row.seq),
            }
            for row in self._connection.execute(query)
        ]

    def waiting(self, cart: int | None, limit: int, after: int = 0) -> Rows:
        """Return listings with news that is not posted yet, by cart, above the listing ``after``."""
        news = and_(text("listings.news"), listings.c.aligned, listings.c.parked.is_(None))
        return self._listings("waiting", news, cart, limit, after)

    def parked(self, cart: int | None, limit: int, after: int = 0) -> Rows:
        """Return parked listings, by cart, above the listing ``after``."""
        return self._listings("parked", listings.c.parked.is_not(None), cart, limit, after)

    def _listings(self, state: str, which: ColumnElement[bool], cart: int | None, limit: int, after: int) -> Rows:
        # Since when: the time of the item's newest movement, which caused the news, or the time of parking.
        since = (
            select(movements.c.at)
            .where(movements.c.item_id == listings.c.item_id)
            .order_by(movements.c.id.desc())
            .limit(1)
            .scalar_subquery()
        )
        query = (
            select(listings, carts.c.name.label("cart"), carts.c.buffer, carts.c.trouble, items.c.sku, items.c.on_hand)
            .add_columns(since.label("since"))
            .join(carts, carts.c.id == listings.c.cart_id)
            .join(items, items.c.id == listings.c.item_id)
            .where(which)
            .order_by(listings.c.cart_id, listings.c.id)
            .limit(limit)
        )
        if after:
            place = select(listings.c.cart_id).where(listings.c.id == after).scalar_subquery()
            query = query.where(tuple_(listings.c.cart_id, listings.c.id) > tuple_(place, literal(after)))
        if cart is not None:
            query = query.where(listings.c.cart_id == cart)
        rows = self._connection.execute(query).all()
        dues = [Due(r.id, r.product, r.on_hand, r.sum - r.ordered, r.held, bool(r.off_by_sale)) for r in rows]
        return [
            {
                "id": row.id,
                "cart": row.cart,
                "cart_id": row.cart_id,
                "product": row.product,
                "sku": row.sku,
                "name": row.name,
                "state": state,
                "on_hand": row.on_hand,
                "shows": due.agreed,
                "change": change_due(due, row.buffer),
                "reason": row.parked,
                "by": row.parked_by,
                "since": iso(row.parked_at if row.parked else row.since),
                "trouble": row.trouble,
            }
            for row, due in zip(rows, dues, strict=True)
        ]
