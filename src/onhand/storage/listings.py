"""Listings.

Path: every service of a tick moves them; delivering asks which have news.
Promise: the cells and sums computed here are those of the protocol, over all listings that the shop still has.
Never: moves a counter without the caller moving the cart's sums in the same unit of work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Update,
    and_,
    bindparam,
    case,
    exists,
    false,
    insert,
    literal_column,
    or_,
    select,
    text,
    true,
    update,
)

from onhand.domain.listings import Left, Listing, Problem, Tie
from onhand.domain.posts import Due
from onhand.domain.shop import Row
from onhand.domain.sketch import MULTIPLIER, PARTITION_MULTIPLIERS, WORD, Cell, Sums
from onhand.domain.stock import sku_key

from .dialects import among, numbers
from .hot import Hot
from .ledger import chunks
from .listing_rows import LISTING, listing_of
from .tables import items, listings
from .times import micros

PAGE = 2000  # listings that are read at once


class Listings:
    """Products of carts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, cart: int, products: Sequence[int]) -> dict[int, Listing]:
        found = {}
        for chunk in chunks(products):
            rows = _OF_PRODUCTS.rows(self._connection, {"cart": cart, "products": numbers(chunk)})
            found.update({row[2]: listing_of(row) for row in rows})
        return found

    def all(self, cart: int) -> list[Listing]:
        return [listing for page in self.pages(cart) for listing in page]

    def pages(self, cart: int) -> Iterator[list[Listing]]:
        after = -1
        while rows := _PAGE.rows(self._connection, {"cart": cart, "after": after, "limit": PAGE}):
            page = [listing_of(row) for row in rows]
            yield page
            after = page[-1].product

    def by_id(self, ids: Sequence[int]) -> dict[int, Listing]:
        found = {}
        for chunk in chunks(ids):
            found.update({row[0]: listing_of(row) for row in _BY_ID.rows(self._connection, {"ids": numbers(chunk)})})
        return found

    def insert(self, cart: int, rows: Sequence[Row], ties: Mapping[int, Tie], aligned: bool) -> None:
        """Insert listings. A product that was deleted and returns under its id starts fresh."""
        if not rows:
            return
        again = self._products(cart, [row.product for row in rows])
        values = [
            {
                "cart_id": cart,
                "product": row.product,
                "variant": "",
                **_description(row),
                **_tie(ties[row.product]),
                "aligned": aligned,
                "ordered": row.ordered,
                "sum": row.sum,
                "held": 0,
                "unnamed": 0,
                "news": False,
                "off_by_sale": False,
                "off_when_empty": False,
                "switch_on": False,
                **_UNPARKED,
                "chosen_id": None,
                "ignored": False,
                **_NOT_LEFT,
                "status": row.status,
                "modified": row.modified,
            }
            for row in rows
        ]
        new = [value for value in values if value["product"] not in again]
        if new:
            _INSERT.run(self._connection, new)
        known = [{f"b_{name}": value for name, value in row.items()} for row in values if row["product"] in again]
        if known:
            columns: dict[str, Any] = {
                name: bindparam(f"b_{name}") for name in values[0] if name not in ("cart_id", "product", "variant")
            }
            self._connection.execute(_WHERE_PRODUCT.values(columns), known)

    def rebase(self, cart: int, rows: Sequence[Row]) -> None:
        if rows:
            _REBASE.run(
                self._connection,
                [
                    {
                        "b_cart_id": cart,
                        "b_product": row.product,
                        "b_ordered": row.ordered,
                        "b_sum": row.sum,
                        "b_status": row.status,
                        "b_quantity": row.quantity,
                        "b_modified": row.modified,
                    }
                    for row in rows
                ],
            )

    def describe(self, cart: int, rows: Sequence[Row], ties: Mapping[int, Tie]) -> None:
        if not rows:
            return
        # One row may be renamed to another's old SKU, so each is written with its own item.
        _DESCRIBE.run(
            self._connection,
            [
                {
                    "b_cart_id": cart,
                    "b_product": row.product,
                    "to_sum": row.sum,
                    "to_ordered": row.ordered,
                    "to_quantity": row.quantity,
                    "to_status": row.status,
                    "to_modified": row.modified,
                    **{f"to_{name}": value for name, value in (_description(row) | _tie(ties[row.product])).items()},
                }
                for row in rows
            ],
        )

    def forget(self, cart: int, products: Sequence[int]) -> None:
        for chunk in chunks(products):
            self._connection.execute(
                update(listings)
                .where(listings.c.cart_id == cart, listings.c.product.in_(chunk))
                .values(
                    problem=Problem.DELETED.value,
                    aligned=False,
                    news=False,
                    held=0,
                    chosen_id=None,
                    ignored=False,
                    **_UNPARKED,
                    **_NOT_LEFT,
                )
            )

    def tie(self) -> None:
        same = items.c.sku_key == listings.c.sku_key
        found = select(items.c.id).where(same).scalar_subquery()
        aside = exists().where(same, or_(items.c.ignore_qoh, items.c.drop_ship))
        self._connection.execute(
            update(listings)
            .where(listings.c.problem == Problem.UNMATCHED.value, found.is_not(None))
            .values(item_id=found, problem=case((aside, Problem.SET_ASIDE.value)), left_sum=None)
        )

    def alike(self, keys: Sequence[str], item_ids: Sequence[int]) -> list[Listing]:
        found: dict[int, Listing] = {}
        for column, values in (
            (listings.c.sku_key, keys),
            (listings.c.item_id, item_ids),
            (listings.c.chosen_id, item_ids),
        ):
            for chunk in chunks(values):
                rows = self._connection.execute(select(*LISTING).where(column.in_(chunk), _LIVE))
                found.update({row.id: listing_of(row) for row in rows})
        return sorted(found.values(), key=lambda listing: listing.id)

    def settle(self, ids: Sequence[int], chosen: int | None, ignored: bool) -> None:
        for chunk in chunks(ids):
            self._connection.execute(
                update(listings).where(listings.c.id.in_(chunk)).values(chosen_id=chosen, ignored=ignored)
            )

    def retie(self, ties: Mapping[int, Tie]) -> None:
        if ties:
            self._connection.execute(
                update(listings)
                .where(listings.c.id == bindparam("b_id"))
                .values(
                    item_id=bindparam("item_id"),
                    problem=bindparam("problem"),
                    aligned=False,
                    news=False,
                    held=0,
                    **_UNPARKED,
                ),
                [{"b_id": listing, **_tie(tie)} for listing, tie in ties.items()],
            )

    def leave(self, listing: int, left: Left | None) -> None:
        values = dict.fromkeys(_LEFT, None) if left is None else dict(zip(_LEFT, astuple(left), strict=True))
        self._connection.execute(update(listings).where(listings.c.id == listing).values(values))

    def resume(self, listing: int) -> None:
        self._connection.execute(
            update(listings)
            .where(listings.c.id == listing)
            .values(
                ordered=listings.c.left_ordered,
                sum=listings.c.left_sum,
                item_id=listings.c.left_item_id,
                problem=None,
                aligned=True,
                news=True,
                **_NOT_LEFT,
            )
        )

    def align(self, cart: int, ids: Sequence[int]) -> None:
        own = update(listings).where(listings.c.cart_id == cart, among(listings.c.id, "ids"))
        self._connection.execute(own.values(aligned=True, held=0, **_NOT_LEFT), {"ids": numbers(ids)})

    def trade(self, cart: int, units: Mapping[int, int]) -> None:
        if units:
            self._connection.execute(
                _WHERE_PRODUCT.values(ordered=listings.c.ordered + bindparam("b_units")),
                [{"b_cart_id": cart, "b_product": product, "b_units": n} for product, n in units.items()],
            )

    def drift(self, listing: int, amount: int, ordered: int, held: int) -> None:
        self._connection.execute(
            update(listings)
            .where(listings.c.id == listing)
            .values(sum=listings.c.sum + amount, ordered=listings.c.ordered + ordered, held=listings.c.held + held)
        )

    def lack_name(self, listing: int, units: int) -> None:
        self._connection.execute(
            update(listings).where(listings.c.id == listing).values(unnamed=listings.c.unnamed + units)
        )

    def release(self, listing: int, amount: int) -> None:
        self._connection.execute(
            update(listings).where(listings.c.id == listing).values(held=listings.c.held - amount, news=True)
        )

    def note_shop(self, listing: int, row: Row, modified: str | None, off_by_sale: bool, emptied: bool) -> None:
        still_off = or_(listings.c.off_when_empty, listings.c.status != 0) if row.quantity <= 0 else _OFF_WHEN_EMPTY
        still_off = true() if emptied else still_off
        self._connection.execute(
            update(listings)
            .where(listings.c.id == listing)
            .values(
                status=row.status,
                modified=modified,
                off_by_sale=off_by_sale,
                off_when_empty=false() if row.status else still_off,
            )
        )

    def switch_on(self, ids: Sequence[int], on: bool) -> None:
        for chunk in chunks(ids):
            known = update(listings).where(listings.c.id.in_(chunk))
            self._connection.execute(
                known.values(switch_on=True, news=True) if on else known.values(off_when_empty=False, off_by_sale=False)
            )

    def announce(self, item_ids: Sequence[int]) -> set[int]:
        return {cart for item in item_ids for (cart,) in _ANNOUNCE.rows(self._connection, {"item": item})}

    def announce_listings(self, ids: Sequence[int]) -> None:
        self._connection.execute(
            update(listings).where(among(listings.c.id, "ids")).values(news=True), {"ids": numbers(ids)}
        )

    def give_up(self, ids: Sequence[int]) -> None:
        for chunk in chunks(ids):
            self._connection.execute(
                update(listings).where(listings.c.id.in_(chunk)).values(news=False, aligned=False, held=0)
            )

    def due(self, cart: int, limit: int) -> list[Due]:
        return [*map(Due._make, _DUE.rows(self._connection, {"cart": cart, "limit": limit}))]

    def carrier(self, cart: int) -> Due | None:
        row = self._connection.execute(_KEPT.where(listings.c.cart_id == cart).limit(1)).one_or_none()
        return Due(*row) if row is not None else None

    def with_news(self) -> set[int]:
        return set(self._connection.execute(_WITH_NEWS).scalars())

    def clear_news(self, ids: Sequence[int]) -> None:
        if ids:
            _CLEAR_NEWS.run(self._connection, [{"ids": numbers(ids)}])

    def landed(self, cart: int, epoch: str, first: int, last: int) -> None:
        self._connection.execute(
            text(
                """
                UPDATE listings SET sum = listings.sum + posts.delta,
                    off_by_sale = listings.off_by_sale AND NOT posts.reactivate,
                    switch_on = listings.switch_on AND NOT posts.reactivate,
                    status = CASE WHEN posts.reactivate THEN 1 ELSE listings.status END
                FROM posts
                WHERE posts.listing_id = listings.id AND posts.cart_id = :cart AND posts.epoch = :epoch
                    AND posts.seq BETWEEN :first AND :last AND posts.state = 'applied'
                """
            ),
            {"cart": cart, "epoch": epoch, "first": first, "last": last},
        )

    def park(self, listing: int, reason: str, at: datetime, person: str | None = None) -> None:
        # A product that a person parked keeps their reason, regardless of the shop's answer to a post in flight.
        self._connection.execute(
            update(listings)
            .where(listings.c.id == listing, true() if person is not None else listings.c.parked_by.is_(None))
            .values(parked=reason, parked_by=person, parked_at=micros(at), news=False)
        )

    def unpark(self, ids: Sequence[int]) -> None:
        again = update(listings).where(among(listings.c.id, "ids")).values(**_UNPARKED, news=True)
        self._connection.execute(again, {"ids": numbers(ids)})

    def parked(self, cart: int) -> list[Listing]:
        query = select(*LISTING).where(listings.c.cart_id == cart, listings.c.parked.is_not(None))
        return [listing_of(row) for row in self._connection.execute(query.order_by(listings.c.id))]

    def cells(self, cart: int, size: int) -> list[Cell]:
        # Weights are 32 bits and quantities may be, so a sum of products can leave 64 bits: the weight's halves are summed apart.
        cells = [[0, 0, 0, 0] for _ in range(3 * size)]
        for third, multiplier in enumerate(PARTITION_MULTIPLIERS):
            x = f"(product * {multiplier} % {WORD})"
            cell = f"({x} / 65536 * ({x} / 65536) + {x}) % {size}"
            for row in self._connection.execute(text(f"SELECT {cell} AS cell, {_SUMS} GROUP BY cell"), {"cart": cart}):
                cells[third * size + row.cell] = _whole(row)
        return [(c[0], c[1], c[2], c[3]) for c in cells]

    def sums(self, cart: int) -> Sums:
        row = self._connection.execute(text(f"SELECT count(*) AS n, {_SUMS}"), {"cart": cart}).one()
        return Sums(row.n, *_whole(row)) if row.n else Sums()

    def _products(self, cart: int, products: Sequence[int]) -> set[int]:
        known: set[int] = set()
        for chunk in chunks(products):
            query = select(listings.c.product).where(listings.c.cart_id == cart, listings.c.product.in_(chunk))
            known.update(self._connection.execute(query).scalars())
        return known


_PAGE = Hot(
    select(*LISTING)
    .where(listings.c.cart_id == bindparam("cart"), listings.c.product > bindparam("after"))
    .order_by(listings.c.product)
    .limit(bindparam("limit"))
)
_LEFT = ("left_item_id", "left_ordered", "left_sum", "left_line")
_NOT_LEFT: dict[str, Any] = dict.fromkeys(_LEFT)
_UNPARKED: dict[str, Any] = {"parked": None, "parked_by": None, "parked_at": None}
_KEEP_PARKED = case((listings.c.parked_by.is_not(None), listings.c.parked))  # what a person parked; null for all others
SWITCHED_OFF: ColumnElement[bool] = literal_column(
    "listings.off_when_empty AND NOT listings.off_by_sale AND NOT listings.switch_on AND listings.status = 0"
    " AND listings.aligned AND listings.problem IS NULL"
)  # ``Listing.switched_off``, in the words of its index
_OFF_WHEN_EMPTY = listings.c.off_when_empty
_ANNOUNCE = Hot(
    update(listings)
    .where(listings.c.item_id == bindparam("item"), listings.c.aligned)
    .values(news=true(), parked=_KEEP_PARKED)
    .returning(listings.c.cart_id)
)
_KEPT = (
    select(
        listings.c.id,
        listings.c.product,
        items.c.on_hand,
        (listings.c.sum - listings.c.ordered).label("agreed"),
        listings.c.held,
        or_(listings.c.off_by_sale, listings.c.switch_on),
    )
    .join(items, items.c.id == listings.c.item_id)
    .where(listings.c.aligned, listings.c.problem.is_(None))
)
_DUE = Hot(
    _KEPT.where(
        listings.c.cart_id == bindparam("cart"),
        text("listings.news"),  # in the words of its partial index; "news = 1" would read every listing of the cart
        listings.c.parked.is_(None),
    )
    .order_by(listings.c.item_id)
    .limit(bindparam("limit"))
)
_WITH_NEWS = select(listings.c.cart_id).where(text("listings.news"), listings.c.parked.is_(None)).distinct()
_CLEAR_NEWS = Hot(update(listings).where(among(listings.c.id, "ids")).values(news=false()))
_LIVE = listings.c.problem.is_distinct_from(literal_column(f"'{Problem.DELETED.value}'"))
_INSERT = Hot(insert(listings).values({c.name: bindparam(c.name) for c in listings.c if c.name != "id"}))
_BY_ID = Hot(select(*LISTING).where(among(listings.c.id, "ids")))
_OF_PRODUCTS = Hot(
    select(*LISTING).where(listings.c.cart_id == bindparam("cart"), among(listings.c.product, "products"), _LIVE)
)
_WHERE_PRODUCT = update(listings).where(
    listings.c.cart_id == bindparam("b_cart_id"),
    listings.c.product == bindparam("b_product"),
    listings.c.variant == literal_column("''"),
)


def _describing() -> Update:
    """Return the statement that writes what a shop says of a listing over what was known of it."""
    to = {name: bindparam(f"to_{name}", type_=listings.c[name].type) for name in (*_DESCRIBED, "sum", "ordered")}
    empty = bindparam("to_quantity", type_=listings.c.sum.type) <= literal_column("0")
    same = and_(to["problem"].is_(None), listings.c.item_id.is_not_distinct_from(to["item_id"]))
    went_off = and_(listings.c.status != literal_column("0"), empty)
    unmoved = and_(listings.c.sum == to["sum"], listings.c.ordered == to["ordered"])
    return _WHERE_PRODUCT.values(
        {
            **{name: to[name] for name in _DESCRIBED},
            "aligned": and_(listings.c.aligned, _LIVE, same),
            # Off without an edit and with nothing left: the sale that emptied it did that, and no person. Whatever is
            # saved after that, it stays so until it is on again.
            "off_by_sale": and_(
                to["status"] == literal_column("0"),
                or_(listings.c.off_by_sale, and_(went_off, listings.c.modified.is_not_distinct_from(to["modified"]))),
            ),
            "off_when_empty": and_(to["status"] == literal_column("0"), or_(listings.c.off_when_empty, went_off)),
            # An edit that moved the sum stays visible as such until the drift it made is settled. A sale that is half written
            # can make up for that in the sum, but not in the counter as well.
            "modified": case((unmoved, to["modified"]), else_=listings.c.modified),
            # Nothing is parked or held that is not posted for anyway.
            "held": case((same, listings.c.held), else_=literal_column("0")),
            "parked": case((same, listings.c.parked)),
            "parked_by": case((same, listings.c.parked_by)),
        }
    )


_DESCRIBED = ("model", "sku_key", "name", "flags", "problem", "item_id", "status", "modified")
_DESCRIBE = Hot(_describing())
_REBASE = Hot(
    _WHERE_PRODUCT.values(
        ordered=bindparam("b_ordered"),
        sum=bindparam("b_sum"),
        held=literal_column("0"),
        unnamed=literal_column("0"),
        parked=_KEEP_PARKED,
        off_by_sale=false(),
        off_when_empty=and_(
            bindparam("b_status", type_=listings.c.status.type) == literal_column("0"),
            or_(
                listings.c.off_when_empty,
                and_(
                    listings.c.status != literal_column("0"),
                    bindparam("b_quantity", type_=listings.c.sum.type) <= literal_column("0"),
                ),
            ),
        ),
        status=bindparam("b_status", type_=listings.c.status.type),
        modified=bindparam("b_modified"),
        news=false(),
    )
)
_H = f"(product * {MULTIPLIER} % {WORD})"
_SUMS = f"""
    sum(sum - ordered) AS q, sum(ordered) AS o,
    sum((sum - ordered) * ({_H} / 65536)) AS q_high, sum((sum - ordered) * ({_H} % 65536)) AS q_low,
    sum(ordered * ({_H} / 65536)) AS o_high, sum(ordered * ({_H} % 65536)) AS o_low
    FROM listings WHERE cart_id = :cart AND (problem IS NULL OR problem <> 'deleted')"""


def _whole(row: Any) -> list[int]:
    return [row.q, row.o, row.q_high * 65536 + row.q_low, row.o_high * 65536 + row.o_low]


def _description(row: Row) -> dict[str, Any]:
    return {"model": row.model, "sku_key": sku_key(row.model or "")[:255], "name": row.name, "flags": row.flags}


def _tie(tie: Tie) -> dict[str, Any]:
    return {"item_id": tie.item, "problem": tie.problem.value if tie.problem else None}
