"""The particulars of items, and the list of items for people.

Path: ``services.items`` reads and saves particulars; the Inventory screen, exports and ``item_list`` read pages.
Promise: every save raises the revision; a page is found by its SKU, regardless of the length of the list.
Never: moves a quantity.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, or_, select, update

from onhand.domain.errors import Refused
from onhand.domain.inventory import FIELDS, Particulars
from onhand.domain.posts import State
from onhand.domain.stock import sku_key

from .dialects import contains
from .ledger import chunks
from .office_tables import suppliers
from .tables import carts, differences, items, listings, posts
from .times import iso


class Inventory:
    """Items with their particulars."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, wanted: Sequence[int]) -> dict[int, Particulars]:
        found = {}
        for chunk in chunks(wanted):
            rows = self._connection.execute(_KNOWN.where(items.c.id.in_(chunk)))
            found.update({row.id: _particulars(row) for row in rows})
        return found

    def save(self, changed: Mapping[int, Particulars]) -> None:
        if not changed:
            return
        known = self.suppliers({one.supplier for one in changed.values()})
        self._check_barcodes(changed)
        self._connection.execute(
            _SAVE,
            [
                {f"to_{name}": getattr(one, name) for name in _OWN}
                | {"of_item": item, "to_supplier": known.get(sku_key(one.supplier))}
                for item, one in sorted(changed.items())
            ],
        )

    def _check_barcodes(self, changed: Mapping[int, Particulars]) -> None:
        """Free barcodes that move to another item. Raise Refused if two items would share one, as a scanner could not tell them apart."""
        wanted: dict[str, int] = {}
        for item, one in changed.items():
            if one.barcode and wanted.setdefault(one.barcode, item) != item:
                raise Refused(
                    f"Two items cannot have the same barcode {one.barcode!r}: correct one of them.", barcode=one.barcode
                )
        for chunk in chunks(sorted(wanted)):
            held = self._connection.execute(
                select(items.c.id, items.c.sku, items.c.barcode).where(items.c.barcode.in_(chunk))
            ).all()
            for row in held:
                if row.id not in changed:
                    raise Refused(
                        f"{row.sku} already has the barcode {row.barcode!r}: correct one of the two.",
                        barcode=row.barcode,
                        sku=row.sku,
                    )
            moving = [row.id for row in held if wanted[row.barcode] != row.id]
            if moving:
                self._connection.execute(update(items).where(items.c.id.in_(moving)).values(barcode=""))

    def suppliers(self, names: Collection[str]) -> dict[str, int]:
        names = {name for name in names if name.strip()}
        known = {}
        for chunk in chunks(sorted({sku_key(name) for name in names})):
            query = select(suppliers.c.name_key, suppliers.c.id).where(suppliers.c.name_key.in_(chunk))
            known.update({row.name_key: row.id for row in self._connection.execute(query)})
        unknown = sorted(name for name in names if sku_key(name) not in known)
        if unknown:
            shown = ", ".join(repr(name) for name in unknown[:10]) + (" …" if len(unknown) > 10 else "")
            raise Refused(f"There is no supplier {shown}: add it first, or correct the spelling.", supplier=unknown[0])
        return known

    def page(
        self,
        limit: int,
        *,
        search: str = "",
        after: str = "",
        before: str = "",
        below_zero: bool = False,
        reorder: bool = False,
        set_aside: bool = False,
        supplier: str = "",
    ) -> list[dict[str, Any]]:
        """Items in SKU order, each with its listings by cart: those that follow the SKU key ``after``, or with ``before`` the last
        ones that precede that key."""
        where = items.c.sku_key < before if before else items.c.sku_key > after
        order = items.c.sku_key.desc() if before else items.c.sku_key.asc()
        query = (
            _PAGE.where(where, *_wanted(search, below_zero, reorder, set_aside, supplier)).order_by(order).limit(limit)
        )
        found = {row.id: {**_row(row), "shops": {}} for row in self._connection.execute(query)}
        for chunk in chunks(list(found)):
            for row in self._connection.execute(_SHOWN.where(listings.c.item_id.in_(chunk))):
                found[row.item_id]["shops"][row.cart_id] = _shop(row)
        return list(found.values())[:: -1 if before else 1]

    def one(self, item: int) -> dict[str, Any]:
        """Return an item with its listing in each cart: the count last seen there, and the units in flight."""
        found = self._connection.execute(_PAGE.where(items.c.id == item)).one()
        shops = {}
        for row in self._connection.execute(_SHOWN.where(listings.c.item_id == item)):
            shops[row.cart_id] = _shop(row) | self._last_seen(row)
        return {**_row(found), "shops": shops}

    def _last_seen(self, row: Any) -> dict[str, Any]:
        """Return the count last seen: the agreed count, or what an open difference saw."""
        is_open = (differences.c.listing_id == row.id, differences.c.closed_at.is_(None))
        query = select(differences).where(*is_open).order_by(differences.c.id.desc()).limit(1)
        difference = self._connection.execute(query).one_or_none()
        flying = select(func.coalesce(func.sum(posts.c.delta), 0)).where(
            posts.c.cart_id == row.cart_id, posts.c.listing_id == row.id, posts.c.state == State.SENT.value
        )
        return {
            "seen": difference.seen_quantity if difference else row.agreed,
            "seen_at": iso(difference.opened_at if difference else row.looked_at),
            "difference": difference.id if difference else None,
            "in_flight": int(self._connection.execute(flying).scalar_one()),
        }

    def rows(self, columns: Sequence[str]) -> list[tuple[Any, ...]]:
        """Return every item in SKU order, in the columns of a table of items."""
        query = select(*(_COLUMNS[name] for name in columns)).outerjoin(suppliers).order_by(items.c.sku_key)
        return [tuple(row) for row in self._connection.execute(query)]


def has_in_it(search: str) -> ColumnElement[bool]:
    """Return the condition that an item's SKU or name contains a text, or that its barcode equals it."""
    in_sku = contains(items.c.sku_key, sku_key(search))
    in_name = contains(items.c.name, search.strip())
    return or_(in_sku, in_name, items.c.barcode == search.strip())


def _wanted(search: str, below_zero: bool, reorder: bool, set_aside: bool, supplier: str) -> list[ColumnElement[bool]]:
    """Return the conditions of a filtered list."""
    wanted: list[ColumnElement[bool]] = []
    if search.strip():
        wanted.append(has_in_it(search))
    if below_zero:
        wanted.append(items.c.on_hand < 0)
    if reorder:
        wanted += [items.c.on_hand <= items.c.reorder_point, ~items.c.drop_ship]
    if set_aside:
        wanted.append(or_(items.c.ignore_qoh, items.c.drop_ship))
    if supplier.strip():
        wanted.append(suppliers.c.name_key == sku_key(supplier))
    return wanted


def _row(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "sku": row.sku,
        "key": row.sku_key,
        "on_hand": row.on_hand,
        **asdict(_particulars(row)),
    }


def _shop(row: Any) -> dict[str, Any]:
    return {
        "product": row.product,
        "shows": row.agreed,
        "aligned": row.aligned,
        "problem": row.problem,
        "held": row.held,
        "parked": row.parked,
        "news": row.news,
    }


def _particulars(row: Any) -> Particulars:
    own = {name: getattr(row, name) for name in _OWN}
    return Particulars(**own, supplier=row.supplier or "", revision=row.revision)


_OWN = tuple(name for name in FIELDS if name != "supplier")  # each has a column of its name
_COLUMNS = {name: items.c[name] for name in ("sku", "on_hand", *_OWN)} | {"supplier": suppliers.c.name}
_KNOWN: Select[Any] = select(
    items.c.id, *(items.c[name] for name in _OWN), suppliers.c.name.label("supplier"), items.c.revision
).outerjoin(suppliers, suppliers.c.id == items.c.supplier_id)
_PAGE = _KNOWN.add_columns(items.c.sku, items.c.sku_key, items.c.on_hand)
# A deleted product is shown only if the shop has no other product for the item.
_SHOWN: Select[Any] = (
    select(
        listings.c.id,
        listings.c.item_id,
        listings.c.cart_id,
        listings.c.product,
        (listings.c.sum - listings.c.ordered).label("agreed"),
        listings.c.aligned,
        listings.c.problem,
        listings.c.held,
        listings.c.parked,
        listings.c.news,
        carts.c.looked_at,
    )
    .join(carts, carts.c.id == listings.c.cart_id)
    .order_by(listings.c.problem.is_not_distinct_from("deleted").desc(), listings.c.id)
)
_SAVE = (
    update(items)
    .where(items.c.id == bindparam("of_item"))
    .values(
        {name: bindparam(f"to_{name}") for name in _OWN}
        | {"supplier_id": bindparam("to_supplier"), "revision": items.c.revision + 1}
    )
)
