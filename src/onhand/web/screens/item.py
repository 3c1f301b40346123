"""One item: what is on hand and why, what each shop shows and should show, and the details that people edit.

Path: ``/item?sku=…``, because a SKU may contain any character; ``/item/chart.json`` for its picture.
Promise: every number has the movements behind it; a count is compared with what the page showed.
Never: moves a quantity except through ``adjust``.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi.responses import JSONResponse, Response

from onhand.domain.errors import Refused
from onhand.domain.inventory import FIELDS, REASONS
from onhand.domain.people import Scope
from onhand.web import view
from onhand.web.declaring import form, page
from onhand.web.named import suppliers
from onhand.web.visit import Page, Visit
from onhand.wire import Data
from onhand.words import counted

MOVEMENTS = 30  # movements on the page; all of them are on Movements
SUPPLIERS = 1000  # to choose from
REMARK_NEEDED = "other"


def _item(visit: Visit) -> Page:
    return _page(visit, visit.query.get("sku", ""))


def _page(visit: Visit, sku: str) -> Page:
    found = visit.do("item_show", sku=sku, limit=MOVEMENTS)
    carts = visit.do("cart_list", shared=True)["carts"]
    sellers = suppliers(visit, SUPPLIERS)
    if found["supplier"] and found["supplier"] not in sellers:
        sellers = sorted([*sellers, found["supplier"]])
    data = {
        "item": found,
        "shops": [_shop(found, cart) for cart in carts],
        "statement": _statement(found),
        "names": found["carts"],
        "suppliers": [("", "None"), *((name, name) for name in sellers)],
        "reasons": [("", "Choose a reason"), *((reason, reason.capitalize()) for reason in REASONS)],
        "chart": f"/item/chart.json?sku={quote(found['sku'], safe='')}",
    }
    # A page after an error keeps what was typed. It is not live, because a form's address has no page.
    live = () if visit.form else ("item_figures", "item_shops", "item_statement")
    return Page("item.html", data, f"{found['sku']} {found['name']}".strip(), live)


def _adjust(visit: Visit) -> Page | Response:
    form = visit.form
    sku, reason, remark = (form.get(name, "").strip() for name in ("sku", "reason", "remark"))
    if not remark and reason in {"", REMARK_NEEDED}:
        field = "remark" if reason else "reason"
        error = Refused("Give a reason: it is recorded with the movement.", **{field: ""})
        return visit.refuse(error, lambda: _page(visit, sku))
    words = remark if reason in {"", REMARK_NEEDED} else f"{reason}: {remark}" if remark else reason
    return visit.submit(
        "adjust",
        {
            "sku": sku,
            **visit.given("change", "counted", "seen"),
            "reason": words,
            "below_zero": visit.checked("below_zero"),
        },
        again=lambda: _page(visit, sku),
        then=f"/item?sku={quote(sku, safe='')}",
        said="{sku}: {on_hand} on hand now.",
    )


def _edit(visit: Visit) -> Page | Response:
    form, sku = visit.form, visit.form.get("sku", "")
    return visit.submit(
        "item_edit",
        {
            "sku": sku,
            **{name: form[name].strip() for name in (*FIELDS, "new_sku", "revision") if name in form},
            **{flag: visit.checked(flag) for flag in ("ignore_qoh", "drop_ship")},
        },
        again=lambda: _page(visit, sku),
        then=lambda done: f"/item?sku={quote(done['sku'], safe='')}",
        said=_said,
    )


def _chart(visit: Visit) -> Response:
    found = visit.do("stock_history", sku=visit.query.get("sku", ""))
    series = [{"label": "On hand", "values": found["values"]}]
    answer = {"x": found["x"], "series": series, "step": True}
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


def _said(done: Data) -> str:
    linked = f" {counted(done['retied'], 'product')} linked again: see its shops below." if done["retied"] else ""
    return f"{done['sku']} was saved.{linked}"


def _shop(item: Data, cart: Data) -> Data:
    """Return what one shop shows for the item, with the reason in a word."""
    shop = item["shops"].get(cart["id"])
    return {"cart": cart, "shop": shop, "cell": view.cell(shop, item["on_hand"], cart)}


def _statement(item: Data) -> list[dict[str, Any]]:
    """Return the newest movements with what was on hand after each."""
    balance, lines = item["on_hand"], []
    for entry in item["movements"]:
        lines.append({**entry, "balance": balance})
        balance -= entry["quantity"]
    return lines


SCREENS = (
    page("/item", Scope.READ, _item),
    form("/item/adjust", Scope.STOCK, _adjust),
    form("/item/edit", Scope.MANAGE, _edit),
    page("/item/chart.json", Scope.READ, _chart),
)
