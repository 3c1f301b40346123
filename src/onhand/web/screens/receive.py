"""Receive: goods that arrive, with or without a purchase order.

Path: ``/receive`` for all goods; the page of a purchase order has its own form, in ``purchases``.
Promise: nothing is half booked; a form sent twice is booked once; typed text is kept, with each error by its line.
Never: lowers a quantity; an excess is corrected by an adjustment.
"""

from __future__ import annotations

from typing import Any

from fastapi.responses import Response

from onhand.domain.errors import OnHandError, Refused
from onhand.domain.people import Scope
from onhand.files import sheets
from onhand.web import files, lines
from onhand.web.declaring import form, page
from onhand.web.screens.inventory import handed_over
from onhand.web.visit import Page, Visit
from onhand.wire import Data
from onhand.words import counted

ROWS = 50  # purchase orders on a page
SAID_ITEMS = 5  # items named after a receipt


def _receive(visit: Visit, bad_lines: Any = None, asked: Data = files.NOT_ASKED) -> Page:
    """Return the page. ``bad_lines`` are the errors in a file."""
    before = {"before": visit.query["before"]} if visit.query.get("before") else {}
    orders = visit.do("purchase_list", state="sent", limit=ROWS, **before)["orders"]
    data = {
        "orders": orders,
        "rows": lines.rows(visit),
        "bad_lines": bad_lines or [],
        "asked": asked,
        "first": visit.link(before=None) if before else None,
        "on": visit.link(before=orders[-1]["id"]) if len(orders) == ROWS else None,
    }
    return Page("receive.html", data, "Receive goods", ("open_orders",))


def _book(visit: Visit) -> Page | Response:
    """Book goods without an order, typed or from a file."""
    if "more" in visit.form:
        return _receive(visit)
    given = visit.given("reference", "note")
    file: bytes | None = None
    try:
        typed, file = lines.typed(visit), files.brought(visit)
        if typed and file:
            raise Refused("Enter lines or choose a file, not both, so that nothing is received twice.")
        if not typed and not file:
            raise Refused("Enter at least one SKU with its units, or choose a file.")
        done = (
            visit.do("receive_import", **files.arguments(visit, file), **given)
            if file
            else lines.do(visit, "receive", typed, **given)
        )
    except OnHandError as error:
        bad_lines, asked = error.facts.get("faults"), files.asked(visit, file, sheets.RECEIPTS, error)
        return visit.refuse(error, lambda: _receive(visit, bad_lines, asked))
    return visit.go("/receive", " ".join([_said(done), *done.get("remarks", [])]))


def _template(visit: Visit, form: str) -> Response:
    return handed_over(visit, "receipts", form)


def _said(done: Data) -> str:
    on_hand = done["on_hand"]
    named = ", ".join(f"{sku}: {units:,} on hand" for sku, units in list(on_hand.items())[:SAID_ITEMS])
    return f"{counted(len(on_hand), 'item')} received: {named}{' …' if len(on_hand) > SAID_ITEMS else ''}."


SCREENS = (
    page("/receive", Scope.READ, _receive),
    form("/receive", Scope.STOCK, _book),
    page("/receive/template.{form}", Scope.READ, _template),
)
