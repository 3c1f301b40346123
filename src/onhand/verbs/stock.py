"""Verbs about items and their quantities.

Path: called by name through ``verbs.run``.
Promise: only the services change quantities.
Never: contacts a shop.
"""

from __future__ import annotations

from datetime import datetime

from onhand.app import App, Books
from onhand.domain.importing import FileKind
from onhand.domain.inventory import FIELDS
from onhand.domain.listings import target
from onhand.domain.stock import Entry, sku_key
from onhand.files import sheets
from onhand.requests import stock as requests
from onhand.services import counting, importing, items, receiving
from onhand.wire import Data

from . import files
from .registry import cart_names, iso, packed, verb


@verb(requests.ItemAdd)
def item_add(app: App, asked: requests.ItemAdd) -> Data:
    added = items.add(app.house, asked.sku, asked.name, asked.on_hand, asked.person)
    return {"sku": added.sku, "name": added.name, "on_hand": added.on_hand}


@verb(requests.ItemList)
def item_list(app: App, asked: requests.ItemList) -> Data:

    def read(books: Books) -> Data:
        found = books.inventory.page(
            asked.limit,
            search=asked.search,
            after=sku_key(asked.after),
            before=sku_key(asked.before),
            below_zero=asked.below_zero,
            reorder=asked.reorder,
            set_aside=asked.set_aside,
            supplier=asked.supplier,
        )
        return {"count": books.reports.item_count(), "items": found}

    return {"carts": cart_names(app), **app.read(read)}


@verb(requests.ItemShow)
def item_show(app: App, asked: requests.ItemShow) -> Data:

    def read(books: Books) -> Data:
        item = items.find(books, [asked.sku])[0]
        shown = books.inventory.one(item.id)
        buffers = {cart.id: cart.settings.buffer for cart in books.carts.all()}
        for cart, shop in shown["shops"].items():
            shop["target"] = target(item.on_hand, buffers[cart])
        return {**shown, "movements": [_entry(entry) for entry in books.ledger.of_item(item.id, asked.limit)]}

    return {"carts": cart_names(app), **app.read(read)}


@verb(requests.ItemEdit)
def item_edit(app: App, asked: requests.ItemEdit) -> Data:
    changes = {name: value for name in FIELDS if (value := getattr(asked, name)) is not None}
    for field in ("reorder_point", "reorder_to"):
        if changes.get(field) == requests.NO_LEVEL:
            changes[field] = None
    return items.edit(app.house, asked.sku, changes, asked.new_sku, asked.revision, asked.person)


@verb(requests.StockHistory)
def stock_history(app: App, asked: requests.StockHistory) -> Data:

    def read(books: Books) -> tuple[int, list[tuple[datetime, int]]]:
        item = items.find(books, [asked.sku])[0]
        return item.on_hand, books.ledger.history(item.id, asked.points - 1)

    on_hand, found = app.read(read)
    balances: dict[float, int] = {}
    latest = 0.0
    for at, balance in [*found, (app.clock.now(), on_hand)]:
        latest = max(latest, at.timestamp())  # a clock that was set back must not reverse the chart
        balances[latest] = balance
    return {"sku": asked.sku.strip(), "on_hand": on_hand, "x": list(balances), "values": list(balances.values())}


@verb(requests.ItemImport)
def item_import(app: App, asked: requests.ItemImport) -> Data:
    table = files.read(app, FileKind.ITEMS, asked.file, asked.mapping, asked.decimal)
    entries = [importing.Entry.of(line, values) for line, values in table.rows]
    house = files.remembering(app, FileKind.ITEMS, asked.mapping)
    done = importing.import_items(house, entries, asked.person, asked.dry_run, asked.overwrite)
    read = {"remarks": table.remarks, "headings": table.headings}
    return {"dry_run": asked.dry_run, "lines": len(entries), **read, **done}


@verb(requests.ItemExport)
def item_export(app: App, asked: requests.ItemExport) -> Data:

    def read(books: Books) -> tuple[int, list[tuple[sheets.Value | None, ...]]]:
        return books.ledger.last(), books.inventory.rows(told)

    told = [column.name for column in sheets.ITEMS.columns if column.told]
    newest, rows = app.read(read)
    place = told.index("on_hand")
    full = [(*row, row[place], newest) for row in rows]
    return {"items": len(rows), "file": packed(sheets.written(sheets.ITEMS, full, asked.form))}


@verb(requests.Receive)
def receive(app: App, asked: requests.Receive) -> Data:
    return {"on_hand": receiving.receive(app.house, asked.lines, asked.reference, asked.person, asked.note)}


@verb(requests.ReceiveImport)
def receive_import(app: App, asked: requests.ReceiveImport) -> Data:
    table = files.read(app, FileKind.RECEIPTS, asked.file, asked.mapping, asked.decimal)
    lines = [(str(row["sku"]), int(row["units"])) for _, row in table.rows]
    house = files.remembering(app, FileKind.RECEIPTS, asked.mapping)
    on_hand = receiving.receive(house, lines, asked.reference, asked.person, asked.note)
    return {"on_hand": on_hand, "remarks": table.remarks, "headings": table.headings}


@verb(requests.Adjust)
def adjust(app: App, asked: requests.Adjust) -> Data:
    after = counting.adjust(
        app.house, asked.sku, asked.change, asked.counted, asked.reason, asked.person, asked.below_zero, asked.seen
    )
    return {"sku": asked.sku.strip(), "on_hand": after}


@verb(requests.Movements)
def movements(app: App, asked: requests.Movements) -> Data:

    def read(books: Books) -> list[Data]:
        item = items.find(books, [asked.sku])[0].id if asked.sku else None
        of_cart = books.carts.named(asked.cart).id if asked.cart else None
        found = books.ledger.of_item(item, asked.limit, asked.before, asked.kind, of_cart, asked.by.strip())
        return [_entry(entry) for entry in found]

    return {"carts": cart_names(app), "movements": app.read(read)}


def _entry(entry: Entry) -> Data:
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
