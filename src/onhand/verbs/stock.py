"""Verbs about items and their quantities.

Path: called by name through ``verbs.run``.
Promise: quantities change by the services only.
Never: speaks to a shop.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator, Field

from onhand.app import App, Books
from onhand.domain.importing import FileKind
from onhand.domain.listings import target
from onhand.domain.people import Scope
from onhand.domain.stock import QUANTITY_MAX, Entry, Kind, check_text, sku_key
from onhand.files import sheets
from onhand.services import counting, importing, items, receiving
from onhand.wire import Data

from . import files
from .registry import File, Limit, Number, Revision, Sku, Text, Units, cart_names, iso, packed, verb

NO_LEVEL = -1  # a reorder point or level that is taken away; a form that comes back with a blank means this
Level = Annotated[
    int, Field(ge=NO_LEVEL, le=QUANTITY_MAX), BeforeValidator(lambda given: NO_LEVEL if given == "" else given)
]


@verb(Scope.STOCK, books=True)
def item_add(app: App, sku: Sku, name: Text = "", on_hand: Units = 0, person: Text = "") -> Data:
    """Make an item, with what is on hand of it at the beginning."""
    added = items.add(app.house, sku, name, on_hand, person)
    return {"sku": added.sku, "name": added.name, "on_hand": added.on_hand}


@verb(Scope.READ)
def item_list(
    app: App,
    search: Text = "",
    after: Text = "",
    before: Text = "",
    below_zero: bool = False,
    reorder: bool = False,
    set_aside: bool = False,
    supplier: Text = "",
    limit: Limit = 1000,
) -> Data:
    """Items in SKU order, after a SKU or the last ones before one; ``reorder``: at or below their reorder point. ``count``: how many
    there are of all, whatever was asked for."""

    def read(books: Books) -> Data:
        found = books.inventory.page(
            limit,
            search=search,
            after=sku_key(after),
            before=sku_key(before),
            below_zero=below_zero,
            reorder=reorder,
            set_aside=set_aside,
            supplier=supplier,
        )
        return {"count": books.reports.item_count(), "items": found}

    return {"carts": cart_names(app), **app.read(read)}


@verb(Scope.READ)
def item_show(app: App, sku: Sku, limit: Limit = 20) -> Data:
    """An item, what each shop shows for it and should show, and its latest movements."""

    def read(books: Books) -> Data:
        item = items.find(books, [sku])[0]
        shown = books.inventory.one(item.id)
        buffers = {cart.id: cart.settings.buffer for cart in books.carts.all()}
        for cart, shop in shown["shops"].items():
            shop["target"] = target(item.on_hand, buffers[cart])
        return {**shown, "movements": [_entry(entry) for entry in books.ledger.of_item(item.id, limit)]}

    return {"carts": cart_names(app), **app.read(read)}


@verb(Scope.MANAGE, books=True)
def item_edit(
    app: App,
    sku: Sku,
    name: Text | None = None,
    new_sku: Sku | None = None,
    ignore_qoh: bool | None = None,
    drop_ship: bool | None = None,
    reorder_point: Level | None = None,
    reorder_to: Level | None = None,
    supplier: Text | None = None,
    revision: Revision | None = None,
    person: Text = "",
) -> Data:
    """Change what people know of an item; what is not given stays."""
    given = {
        "name": None if name is None else check_text(name, "name"),
        "ignore_qoh": ignore_qoh,
        "drop_ship": drop_ship,
        "reorder_point": reorder_point,
        "reorder_to": reorder_to,
        "supplier": None if supplier is None else supplier.strip(),
    }
    changes: Data = {field: value for field, value in given.items() if value is not None}
    for field in ("reorder_point", "reorder_to"):
        if changes.get(field) == NO_LEVEL:
            changes[field] = None
    return items.edit(app.house, sku, changes, new_sku, revision, person)


@verb(Scope.READ)
def stock_history(app: App, sku: Sku, points: Annotated[int, Field(ge=2, le=500)] = 500) -> Data:
    """An item's quantity on hand over time: exact at each point, with as many points as fit, and now."""

    def read(books: Books) -> tuple[int, list[tuple[datetime, int]]]:
        item = items.find(books, [sku])[0]
        return item.on_hand, books.ledger.history(item.id, points - 1)

    on_hand, found = app.read(read)
    balances: dict[float, int] = {}
    latest = 0.0
    for at, balance in [*found, (app.clock.now(), on_hand)]:
        latest = max(latest, at.timestamp())  # a clock that was set back must not turn the picture round
        balances[latest] = balance
    return {"sku": sku.strip(), "on_hand": on_hand, "x": list(balances), "values": list(balances.values())}


@verb(Scope.MANAGE, books=True)
def item_import(
    app: App,
    file: File,
    person: Text = "",
    dry_run: bool = False,
    overwrite: bool = False,
    mapping: files.Mapping | None = None,
    decimal: files.Decimal = None,
) -> Data:
    """Make and change items from a CSV or XLSX file: all of it, or nothing.

    A quantity in an export of ours keeps what was booked since. Any other that differs is refused unless ``overwrite`` says that a person
    has seen it. ``mapping``: columns by heading; ``decimal``: the decimal mark.
    """
    table = files.read(app, FileKind.ITEMS, file, mapping, decimal)
    entries = [importing.Entry(line, **values) for line, values in table.rows]
    house = files.remembering(app, FileKind.ITEMS, mapping)
    done = importing.import_items(house, entries, person, dry_run, overwrite)
    read = {"remarks": table.remarks, "headings": table.headings}
    return {"dry_run": dry_run, "lines": len(entries), **read, **done}


@verb(Scope.READ)
def item_export(app: App, form: sheets.Form = sheets.Form.CSV) -> Data:
    """Give all items as a file. It says what is on hand now and which movement was the newest, so that a later import keeps what was
    booked in between."""

    def read(books: Books) -> tuple[int, list[tuple[sheets.Value | None, ...]]]:
        return books.ledger.last(), books.inventory.rows()

    newest, rows = app.read(read)
    place = sheets.ITEMS.names.index("on_hand")
    full = [(*row, row[place], newest) for row in rows]
    return {"items": len(rows), "file": packed(sheets.written(sheets.ITEMS, full, form))}


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
def receive_import(
    app: App,
    file: File,
    reference: Text = "",
    person: Text = "",
    note: Text = "",
    mapping: files.Mapping | None = None,
    decimal: files.Decimal = None,
) -> Data:
    """Receive the goods of a CSV or XLSX file: all of it, or nothing."""
    table = files.read(app, FileKind.RECEIPTS, file, mapping, decimal)
    lines = [(str(row["sku"]), int(row["units"])) for _, row in table.rows]
    house = files.remembering(app, FileKind.RECEIPTS, mapping)
    on_hand = receiving.receive(house, lines, reference, person, note)
    return {"on_hand": on_hand, "remarks": table.remarks, "headings": table.headings}


@verb(Scope.STOCK, books=True)
def adjust(
    app: App,
    sku: Sku,
    change: Units | None = None,
    counted: Units | None = None,
    reason: Text = "",
    person: Text = "",
    below_zero: bool = False,
    seen: Units | None = None,
) -> Data:
    """Correct what is on hand of one item: by a change, or to what was counted by somebody who saw so many ``seen`` on hand."""
    after = counting.adjust(app.house, sku, change, counted, reason, person, below_zero, seen)
    return {"sku": sku.strip(), "on_hand": after}


@verb(Scope.READ)
def movements(
    app: App,
    sku: Sku | None = None,
    kind: Kind | None = None,
    cart: Text = "",
    by: Text = "",
    limit: Limit = 100,
    before: Number | None = None,
) -> Data:
    """Movements, newest first, from below a number; of an item, a kind, a cart, or done ``by`` a person."""

    def read(books: Books) -> list[Data]:
        item = items.find(books, [sku])[0].id if sku else None
        of_cart = books.carts.named(cart).id if cart else None
        found = books.ledger.of_item(item, limit, before, kind, of_cart, by.strip())
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
