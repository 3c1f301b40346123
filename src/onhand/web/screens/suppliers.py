"""Suppliers: whom we buy from.

Path: ``/suppliers``; managers add and change them.
Promise: a page that is stale is refused with what is there now.
Never: removes a supplier that orders name; one that is not bought from any more is made inactive.
"""

from __future__ import annotations

from fastapi.responses import Response

from onhand.domain.people import Scope
from onhand.web.site import Site
from onhand.web.visit import Page, Visit

FIELDS = ("email", "phone", "note")


def attach(site: Site) -> None:
    """Declare the page and its forms."""

    @site.page("/suppliers", Scope.READ)
    def suppliers(visit: Visit) -> Page:
        return _page(visit)

    @site.form("/suppliers/add", Scope.MANAGE)
    def add(visit: Visit) -> Page | Response:
        return visit.submit(
            "supplier_add",
            {"name": visit.form.get("name", ""), **visit.given(*FIELDS)},
            again=lambda: _page(visit),
            then="/suppliers",
            said="{name} is added.",
        )

    @site.form("/suppliers/edit", Scope.MANAGE)
    def edit(visit: Visit) -> Page | Response:
        texts = {name: visit.form.get(name, "") for name in ("name", *FIELDS)}
        return visit.submit(
            "supplier_edit",
            {**visit.given("supplier", "revision"), **texts, "active": visit.checked("active")},
            again=lambda: _page(visit),
            then="/suppliers",
            said="{name} is saved.",
        )


def _page(visit: Visit) -> Page:
    chosen = visit.query.get("edit") or visit.form.get("supplier")
    found = visit.do("supplier_list")["suppliers"]
    edited = next((supplier for supplier in found if supplier["name"] == chosen), None)
    return Page("suppliers.html", {"suppliers": found, "edited": edited}, "Suppliers")
