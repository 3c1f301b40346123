"""Read-only queries for screens and commands, answered as plain rows.

Path: ``verbs`` and the web pages read here directly, without a service in between.
Promise: one consistent snapshot; every list is bounded.
Never: writes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, func, literal_column, select

from onhand.domain.differences import NEEDS_PERSON, Remedy
from onhand.domain.stock import Kind

from .listings import SWITCHED_OFF
from .tables import carts, differences, items, listings, movements, posts
from .times import iso, micros, moment

Rows = list[dict[str, Any]]
SALES_READ = 10_000  # of the newest movements, for a pace: a busy shop's last days say as much as its last month


def _count(name: str, *wanted: ColumnElement[bool]) -> ColumnElement[int]:
    """Return the number of matching rows, as a column of this name."""
    return select(func.count()).where(*wanted).scalar_subquery().label(name)


# The counts of a cart are read for every page and each look of the simulation, and building them took longer than reading.
# Each has an index, because few listings are not in step; the number in step is the rest.
_OF_CART = listings.c.cart_id == bindparam("cart")
_TRACKED = and_(_OF_CART, listings.c.problem.is_(None))  # then it has an item
PROBLEMS = (
    select(listings.c.problem, func.count())
    .where(_OF_CART, listings.c.problem.is_not(None))
    .group_by(listings.c.problem)
)
COUNTS = select(
    _count("every", _OF_CART),
    _count("not_aligned", _TRACKED, literal_column("NOT listings.aligned")),
    _count("parked", _OF_CART, listings.c.parked.is_not(None)),
    _count("waiting", _TRACKED, literal_column("listings.news"), listings.c.aligned, listings.c.parked.is_(None)),
    _count("in_flight", posts.c.cart_id == bindparam("cart"), literal_column("posts.state = 'sent'")),
    _count("switched_off", _TRACKED, SWITCHED_OFF),
    _count("held", _OF_CART, literal_column("listings.held <> 0")),
)
REMEDIES = (
    select(differences.c.remedy, func.count())
    .where(differences.c.cart_id == bindparam("cart"), differences.c.closed_at.is_(None))
    .group_by(differences.c.remedy)
)


class Reports:
    """Queries for screens and commands."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def item_count(self) -> int:
        """Return the number of items."""
        return int(self._connection.execute(select(func.count()).select_from(items)).scalar_one())

    def stock_notices(self, named: int) -> dict[str, Any]:
        """Return how many items are below zero and at their reorder point, and those that lack most, at most ``named`` of each."""
        low = and_(items.c.on_hand <= items.c.reorder_point, ~items.c.drop_ship)
        kinds = {
            "oversold": (items.c.on_hand < 0, items.c.on_hand),
            "low": (low, items.c.on_hand - items.c.reorder_point),
        }
        found: dict[str, Any] = {}
        for kind, (wanted, order) in kinds.items():
            found[kind] = self._connection.execute(select(func.count()).select_from(items).where(wanted)).scalar_one()
            query = select(items.c.sku, items.c.name, items.c.on_hand, items.c.reorder_point).where(wanted)
            rows = self._connection.execute(query.order_by(order, items.c.sku_key).limit(named)) if found[kind] else ()
            found[f"{kind}_items"] = [row._asdict() for row in rows]
        return found

    def best_seller(self, since: datetime) -> tuple[str, int, datetime] | None:
        """Return the best-selling item in all carts since a time: its SKU, its units, and the time of the first sale of any item.

        Only the newest ``SALES_READ`` movements count: they are read by number, so that the time of a sale needs no index.
        """
        newest = (
            select(movements.c.item_id, movements.c.at, movements.c.kind, movements.c.cart_id, movements.c.quantity)
            .order_by(movements.c.id.desc())
            .limit(SALES_READ)
            .subquery()
        )
        sold = (
            select(
                newest.c.item_id,
                func.sum(case((newest.c.at >= micros(since), -newest.c.quantity), else_=0)).label("units"),
                func.min(newest.c.at).label("first"),
            )
            .where(newest.c.kind == Kind.SALE.value, newest.c.cart_id.is_not(None))
            .group_by(newest.c.item_id)
            .subquery()
        )
        best = (
            select(sold.c.item_id, sold.c.units, func.min(sold.c.first).over().label("first"))
            .order_by(sold.c.units.desc(), sold.c.item_id)
            .limit(1)
            .subquery()
        )
        query = select(items.c.sku, best.c.units, best.c.first).join(items, items.c.id == best.c.item_id)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else (row.sku, int(row.units), moment(row.first))

    def cart_counts(self, cart: int) -> dict[str, int]:
        """Return how many listings of a cart are in each state, and the depth of its post stack."""
        of_cart = {"cart": cart}
        problems: dict[str, int] = dict(self._connection.execute(PROBLEMS, of_cart).all())
        remedies: dict[str, int] = dict(self._connection.execute(REMEDIES, of_cart).all())
        counted = self._connection.execute(COUNTS, of_cart).one()
        to_decide = remedies.get(Remedy.ASK, 0)
        to_settle = sum(remedies.get(remedy, 0) for remedy in NEEDS_PERSON)
        return {
            "listings": counted.every - problems.get("deleted", 0),
            "in_step": counted.every - sum(problems.values()) - counted.not_aligned,
            "not_aligned": counted.not_aligned,
            "unmatched": problems.get("unmatched", 0),
            "duplicate": problems.get("duplicate", 0),
            "blank": problems.get("blank", 0),
            "untrackable": sum(problems.get(kind, 0) for kind in ("fraction", "download", "derived")),
            "parked": counted.parked,
            "waiting": counted.waiting,
            "in_flight": counted.in_flight,
            "held": counted.held,
            "switched_off": counted.switched_off,
            "differences_open": sum(remedies.values()),
            "to_decide": to_decide,
            "to_settle": to_settle,
            "healing": sum(remedies.values()) - to_decide - to_settle,
        }

    def differences(
        self,
        cart: int | None,
        open_only: bool,
        limit: int,
        cause: str | None = None,
        closed_only: bool = False,
        before: int | None = None,
    ) -> Rows:
        """Return differences below number ``before``, newest first."""
        query = (
            select(
                differences,
                carts.c.name,
                listings.c.model,
                listings.c.product,
                listings.c.name.label("title"),
                items.c.sku,
            )
            .join(carts, carts.c.id == differences.c.cart_id)
            .outerjoin(listings, listings.c.id == differences.c.listing_id)
            .outerjoin(items, items.c.id == listings.c.item_id)
            .order_by(differences.c.id.desc())
            .limit(limit)
        )
        if cart is not None:
            query = query.where(differences.c.cart_id == cart)
        if open_only:
            query = query.where(differences.c.closed_at.is_(None))
        if closed_only:
            query = query.where(differences.c.closed_at.is_not(None))
        if cause:
            query = query.where(differences.c.cause == cause)
        if before is not None:
            query = query.where(differences.c.id < before)
        return [
            {
                "id": row.id,
                "cart": row.name,
                "cart_id": row.cart_id,
                "sku": row.model,
                "item": row.sku,
                "name": row.title,
                "product": row.product,
                "cause": row.cause,
                "remedy": row.remedy,
                "amount": row.amount,
                "seen": row.seen_quantity,
                "expected": row.expected_quantity,
                "seen_ordered": row.seen_ordered,
                "expected_ordered": row.expected_ordered,
                "opened_at": iso(row.opened_at),
                "closed_at": iso(row.closed_at),
                "note": row.note,
            }
            for row in self._connection.execute(query)
        ]
