"""Verbs about buying: suppliers, purchase orders, goods received against them.

Path: called by name through ``verbs.run``.
Promise: quantities change by the services only.
Never: speaks to a shop or a supplier.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from onhand.app import App
from onhand.domain.people import Scope
from onhand.domain.purchasing import PurchaseOrder, Supplier
from onhand.services import purchasing

from .registry import Data, Revision, Sku, Text, Units, iso, verb

Lines = list[tuple[Sku, Units]]
Rows = Annotated[int, Field(ge=1, le=1000)]


@verb(Scope.READ)
def supplier_list(app: App) -> Data:
    """Whom we buy from."""
    return {"suppliers": [_supplier(found) for found in app.read(lambda books: books.purchases.suppliers())]}


@verb(Scope.MANAGE)
def supplier_add(app: App, name: Text, email: Text = "", phone: Text = "", note: Text = "") -> Data:
    """Add a supplier."""
    kept = purchasing.add_supplier(app.house, name, email, phone, note)
    return _supplier(app.read(lambda books: books.purchases.supplier(kept)))


@verb(Scope.MANAGE)
def supplier_edit(
    app: App,
    supplier: Text,
    name: Text | None = None,
    email: Text | None = None,
    phone: Text | None = None,
    note: Text | None = None,
    active: bool | None = None,
    revision: Revision | None = None,
) -> Data:
    """Change what is known of a supplier. What is left out stays."""
    given = {"name": name, "email": email, "phone": phone, "note": note, "active": active}
    changed = {key: value for key, value in given.items() if value is not None}
    return _supplier(purchasing.edit_supplier(app.house, supplier, changed, revision))


@verb(Scope.READ)
def purchase_suggest(app: App) -> Data:
    """What is at or below its reorder point, counting what is on its way, and how many to order of whom."""
    found, suppliers = purchasing.suggest(app.house)
    names = {number: supplier.name for number, supplier in suppliers.items() if supplier.active}
    return {
        "lines": [
            {
                "sku": one.stocked.sku,
                "name": one.stocked.name,
                "supplier": names.get(one.stocked.supplier or 0),
                "on_hand": one.stocked.on_hand,
                "outstanding": one.stocked.outstanding,
                "reorder_point": one.stocked.reorder_point,
                "units": one.units,
            }
            for one in found
        ]
    }


@verb(Scope.MANAGE, books=True)
def purchase_raise(app: App, person: Text = "") -> Data:
    """Make a draft for each supplier of what ought to be ordered now."""
    return {"orders": purchasing.raise_orders(app.house, person)}


@verb(Scope.MANAGE, books=True)
def purchase_add(app: App, supplier: Text, lines: Lines, note: Text = "", person: Text = "") -> Data:
    """Make a draft by hand."""
    return {"order": purchasing.add(app.house, supplier, lines, note, person)}


@verb(Scope.MANAGE)
def purchase_edit(app: App, order: Text, lines: Lines, note: Text = "", revision: Revision | None = None) -> Data:
    """Replace the lines of a draft."""
    return _order(purchasing.edit(app.house, order, lines, note, revision))


@verb(Scope.MANAGE)
def purchase_send(app: App, order: Text, revision: Revision | None = None, person: Text = "") -> Data:
    """The supplier has the order: from now on goods may come."""
    return _order(purchasing.send(app.house, order, revision, person))


@verb(Scope.MANAGE)
def purchase_close(app: App, order: Text, revision: Revision | None = None, person: Text = "") -> Data:
    """Nothing more is expected of an order, whatever is outstanding."""
    return _order(purchasing.close(app.house, order, revision, person))


@verb(Scope.MANAGE)
def purchase_cancel(app: App, order: Text, revision: Revision | None = None, person: Text = "") -> Data:
    """Call an order off of which nothing came."""
    return _order(purchasing.cancel(app.house, order, revision, person))


@verb(Scope.STOCK, books=True)
def purchase_receive(
    app: App,
    order: Text,
    lines: Lines,
    over: bool = False,
    reference: Text = "",
    revision: Revision | None = None,
    person: Text = "",
) -> Data:
    """Book what came of a sent order. ``over``: more than is outstanding is meant."""
    on_hand, left = purchasing.receive(app.house, order, lines, over, reference, person, revision)
    return {"order": order.strip(), "on_hand": on_hand, "outstanding": left}


@verb(Scope.READ)
def purchase_list(
    app: App,
    state: Literal["open", "draft", "sent", "closed", "cancelled"] | None = None,
    supplier: Text = "",
    before: Annotated[int, Field(ge=1)] | None = None,
    limit: Rows = 100,
) -> Data:
    """Purchase orders, the newest first. ``before`` is the id of the last one seen."""
    return {"orders": app.read(lambda books: books.purchases.orders(state, supplier, before, limit))}


@verb(Scope.READ)
def purchase_show(app: App, order: Text) -> Data:
    """One purchase order with its lines."""
    return _order(app.read(lambda books: books.purchases.get(order)))


def _supplier(found: Supplier) -> Data:
    return {
        "name": found.name,
        "email": found.email,
        "phone": found.phone,
        "note": found.note,
        "active": found.active,
        "revision": found.revision,
    }


def _order(found: PurchaseOrder) -> Data:
    times: dict[str, Any] = {"created_at": found.created_at, "sent_at": found.sent_at, "closed_at": found.closed_at}
    return {
        "order": found.number,
        "supplier": found.supplier.name,
        "email": found.supplier.email,
        "state": found.state.value,
        "note": found.note,
        "person": found.person,
        **{name: iso(at) if at else None for name, at in times.items()},
        "revision": found.revision,
        "received": found.received,
        "outstanding": found.outstanding,
        "lines": [
            {
                "sku": line.sku,
                "name": line.name,
                "ordered": line.ordered,
                "received": line.received,
                "outstanding": line.outstanding,
            }
            for line in found.lines
        ],
    }
