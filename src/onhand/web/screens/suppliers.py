"""Suppliers: names and details.

Path: ``/suppliers``; managers add and change them.
Promise: a stale page is refused with the present values.
Never: removes a supplier that orders name; an unused one is made inactive.
"""

from __future__ import annotations

from urllib.parse import quote

from fastapi.responses import Response

from onhand.domain.errors import Refused
from onhand.domain.people import Scope
from onhand.web.declaring import form, page
from onhand.web.visit import Page, Visit
from onhand.wire import Data

ROWS = 50  # suppliers on one page
FIELDS = ("email", "phone", "note")


def _suppliers(visit: Visit) -> Page:
    after = visit.query.get("after", "")
    found = visit.do("supplier_list", after=after, limit=ROWS)["suppliers"]
    data = {
        "suppliers": found,
        "edited": _chosen(visit),
        "first": "/suppliers" if after else None,
        "on": f"/suppliers?after={quote(found[-1]['name'], safe='')}" if len(found) == ROWS else None,
    }
    return Page("suppliers.html", data, "Suppliers")


def _chosen(visit: Visit) -> Data | None:
    """Return the supplier to change; None if none was chosen, or it does not exist any more."""
    name = visit.query.get("edit") or visit.form.get("supplier", "")
    try:
        return visit.do("supplier_show", supplier=name) if name else None
    except Refused:
        return None


def _add(visit: Visit) -> Page | Response:
    return visit.submit(
        "supplier_add",
        {"name": visit.form.get("name", ""), **visit.given(*FIELDS)},
        again=lambda: _suppliers(visit),
        then="/suppliers",
        said="{name} was added.",
    )


def _edit(visit: Visit) -> Page | Response:
    texts = {name: visit.form.get(name, "") for name in ("name", *FIELDS)}
    return visit.submit(
        "supplier_edit",
        {**visit.given("supplier", "revision"), **texts, "active": visit.checked("active")},
        again=lambda: _suppliers(visit),
        then="/suppliers",
        said="{name} was saved.",
    )


SCREENS = (
    page("/suppliers", Scope.READ, _suppliers),
    form("/suppliers/add", Scope.MANAGE, _add),
    form("/suppliers/edit", Scope.MANAGE, _edit),
)
