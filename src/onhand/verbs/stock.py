"""Verbs about items and their quantities.

Path: called by name through ``verbs.run``.
Promise: quantities change by the services only.
Never: speaks to a shop.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from onhand import csvfiles
from onhand.app import App
from onhand.domain.people import Scope
from onhand.domain.stock import sku_key
from onhand.services import counting, items, receiving, selling

from .registry import Data, Limit, Sku, Text, Units, cart_names, iso, verb


@verb(Scope.STOCK, books=True)
def item_add(app: App, sku: Sku, name: Text = "", on_hand: Units = 0, person: Text = "") -> Data:
    added = items.add(app.house, sku, name, on_hand, person)
    return {"sku": added.sku, "name": added.name, "on_hand": added.on_hand}


@verb(Scope.READ)
def item_list(app: App, search: Text = "", after: Text = "", limit: Limit = 1000) -> Data:
    rows = app.read(lambda books: books.reports.stock(search, sku_key(after), limit))
    return {"carts": cart_names(app), "items": rows}


@verb(Scope.READ)
def item_show(app: App, sku: Sku, limit: Limit = 20) -> Data:
    def read(books: Any) -> Data:
        item = items.find(books, [sku])[0]
        entries = books.ledger.of_item(item.id, limit)
        shown = books.reports.stock(item.sku, "", 1_000)
        return {
            "sku": item.sku,
            "name": item.name,
            "on_hand": item.on_hand,
            "shops": next((row["shops"] for row in shown if row["sku"] == item.sku), {}),
            "movements": [_entry(entry) for entry in entries],
        }

    return {"carts": cart_names(app), **app.read(read)}


@verb(Scope.MANAGE)
def item_import(
    app: App,
    text: Annotated[str, Field(max_length=50_000_000)],
    person: Text = "",
    dry_run: bool = False,
) -> Data:
    entries = csvfiles.read_items(text)
    return {"dry_run": dry_run, "lines": len(entries), **items.import_items(app.house, entries, person, dry_run)}


@verb(Scope.READ)
def item_export(app: App) -> Data:
    found = sorted(app.read(lambda books: books.items.all()).values(), key=lambda item: sku_key(item.sku))
    return {"items": len(found), "text": csvfiles.write_items(found)}


@verb(Scope.STOCK, books=True)
def receive(
    app: App,
    lines: list[tuple[Sku, Units]],
    reference: Text = "",
    person: Text = "",
    note: Text = "",
) -> Data:
    return {"on_hand": receiving.receive(app.house, lines, reference, person, note)}


@verb(Scope.STOCK, books=True)
def adjust(
    app: App,
    sku: Sku,
    change: Units | None = None,
    counted: Units | None = None,
    reason: Text = "",
    person: Text = "",
    below_zero: bool = False,
) -> Data:
    after = counting.adjust(app.house, sku, change, counted, reason, person, below_zero)
    return {"sku": sku.strip(), "on_hand": after}


@verb(Scope.STOCK, books=True)
def order_add(
    app: App,
    lines: list[tuple[Sku, Units]],
    number: Text = "",
    person: Text = "",
    note: Text = "",
    oversell: bool = False,
) -> Data:
    chosen, on_hand = selling.take_order(app.house, lines, number, person, note, oversell)
    return {"order": chosen, "on_hand": on_hand}


@verb(Scope.READ)
def order_list(app: App, limit: Limit = 100) -> Data:
    return {"orders": app.read(lambda books: books.reports.orders(limit))}


@verb(Scope.READ)
def movements(
    app: App,
    sku: Sku | None = None,
    limit: Limit = 100,
    before: Annotated[int, Field(ge=1)] | None = None,
) -> Data:
    def read(books: Any) -> list[Data]:
        item = items.find(books, [sku])[0].id if sku else None
        return [_entry(entry) for entry in books.ledger.of_item(item, limit, before)]

    return {"carts": cart_names(app), "movements": app.read(read)}


def _entry(entry: Any) -> Data:
    m = entry.movement
    return {
        "id": entry.id,
        "at": iso(entry.at),
        "sku": entry.sku,
        "kind": m.kind.value,
        "quantity": m.quantity,
        "cart": m.cart,
        "order": m.order,
        "reason": m.reason,
        "person": m.person,
        "origin": m.origin,
    }
