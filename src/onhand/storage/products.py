"""Reads the products of a cart for people, with their items and similar items.

Path: the verbs ``cart_products`` and ``listing_suggest``, and the screen that resolves SKUs, read here.
Promise: every list is a bounded page, found by the product's number.
Never: writes; matches a product to an item by similarity.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal, literal_column, or_, select

from onhand.domain.listings import Problem
from onhand.domain.shop import DOUBTFUL, MENDED
from onhand.domain.stock import sku_key

from .dialects import begins_with, contains
from .inventory import has_in_it
from .ledger import Items
from .listings import SWITCHED_OFF
from .tables import items, listings

Rows = list[dict[str, Any]]
WHY = (
    "same SKU",
    "SKU looks the same, in other characters",
    "same SKU but for signs",
    "same name",
    "SKU begins alike",
    "",
)
LOOKS_MAX = 2000  # unmatched products whose looks are compared for one page
ALIKE_MIN = 3  # the fewest shared characters of two similar SKUs
SIGNS = "-_. /"  # signs that people add to a SKU or leave out
UNSETTLED = (Problem.UNMATCHED.value, Problem.DUPLICATE.value, Problem.BLANK.value)
WISHED = (Problem.IGNORED.value, Problem.SET_ASIDE.value)  # chosen by a person, so not a problem


class Products:
    """Listings with their items."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, cart: int, problem: str | None, after: int, limit: int, search: str = "") -> Rows:
        """Return a cart's listings in product order.

        ``problem`` is a ``Problem``, or "any", "unsettled", "chosen", "parked", "not aligned" or "switched off".
        """
        query = (
            select(listings, items.c.sku, items.c.on_hand, SWITCHED_OFF.label("off"))
            .outerjoin(items, items.c.id == listings.c.item_id)
            .where(listings.c.cart_id == cart, listings.c.product > after)
            .order_by(listings.c.product)
            .limit(limit)
        )
        if problem:
            query = query.where(_which(problem))
        if wanted := sku_key(search):
            query = query.where(
                or_(
                    contains(listings.c.sku_key, wanted),
                    contains(items.c.sku_key, wanted),
                    contains(listings.c.name, search.strip()),
                )
            )
        rows = self._connection.execute(query).all()
        unmatched = [row.model or "" for row in rows if row.problem == Problem.UNMATCHED.value]
        alike = Items(self._connection).look_alikes(unmatched)
        return [
            {
                "product": row.product,
                "model": row.model,
                "name": row.name,
                "shows": row.sum - row.ordered,
                "ordered": row.ordered,
                "status": row.status,
                "sku": row.sku,
                "on_hand": row.on_hand,
                "aligned": row.aligned,
                "problem": row.problem,
                "chosen": row.chosen_id is not None,
                "held": row.held,
                "switched_off": bool(row.off),
                "parked": row.parked,
                "parked_by": row.parked_by,
                "looks_like": alike.get(row.model or ""),
                "text": "doubtful" if row.flags & DOUBTFUL else "mended" if row.flags & MENDED else "",
            }
            for row in rows
        ]

    def texts(self, cart: int) -> dict[str, int]:
        """Return how many products of a cart have repaired texts, doubtful texts, and SKUs that only look like an item's.

        The last are counted among the first ``LOOKS_MAX`` unmatched products.
        """
        live = (listings.c.cart_id == cart, listings.c.problem.is_distinct_from(Problem.DELETED.value))
        count = select(func.count()).select_from(listings)
        unmatched = select(listings.c.model).where(
            listings.c.cart_id == cart, listings.c.problem == Problem.UNMATCHED.value, listings.c.model.is_not(None)
        )
        models = list(self._connection.execute(unmatched.limit(LOOKS_MAX)).scalars())
        alike = Items(self._connection).look_alikes(models)
        numbers = {
            name: int(self._connection.execute(count.where(*live, listings.c.flags.op("&")(flag) > 0)).scalar_one())
            for name, flag in (("mended", MENDED), ("doubtful", DOUBTFUL))
        }
        return {**numbers, "look_alikes": sum(model in alike for model in models)}

    def alike(self, cart: int, model: str, name: str, search: str, limit: int) -> Rows:
        """Return the items that a product might be, the likeliest first; with ``search``, the items that contain it.

        ``held_by`` is the product of this cart that already has the item.
        """
        key, title = sku_key(model), name.strip().lower()
        plain = "".join(sign for sign in key if sign not in SIGNS)
        bare: ColumnElement[Any] = items.c.sku_key
        for sign in SIGNS:
            bare = func.replace(bare, sign, "")
        # Both begin with the same character, or a sign: asked first, as it is the cheaper question.
        may_be = func.substr(items.c.sku_key, 1, 1).in_([plain[:1], *SIGNS])
        begins_with_it = and_(may_be, begins_with(bare, literal(plain)), literal(len(plain) >= ALIKE_MIN))
        begins_it = and_(may_be, func.length(items.c.sku_key) >= ALIKE_MIN, begins_with(literal(plain), bare))
        same_name = and_(literal(bool(title)), func.lower(items.c.name) == title)
        looks_like = items.c.sku == Items(self._connection).look_alikes([model]).get(model, "")
        is_alike = or_(items.c.sku_key == key, looks_like, same_name, begins_with_it, begins_it)
        rank = case(
            (items.c.sku_key == key, 0), (looks_like, 1), (bare == plain, 2), (same_name, 3), (is_alike, 4), else_=5
        )
        query = select(items.c.id, items.c.sku, items.c.name, items.c.on_hand, rank.label("rank"))
        query = query.where(has_in_it(search) if search.strip() else is_alike)
        rows = self._connection.execute(query.order_by("rank", items.c.sku_key).limit(limit)).all()
        holders = select(listings.c.item_id, listings.c.product).where(
            listings.c.cart_id + 0 == cart,  # a sum, so that the index of the items is taken
            listings.c.item_id.in_([row.id for row in rows]),
            listings.c.problem.is_distinct_from(Problem.DELETED.value),
        )
        held_by = {row.item_id: row.product for row in self._connection.execute(holders)}
        return [
            {
                "sku": row.sku,
                "name": row.name,
                "on_hand": row.on_hand,
                "why": WHY[row.rank],
                "held_by": held_by.get(row.id),
            }
            for row in rows
        ]


def _which(problem: str) -> ColumnElement[bool]:
    if problem == "any":
        return and_(
            or_(listings.c.problem.is_(None), listings.c.problem.not_in(WISHED)),
            or_(listings.c.problem.is_not(None), listings.c.parked.is_not(None), ~listings.c.aligned),
        )
    if problem == "unsettled":
        return listings.c.problem.in_(UNSETTLED)
    if problem == "chosen":
        return listings.c.chosen_id.is_not(None)
    if problem in {"doubtful", "mended"}:
        return listings.c.flags.op("&")(DOUBTFUL if problem == "doubtful" else MENDED) > 0
    if problem == "parked":
        return listings.c.parked.is_not(None)
    if problem == "switched off":
        return SWITCHED_OFF
    if problem == "not aligned":
        return and_(listings.c.problem.is_(None), literal_column("NOT listings.aligned"))  # in the words of its index
    return listings.c.problem == problem
