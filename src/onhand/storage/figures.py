"""Figures over time, for charts: sales, latency, post stack, differences.

Path: the charts' verbs read here; the controller writes a sample every minute.
Promise: each query is limited to a period, found without an index on times, because numbers of movements and posts grow with time.
Never: is needed for a decision.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    case,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
)

from onhand.domain.posts import State
from onhand.domain.stock import Kind

from .office_tables import samples
from .tables import carts, differences, listings, movements, order_lines, phone_orders, posts
from .times import micros

DAY = 86_400_000_000  # microseconds
DISORDER = timedelta(hours=1)  # by how much a later number may have an earlier time
POSTS_READ = 20_000  # of the newest posts of a cart, for its latency

# In the words of their indexes.
_WAITING: tuple[ColumnElement[bool], ...] = (
    literal_column("listings.news"),
    listings.c.aligned,
    listings.c.parked.is_(None),
)
_SENT: ColumnElement[bool] = literal_column("posts.state = 'sent'")
_PARKED = listings.c.parked.is_not(None)


def _by_cart(table: Table, *wanted: ColumnElement[bool]) -> Select[int, int]:
    return select(table.c.cart_id, func.count()).where(*wanted).group_by(table.c.cart_id)


# How much of each is open, by cart: one query for all carts, because a sample keeps everybody else from writing.
_DEPTHS = {
    "waiting": _by_cart(listings, *_WAITING),
    "in_flight": _by_cart(posts, _SENT),
    "parked": _by_cart(listings, _PARKED),
    "differences": _by_cart(differences, differences.c.closed_at.is_(None)),
}

Offsets = Sequence[
    tuple[datetime, timedelta]
]  # from when on clocks are how far ahead of UTC; the first holds before, too


class Figures:
    """Queries for charts and for Home."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def sales_by_day(self, since: datetime, offsets: Offsets) -> list[tuple[int, int | None, int]]:
        """Return (day, cart, units) of units sold and not cancelled. Days are counted from 1970 on the clocks that ``offsets`` tell."""
        day = _day(movements.c.at, offsets).label("day")
        rows = self._connection.execute(
            select(day, movements.c.cart_id, -func.sum(movements.c.quantity))
            .where(*self._movements_since(since), movements.c.kind.in_([Kind.SALE.value, Kind.CANCELLATION.value]))
            .group_by("day", movements.c.cart_id)
        )
        return [(int(day), cart, int(units)) for day, cart, units in rows]

    def differences_by_day(self, since: datetime, offsets: Offsets) -> list[tuple[int, int, int]]:
        """Return (day, cart, how many were opened)."""
        day = _day(differences.c.opened_at, offsets).label("day")
        rows = self._connection.execute(
            select(day, differences.c.cart_id, func.count())
            .where(differences.c.opened_at >= micros(since))
            .group_by("day", differences.c.cart_id)
        )
        return [(int(day), cart, number) for day, cart, number in rows]

    def latencies(self, cart: int, since: datetime) -> list[tuple[int, int]]:
        """Return for each batch of the cart's newest posts when it was stored, and the microseconds until it was settled."""
        epoch = select(carts.c.epoch).where(carts.c.id == cart).scalar_subquery()
        newest = (
            select(posts.c.first, posts.c.created_at, posts.c.settled_at, posts.c.state)
            .where(posts.c.cart_id == cart, posts.c.epoch == epoch, posts.c.created_at >= micros(since))
            .order_by(posts.c.created_at.desc(), posts.c.seq.desc())
            .limit(POSTS_READ)
            .subquery()
        )
        rows = self._connection.execute(
            select(func.min(newest.c.created_at).label("at"), func.max(newest.c.settled_at))
            .where(newest.c.state == State.APPLIED.value)
            .group_by(newest.c.first)
            .order_by("at")
        )
        return [(at, settled - at) for at, settled in rows]

    def samples(self, since: datetime) -> list[tuple[int, int, int]]:
        """Return (microseconds, cart, depth of its post stack) in order of time."""
        rows = self._connection.execute(
            select(samples.c.at, samples.c.cart_id, samples.c.waiting + samples.c.in_flight + samples.c.parked)
            .where(samples.c.at >= micros(since))
            .order_by(samples.c.at)
        )
        return [(at, cart, depth) for at, cart, depth in rows]

    def today(self, since: datetime) -> dict[str, Any]:
        """Return units sold (minus cancelled) and received since a time, orders, and what is open now."""
        units = dict(
            self._connection.execute(
                select(movements.c.kind, func.sum(movements.c.quantity))
                .where(*self._movements_since(since))
                .group_by(movements.c.kind)
            ).all()
        )
        # An order that got another line today was taken earlier; and each epoch of each cart numbers its orders from the start.
        earlier = order_lines.alias()
        of_same = (
            getattr(earlier.c, name) == getattr(order_lines.c, name) for name in ("order_number", "cart_id", "epoch")
        )
        was_there = exists().where(*of_same, earlier.c.seen_at < micros(since))
        orders = (
            select(order_lines.c.cart_id, order_lines.c.epoch, order_lines.c.order_number)
            .where(order_lines.c.seen_at >= micros(since), ~was_there)
            .distinct()
            .subquery()
        )
        collected = select(func.count()).select_from(orders)
        taken = select(func.count()).where(phone_orders.c.at >= micros(since))
        return {
            "units_sold": -int(units.get(Kind.SALE.value, 0)) - int(units.get(Kind.CANCELLATION.value, 0)),
            "units_received": int(units.get(Kind.RECEIPT.value, 0)),
            "orders": self._count(collected) + self._count(taken),
            "differences_open": self._count(
                select(func.count()).select_from(differences).where(differences.c.closed_at.is_(None))
            ),
            "stack": self.stack(),
        }

    def stack(self, cart: int | None = None) -> dict[str, int]:
        """Return how many posts are waiting, in flight and parked, for one cart or all."""
        of_listing = [] if cart is None else [listings.c.cart_id == cart]
        of_post = [] if cart is None else [posts.c.cart_id == cart]
        return {
            "waiting": self._count(select(func.count()).select_from(listings).where(*_WAITING, *of_listing)),
            "in_flight": self._count(select(func.count()).select_from(posts).where(_SENT, *of_post)),
            "parked": self._count(select(func.count()).select_from(listings).where(_PARKED, *of_listing)),
        }

    def sample(self, at: datetime) -> None:
        """Save the depth of the post stacks that are not empty. If all are, one row says so: a time without rows was not sampled."""
        depths: defaultdict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(_DEPTHS, 0))
        for name, query in _DEPTHS.items():
            for cart, number in self._connection.execute(query):
                depths[cart][name] = number
        if not depths:
            for cart in self._connection.execute(select(carts.c.id).order_by(carts.c.id).limit(1)).scalars():
                depths[cart]  # all zeros
        rows = [{"cart_id": cart, "at": micros(at), **found} for cart, found in depths.items()]
        if rows:
            self._connection.execute(insert(samples), rows)

    def forget(self, before: datetime) -> None:
        """Delete samples before a time."""
        self._connection.execute(delete(samples).where(samples.c.at < micros(before)))

    def _movements_since(self, since: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        """Return the conditions for movements since a time: by number, then by time, because clocks change and bookings overtake others."""
        return movements.c.id >= self._first_movement(since - DISORDER), movements.c.at >= micros(since)

    def _first_movement(self, since: datetime) -> int:
        """Return the number of the first movement not before a time, by binary search; numbers grow with time, except for ``DISORDER``."""
        low = 0
        high = self._count(select(func.coalesce(func.max(movements.c.id), 0))) + 1
        while low + 1 < high:
            middle = (low + high) // 2
            at = self._connection.execute(
                select(movements.c.at).where(movements.c.id >= middle).order_by(movements.c.id).limit(1)
            ).scalar_one_or_none()
            low, high = (middle, high) if at is not None and at < micros(since) else (low, middle)
        return high

    def _count(self, query: Any) -> int:
        return int(self._connection.execute(query).scalar_one())


def _day(at: ColumnElement[int], offsets: Offsets) -> ColumnElement[int]:
    """Return the SQL for the local day of a time, counted from 1970. ``offsets`` are the UTC offsets, each with its start."""
    first, *later = sorted(offsets)
    changes = [(at >= micros(since), _us(offset)) for since, offset in reversed(later)]
    return (at + (case(*changes, else_=_us(first[1])) if changes else _us(first[1]))) // DAY


def _us(offset: timedelta) -> int:
    return offset // timedelta(microseconds=1)
