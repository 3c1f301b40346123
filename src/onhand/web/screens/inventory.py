"""Inventory: all items with what is on hand and what each shop shows; new items, import and export.

Path: ``/inventory``; an item's own page is in ``item``.
Promise: a file is previewed before anything is booked, and then booked as a whole.
Never: overwrites a count that the page did not show.
"""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

from fastapi.responses import Response

from onhand.domain.errors import OnHandError, Refused
from onhand.domain.people import Scope
from onhand.files import sheets
from onhand.web import files, view
from onhand.web.declaring import form, page
from onhand.web.named import suppliers
from onhand.web.visit import Page, Visit
from onhand.words import counted

ROWS = 50  # items on one page
SUPPLIERS = 1000  # suppliers in the filter
SHOPS = 8  # columns of shops; a wider table is not readable
FILTERS = ("q", "supplier", "below_zero", "reorder", "set_aside")
FLAGS = ("below_zero", "reorder", "set_aside")


def _inventory(visit: Visit) -> Page:
    query = visit.query
    wanted = {"search": query.get("q", ""), "supplier": query.get("supplier", "")}
    wanted |= {name: query.get(name, "") for name in ("after", "before")}
    found = visit.do("item_list", limit=ROWS, **wanted, **{flag: bool(query.get(flag)) for flag in FLAGS})
    carts = [cart for cart in visit.do("cart_list", shared=True)["carts"] if cart["active"]]
    rows = found["items"]
    lines = [(row, [view.cell(row["shops"].get(c["id"]), row["on_hand"], c) for c in carts[:SHOPS]]) for row in rows]
    moved = query.get("after") or query.get("before")
    data = {
        "lines": lines,
        "carts": carts[:SHOPS],
        "more_carts": len(carts) - SHOPS,
        "items": found["count"],
        "filtered": any(query.get(name) for name in FILTERS),
        "suppliers": suppliers(visit, SUPPLIERS),
        "first": visit.link(after=None, before=None) if moved else None,
        "back": visit.link(after=None, before=rows[0]["sku"]) if rows and moved else None,
        "on": visit.link(before=None, after=rows[-1]["sku"])
        if len(rows) == ROWS or (rows and query.get("before"))
        else None,
    }
    return Page("inventory.html", data, "Inventory", ("item_rows",))


def _new(_: Visit) -> Page:
    return Page("item_new.html", {}, "New item")


def _add(visit: Visit) -> Page | Response:
    return visit.submit(
        "item_add",
        {"sku": visit.form.get("sku", ""), **visit.given("name", "on_hand")},
        again=lambda: _new(visit),
        then=lambda added: f"/item?sku={quote(added['sku'], safe='')}",
        said="{sku} was added.",
    )


def _export(visit: Visit, form: str) -> Response:
    if form not in set(sheets.Form):
        raise Refused("Items can be exported as csv or xlsx.")
    content = base64.b64decode(visit.do("item_export", form=form)["file"])
    named = {"Content-Disposition": f'attachment; filename="onhand-items.{form}"', "Cache-Control": "no-store"}
    return Response(content, media_type=sheets.Form(form).media_type, headers=named)


def _import(_: Visit) -> Page:
    return _import_page()


def _template(visit: Visit, form: str) -> Response:
    return handed_over(visit, "items", form)


def _look(visit: Visit) -> Page:
    content: bytes | None = None
    try:
        content = files.brought(visit)
        if content is None:
            raise Refused("Choose a file first.", file="")
        preview = visit.do("item_import", **files.arguments(visit, content), dry_run=True)
    except OnHandError as error:
        return _refused(visit, error, content)
    return _import_page(preview=preview, asked=files.asked(visit, content, sheets.ITEMS, preview))


def _do(visit: Visit) -> Page | Response:
    content: bytes | None = None
    try:
        content = files.brought(visit)
        if content is None:
            raise Refused("The file has expired and nothing was imported: choose it again.")
        # The page showed each count that is overwritten; ``overwrite`` is their number.
        arguments = files.arguments(visit, content)
        done = visit.do("item_import", **arguments, overwrite=bool(visit.form.get("overwrite")))
    except OnHandError as error:
        return _refused(visit, error, content)
    counts = (f"{counted(done[word], 'item')} {word}" for word in ("added", "changed", "unchanged"))
    words = f"Imported: {', '.join(counts)}."
    return visit.go("/inventory", words)


def handed_over(visit: Visit, kind: str, form: str) -> Response:
    """Return the template of a kind of file."""
    if form not in set(sheets.Form):
        raise Refused("Templates can be downloaded as csv or xlsx.")
    content = base64.b64decode(visit.do("file_template", kind=kind, form=form)["file"])
    named = {"Content-Disposition": f'attachment; filename="onhand-{kind}-template.{form}"'}
    return Response(content, media_type=sheets.Form(form).media_type, headers=named)


def _refused(visit: Visit, error: OnHandError, content: bytes | None) -> Page:
    asked = files.asked(visit, content, sheets.ITEMS, error)
    return visit.refuse(error, lambda: _import_page(bad_lines=error.facts.get("faults"), asked=asked))


def _import_page(**known: Any) -> Page:
    """Return the page where a file is chosen, or its preview."""
    columns = [column.name for column in sheets.ITEMS.columns if column.told and not column.needed]
    data = {
        "preview": None,
        "asked": files.NOT_ASKED,
        "columns": columns,
        **known,
        "bad_lines": known.get("bad_lines") or [],
    }
    return Page("item_import.html", data, "Import items")


SCREENS = (
    page("/inventory", Scope.READ, _inventory),
    page("/inventory/new", Scope.STOCK, _new),
    form("/inventory/new", Scope.STOCK, _add),
    page("/inventory/items.{form}", Scope.READ, _export),
    page("/inventory/import", Scope.MANAGE, _import),
    page("/inventory/template.{form}", Scope.READ, _template),
    form("/inventory/import", Scope.MANAGE, _look),
    form("/inventory/import/do", Scope.MANAGE, _do),
)
