"""Verbs about buying: suppliers, purchase orders, goods received against them.

Path: called by name through ``verbs.run``.
Promise: quantities change by the services only.
Never: speaks to a shop or a supplier.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import Field

from onhand.app import App
from onhand.domain.people import Scope
from onhand.domain.purchasing import PurchaseOrder, Suggestion, Supplier
from onhand.domain.stock import sku_key
from onhand.services import purchasing
from onhand.wire import Data

from .registry import Revision, Sku, Text, Units, iso, verb

Lines = list[tuple[Sku, Units]]
Rows = Annotated[int, Field(ge=1, le=1000)]


@verb(Scope.READ)
def supplier_list(app: App, after: Text = "", active: bool | None = None, limit: Rows = 100) -> Data:
    """Whom we buy from, by name, beginning after one; with ``active`` only those we buy from now, or only the others."""
    found = [
        one
        for one in app.read(lambda books: books.purchases.suppliers())
        if sku_key(one.name) > sku_key(after) and active in (None, one.active)
    ]
    return {"suppliers": [_supplier(one) for one in found[:limit]]}


@verb(Scope.READ)
def supplier_show(app: App, supplier: Text) -> Data:
    """Show one supplier."""
    return _supplier(app.read(lambda books: books.purchases.supplier(supplier)))


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
def purchase_suggest(app: App, after_supplier: Text = "", after: Sku = "", limit: Rows = 100) -> Data:
    """What is at or below its reorder point, counting what is on its way, and how many to order of whom.

    ``lines`` go by supplier and SKU, beginning after a SKU of a supplier. What has no active supplier is apart, in ``without``; of that
    the first. ``suppliers`` says how many items are to be ordered of each, ``items`` of all of them.
    """
    found = [(supplier, _suggestion(supplier, one)) for supplier, one in purchasing.suggest(app.house)]
    lines = [line for supplier, line in found if supplier and supplier.active]
    without = [line for supplier, line in found if not (supplier and supplier.active)]
    begin = (sku_key(after_supplier), sku_key(after))
    on = [line for line in lines if (sku_key(line["supplier"]), sku_key(line["sku"])) > begin]
    on.sort(key=lambda line: (sku_key(line["supplier"]), sku_key(line["sku"])))
    return {
        "items": len(lines),
        "suppliers": Counter(line["supplier"] for line in lines),
        "lines": on[:limit],
        "items_without": len(without),
        "without": without[:limit],
    }


@verb(Scope.MANAGE, books=True)
def purchase_raise(app: App, supplier: Text = "", person: Text = "") -> Data:
    """Make a draft of what ought to be ordered now: for each supplier, or for one."""
    return {"orders": purchasing.raise_orders(app.house, supplier, person)}


@verb(Scope.MANAGE, books=True)
def purchase_add(app: App, supplier: Text, lines: Lines, note: Text = "", person: Text = "") -> Data:
    """Make a draft by hand."""
    return {"order": purchasing.add(app.house, supplier, lines, note, person)}


@verb(Scope.MANAGE)
def purchase_edit(
    app: App, order: Text, lines: Lines, note: Text | None = None, revision: Revision | None = None
) -> Data:
    """Change a draft: give SKUs other units, add some, take those away of which 0 are given. What is left out stays."""
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
    lines: Lines | None = None,
    over: bool = False,
    reference: Text = "",
    revision: Revision | None = None,
    person: Text = "",
) -> Data:
    """Book what came of a sent order; without lines all that is outstanding. ``over``: more than that is meant."""
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
def purchase_show(
    app: App,
    order: Text,
    left: bool = False,
    after: Annotated[int, Field(ge=0)] = 0,
    limit: Annotated[int, Field(ge=1, le=purchasing.LINES_MAX)] = purchasing.LINES_MAX,
) -> Data:
    """One purchase order with its lines, beginning after a line's number; with ``left`` only those of which something is to come."""
    found = _order(app.read(lambda books: books.purchases.get(order)))
    rows = [line for line in found["lines"] if line["line"] > after and (line["outstanding"] or not left)]
    return {**found, "size": len(found["lines"]), "lines": rows[:limit]}


def _supplier(found: Supplier) -> Data:
    return {
        "name": found.name,
        "email": found.email,
        "phone": found.phone,
        "note": found.note,
        "active": found.active,
        "revision": found.revision,
    }


def _suggestion(supplier: Supplier | None, one: Suggestion) -> Data:
    return {
        "supplier": supplier.name if supplier else None,
        "sku": one.stocked.sku,
        "name": one.stocked.name,
        "on_hand": one.stocked.on_hand,
        "outstanding": one.stocked.outstanding,
        "reorder_point": one.stocked.reorder_point,
        "units": one.units,
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
        "ordered": found.ordered,
        "received": found.received,
        "outstanding": found.outstanding,
        "lines": [
            {
                "line": line.line,
                "sku": line.sku,
                "name": line.name,
                "ordered": line.ordered,
                "received": line.received,
                "outstanding": line.outstanding,
            }
            for line in found.lines
        ],
    }
