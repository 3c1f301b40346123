"""Posts.

Path: ``delivering`` adds a batch before it is sent and settles it by the shop's answer.
Promise: at most one batch of each cart is unsettled.
Never: forgets a post.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, literal_column, select, text, update

from onhand.domain.posts import Batch, Post, State

from .hot import Hot
from .ledger import chunks
from .tables import carts
from .tables import posts as table
from .times import micros, moment


class Posts:
    """The post stack."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, cart: int, batch: Batch, at: datetime) -> None:
        of_posts = ("seq", "listing_id", "product", "delta", "reactivate")
        _ADD.fill(
            self._connection,
            dict(zip(of_posts, zip(*batch.posts, strict=True), strict=True)),
            {
                "cart_id": cart,
                "epoch": batch.epoch,
                "first": batch.first,
                "state": State.SENT.value,
                "created_at": micros(at),
            },
        )

    def pending(self, cart: int) -> Batch | None:
        rows = _PENDING.rows(self._connection, {"cart": cart})
        return _batch([_Record(*row) for row in rows])

    def last(self, cart: int) -> Batch | None:
        epoch = select(carts.c.epoch).where(carts.c.id == cart).scalar_subquery()
        of_cart = (table.c.cart_id == cart, table.c.epoch == epoch)
        first = select(table.c.first).where(*of_cart).order_by(table.c.seq.desc()).limit(1).scalar_subquery()
        query = select(table).where(*of_cart, table.c.seq >= first).order_by(table.c.seq)
        return _batch(self._connection.execute(query).all())

    def knows_epoch(self, cart: int, epoch: str) -> bool:
        query = select(table.c.seq).where(table.c.cart_id == cart, table.c.epoch == epoch).limit(1)
        return self._connection.execute(query).one_or_none() is not None

    def settle(self, cart: int, batch: Batch, failed: Mapping[int, State], at: datetime) -> None:
        of_batch = (
            table.c.cart_id == cart,
            table.c.epoch == batch.epoch,
            table.c.seq.between(batch.first, batch.last),
        )
        _APPLIED.run(
            self._connection,
            [{"cart": cart, "epoch": batch.epoch, "first": batch.first, "last": batch.last, "at": micros(at)}],
        )
        for state in set(failed.values()):
            for chunk in chunks([product for product, other in failed.items() if other is state]):
                self._connection.execute(
                    update(table).where(*of_batch, table.c.product.in_(chunk)).values(state=state.value)
                )

    def of_listing(self, listing: int, since: datetime, limit: int) -> list[tuple[datetime, int]]:
        query = (
            select(table.c.settled_at, table.c.delta)
            .where(
                table.c.listing_id == listing,
                table.c.state == State.APPLIED.value,
                table.c.settled_at >= micros(since),
                table.c.delta != 0,  # a mark moves nothing, so a race cannot have destroyed it
            )
            .order_by(table.c.settled_at.desc())
            .limit(limit)
        )
        return [(moment(at), delta) for at, delta in self._connection.execute(query)]


# In the words of the partial index: with a bound value every post that ever was would be read.
_PENDING = Hot(select(table).where(table.c.cart_id == bindparam("cart"), text("state = 'sent'")).order_by(table.c.seq))
_Record = namedtuple("_Record", [column.name for column in table.c])  # type: ignore[misc]  # noqa: PYI024 - its fields are the table's
_APPLIED = Hot(
    update(table)
    .where(
        table.c.cart_id == bindparam("cart"),
        table.c.epoch == bindparam("epoch"),
        table.c.seq.between(bindparam("first"), bindparam("last")),
    )
    .values(state=literal_column(f"'{State.APPLIED.value}'"), settled_at=bindparam("at"))
)
# Hot: a batch has up to two thousand of them.
_ADD = Hot(insert(table).values({c.name: bindparam(c.name) for c in table.c if c.name != "settled_at"}))


def _batch(rows: Any) -> Batch | None:
    if not rows:
        return None
    return Batch(rows[0].epoch, tuple(_post(row) for row in rows))


def _post(row: Any) -> Post:
    return Post(row.seq, row.listing_id, row.product, row.delta, bool(row.reactivate))
