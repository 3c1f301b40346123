"""Verbs about items and their quantities.

Path: called by name through ``verbs.run``.
Promise: quantities change by the services only.
Never: speaks to a shop.
"""

from __future__ import annotations

from typing import Any

from onhand import sheets
from onhand.app import App
from onhand.domain.people import Scope
from onhand.domain.stock import sku_key
from onhand.services import counting, items, receiving, selling

from .registry import Data, File, Limit, Number, Sku, Text, Units, cart_names, iso, packed, verb


@verb(Scope.STOCK, books=True)
def item_add(app: App, sku: Sku, name: Text = "", on_hand: Units = 0, person: Text = "") -> Data:
    """Make an item, with what is on hand of it at the beginning."""
    added = items.add(app.house, sku, name, on_hand, person)
    return {"sku": added.sku, "name": added.name, "on_hand": added.on_hand}


@verb(Scope.READ)
def item_list(app: App, search: Text = "", after: Text = "", limit: Limit = 1000) -> Data:
    """List items with what is on hand and what each shop shows, in the order of their SKUs, after a SKU."""
    rows = app.read(lambda books: books.reports.stock(search, sku_key(after), limit))
    return {"carts": cart_names(app), "items": rows}


@verb(Scope.READ)
def item_show(app: App, sku: Sku, limit: Limit = 20) -> Data:
    """Show one item with what each shop shows of it and its latest movements."""
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


@verb(Scope.MANAGE, books=True)
def item_import(app: App, file: File, person: Text = "", dry_run: bool = False) -> Data:
    """Make and change items from a CSV or XLSX file: all of it, or nothing."""
    table = sheets.read(file, sheets.ITEMS)
    entries = [items.Entry(line, **values) for line, values in table.rows]
    done = items.import_items(app.house, entries, person, dry_run)
    return {"dry_run": dry_run, "lines": len(entries), "remarks": table.remarks, **done}


@verb(Scope.READ)
def item_export(app: App, form: sheets.Form = sheets.Form.CSV) -> Data:
    """Give all items as a file."""
    rows = app.read(lambda books: books.reports.item_rows())
    return {"items": len(rows), "file": packed(sheets.written(sheets.ITEMS, rows, form))}


@verb(Scope.STOCK, books=True)
def receive(
    app: App,
    lines: list[tuple[Sku, Units]],
    reference: Text = "",
    person: Text = "",
    note: Text = "",
) -> Data:
    """Receive goods: lines of a SKU and units each."""
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
    """Correct what is on hand of one item: by a change, or to what was counted."""
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
    """Take an order by phone or at the counter: its lines leave the shelf at once."""
    chosen, on_hand = selling.take_order(app.house, lines, number, person, note, oversell)
    return {"order": chosen, "on_hand": on_hand}


@verb(Scope.READ)
def order_list(app: App, limit: Limit = 100) -> Data:
    """List order lines collected from the shops and orders entered by hand, newest first."""
    return {"orders": app.read(lambda books: books.reports.orders(limit))}


@verb(Scope.READ)
def movements(
    app: App,
    sku: Sku | None = None,
    limit: Limit = 100,
    before: Number | None = None,
) -> Data:
    """List the movements of one item or of all, newest first, before a movement's number."""
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
