"""Verbs about buying: suppliers, purchase orders, goods received against them.

Path: called by name through ``verbs.run``.
Promise: only the services change quantities.
Never: contacts a shop or a supplier.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from onhand.app import App
from onhand.domain.purchasing import PurchaseOrder, Suggestion, Supplier
from onhand.domain.stock import sku_key
from onhand.requests import buying as requests
from onhand.services import purchasing
from onhand.wire import Data

from .registry import iso, verb


@verb(requests.SupplierList)
def supplier_list(app: App, asked: requests.SupplierList) -> Data:
    found = [
        one
        for one in app.read(lambda books: books.purchases.suppliers())
        if sku_key(one.name) > sku_key(asked.after) and asked.active in (None, one.active)
    ]
    return {"suppliers": [_supplier(one) for one in found[: asked.limit]]}


@verb(requests.SupplierShow)
def supplier_show(app: App, asked: requests.SupplierShow) -> Data:
    return _supplier(app.read(lambda books: books.purchases.supplier(asked.supplier)))


@verb(requests.SupplierAdd)
def supplier_add(app: App, asked: requests.SupplierAdd) -> Data:
    kept = purchasing.add_supplier(app.house, asked.name, asked.email, asked.phone, asked.note)
    return _supplier(app.read(lambda books: books.purchases.supplier(kept)))


@verb(requests.SupplierEdit)
def supplier_edit(app: App, asked: requests.SupplierEdit) -> Data:
    given = {"name": asked.name, "email": asked.email, "phone": asked.phone, "note": asked.note, "active": asked.active}
    changed = {key: value for key, value in given.items() if value is not None}
    return _supplier(purchasing.edit_supplier(app.house, asked.supplier, changed, asked.revision))


@verb(requests.PurchaseSuggest)
def purchase_suggest(app: App, asked: requests.PurchaseSuggest) -> Data:
    found = [(supplier, _suggestion(supplier, one)) for supplier, one in purchasing.suggest(app.house)]
    lines = [line for supplier, line in found if supplier and supplier.active]
    without = [line for supplier, line in found if not (supplier and supplier.active)]
    begin = (sku_key(asked.after_supplier), sku_key(asked.after))
    on = [line for line in lines if (sku_key(line["supplier"]), sku_key(line["sku"])) > begin]
    on.sort(key=lambda line: (sku_key(line["supplier"]), sku_key(line["sku"])))
    return {
        "items": len(lines),
        "suppliers": Counter(line["supplier"] for line in lines),
        "lines": on[: asked.limit],
        "items_without": len(without),
        "without": without[: asked.limit],
    }


@verb(requests.PurchaseRaise)
def purchase_raise(app: App, asked: requests.PurchaseRaise) -> Data:
    return {"orders": purchasing.raise_orders(app.house, asked.supplier, asked.person)}


@verb(requests.PurchaseAdd)
def purchase_add(app: App, asked: requests.PurchaseAdd) -> Data:
    return {"order": purchasing.add(app.house, asked.supplier, asked.lines, asked.note, asked.person)}


@verb(requests.PurchaseEdit)
def purchase_edit(app: App, asked: requests.PurchaseEdit) -> Data:
    return _order(purchasing.edit(app.house, asked.order, asked.lines or [], asked.note, asked.revision))


@verb(requests.PurchaseSend)
def purchase_send(app: App, asked: requests.PurchaseSend) -> Data:
    return _order(purchasing.send(app.house, asked.order, asked.revision, asked.person))


@verb(requests.PurchaseClose)
def purchase_close(app: App, asked: requests.PurchaseClose) -> Data:
    return _order(purchasing.close(app.house, asked.order, asked.revision, asked.person))


@verb(requests.PurchaseCancel)
def purchase_cancel(app: App, asked: requests.PurchaseCancel) -> Data:
    return _order(purchasing.cancel(app.house, asked.order, asked.revision, asked.person))


@verb(requests.PurchaseReceive)
def purchase_receive(app: App, asked: requests.PurchaseReceive) -> Data:
    on_hand, left = purchasing.receive(
        app.house, asked.order, asked.lines, asked.over, asked.reference, asked.person, asked.revision
    )
    return {"order": asked.order.strip(), "on_hand": on_hand, "outstanding": left}


@verb(requests.PurchaseList)
def purchase_list(app: App, asked: requests.PurchaseList) -> Data:
    return {
        "orders": app.read(lambda books: books.purchases.orders(asked.state, asked.supplier, asked.before, asked.limit))
    }


@verb(requests.PurchaseShow)
def purchase_show(app: App, asked: requests.PurchaseShow) -> Data:
    found = _order(app.read(lambda books: books.purchases.get(asked.order)))
    rows = [line for line in found["lines"] if line["line"] > asked.after and (line["outstanding"] or not asked.left)]
    return {**found, "size": len(found["lines"]), "lines": rows[: asked.limit]}


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
